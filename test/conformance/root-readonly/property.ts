/** The container's root file system. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configRoot';

export default {
  'is read-only when it shall be': {
    spec,
    must: 'With readonly the root file system cannot be written to; mounts below it still can.',
    check: async (bench) => {
      const script = 'echo x 2>/dev/null >/new && echo written; echo y >/dev/shm/new && cat /dev/shm/new; mkdir /dir 2>&1';
      const { stdout } = await bench.run({ script, config: { root: { path: 'rootfs', readonly: true } } });
      assert.equal(stdout, "y\nmkdir: can't create directory '/dir': Read-only file system\n");
    },
  },
  'is writable otherwise': {
    spec,
    must: 'Without readonly, what the container writes is in the bundle’s root file system.',
    check: async (bench) => {
      for (const readonly of [false, undefined]) {
        const bundle = bench.bundle({ script: 'echo written >/new', config: { root: { path: 'rootfs', readonly } } });
        await bench.report(bundle);
        assert.equal(readFileSync(join(bundle.rootfs, 'new'), 'utf8'), 'written\n');
      }
    },
  },
  'may be given by an absolute path': {
    spec,
    must: 'path is absolute, or relative to the bundle.',
    check: async (bench) => {
      const other = bench.bundle();
      writeFileSync(join(other.rootfs, 'mark'), 'here\n');
      assert.equal(await bench.report({ script: 'cat /mark', config: { root: { path: other.rootfs } } }), 'here');
    },
  },
  'is all that the container sees': {
    spec,
    must: 'path is the container’s root: nothing above it is in reach.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: `ls ${bench.directory} 2>&1; ls /../../ | tr '\\n' ' '; cut -d' ' -f5 /proc/self/mountinfo | sort` });
      const lines = (await bench.report(bundle)).split('\n');
      assert.match(lines[0]!, /No such file or directory/);
      assert.equal(lines[1]!.trim(), 'bin dev etc home mnt proc root run sys tmp var /');
    },
  },
  'must exist': {
    spec,
    must: 'A directory must exist at path.',
    check: async (bench) => {
      await bench.refused({ config: { root: { path: 'nowhere' } } });
      await bench.refused({ config: { root: { path: 'file' } }, prepare: (_, bundle) => writeFileSync(join(bundle, 'file'), '') });
    },
  },
  'is required': {
    spec,
    must: 'root and its path are required on Linux.',
    check: async (bench) => {
      await bench.refused({ config: { root: undefined } });
      await bench.refused({ config: { root: { readonly: false } } });
      assert.equal(existsSync('/conformance'), false);
    },
  },
} satisfies Property;
