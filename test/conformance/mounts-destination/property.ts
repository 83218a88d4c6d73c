/** Where mounts go. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseMounts } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configMounts';
const tmpfs = { type: 'tmpfs', source: 'probe' };
const script = 'grep " - tmpfs probe " /proc/self/mountinfo';

export default {
  'is made when it is not there': {
    spec,
    must: 'destination is a path in the container; the runtime sees to it that there is something to mount on.',
    check: async (bench) => {
      assert.equal(parseMounts(await bench.report({ script, mounts: [{ ...tmpfs, destination: '/not/there/yet' }] }))[0]!.target, '/not/there/yet');
    },
  },
  'may be relative': {
    spec,
    must: 'A relative path is meant from / on.',
    check: async (bench) => {
      assert.equal(parseMounts(await bench.report({ script, mounts: [{ ...tmpfs, destination: 'mnt' }] }))[0]!.target, '/mnt');
    },
  },
  'stays in the container through links': {
    spec,
    must: 'destination is inside the container, whatever links the root file system has.',
    check: async (bench) => {
      const outside = join(bench.directory, 'outside');
      mkdirSync(outside);
      const prepare = (rootfs: string): void => {
        symlinkSync('/var', join(rootfs, 'absolute'));
        symlinkSync('../../../../../../../var', join(rootfs, 'upwards'));
        symlinkSync(outside, join(rootfs, 'outside'));
      };
      const mounts = ['/absolute/one', '/upwards/two', '/outside/three'].map((destination) => ({ ...tmpfs, destination }));
      const targets = parseMounts(await bench.report({ script, mounts, prepare })).map(({ target }) => target);
      assert.deepEqual(targets, ['/var/one', '/var/two', `${outside}/three`]);
      assert.equal(existsSync(join(outside, 'three')), false);
    },
  },
  'is required': {
    spec,
    must: 'An entry without destination is an error.',
    check: async (bench) => {
      await bench.refused({ config: { mounts: [{ type: 'tmpfs', source: 'probe' }] } });
    },
  },
} satisfies Property;
