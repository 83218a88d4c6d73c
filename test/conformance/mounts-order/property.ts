/** In which order the mounts are made. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configMounts';

/** Directories of the bundle with a file that says which it is. */
function prepare(_: string, bundle: string): void {
  for (const name of ['one', 'two']) {
    mkdirSync(join(bundle, name));
    writeFileSync(join(bundle, name, 'name'), `${name}\n`);
  }
}

export default {
  'is that of the list': {
    spec,
    must: 'Entries are mounted in the listed order: of two at one place the later is seen.',
    check: async (bench) => {
      const bind = (source: string): object => ({ type: 'bind', source, options: ['bind'] });
      const mounts = (...sources: string[]): { destination: string }[] => sources.map((source) => ({ destination: '/mnt', ...bind(source) }));
      assert.equal(await bench.report({ script: 'cat /mnt/name', mounts: mounts('one', 'two'), prepare }), 'two');
      assert.equal(await bench.report({ script: 'cat /mnt/name', mounts: mounts('two', 'one'), prepare }), 'one');
    },
  },
  'lets a mount be made in another': {
    spec,
    must: 'A destination may be in a mount that an earlier entry made; a later entry at a parent hides it.',
    check: async (bench) => {
      const outer = { destination: '/mnt', type: 'tmpfs', source: 'outer' };
      const inner = { destination: '/mnt/a/b', type: 'tmpfs', source: 'inner' };
      assert.equal(await bench.report({ script: 'ls -d /mnt/a/b', mounts: [outer, inner] }), '/mnt/a/b');
      assert.equal(await bench.report({ script: 'ls /mnt | wc -l', mounts: [inner, outer] }), '0');
    },
  },
} satisfies Property;
