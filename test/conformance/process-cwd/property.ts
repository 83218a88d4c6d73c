/** The working directory of the container's process. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configProcess';
const script = 'readlink /proc/self/cwd';

export default {
  'is cwd': {
    spec,
    must: 'The program begins in the directory cwd.',
    check: async (bench) => {
      assert.equal(await bench.report({ script, process: { cwd: '/home' } }), '/home');
      assert.equal(await bench.report({ script, process: { cwd: '/dev/shm' } }), '/dev/shm');
    },
  },
  'is resolved in the container': {
    spec,
    must: 'cwd is a path in the container: a link of the root file system leads to a place in it.',
    check: async (bench) => {
      assert.equal(await bench.report({ script, process: { cwd: '/link' }, prepare: (rootfs) => symlinkSync('/var', join(rootfs, 'link')) }), '/var');
    },
  },
  'may be a directory of the user’s alone': {
    spec,
    must: 'The directory is entered where the process’s user may enter it, even if root without CAP_DAC_OVERRIDE may not.',
    check: async (bench) => {
      const prepare = (rootfs: string): void => {
        mkdirSync(join(rootfs, 'home/own'));
        chmodSync(join(rootfs, 'home/own'), 0o700);
        chownSync(join(rootfs, 'home/own'), 1000, 1000);
      };
      assert.equal(await bench.report({ script, process: { cwd: '/home/own', user: { uid: 1000, gid: 1000 }, capabilities: {} }, prepare }), '/home/own');
    },
  },
  'must be absolute': {
    spec,
    must: 'cwd must be an absolute path.',
    check: async (bench) => {
      await bench.refused({ process: { cwd: 'home' } });
    },
  },
  'must be there': {
    spec,
    must: 'cwd is required.',
    check: async (bench) => {
      await bench.refused({ process: { cwd: undefined } });
    },
  },
} satisfies Property;
