/** Paths that the container cannot read. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxMaskedPaths';

function prepare(rootfs: string): void {
  writeFileSync(join(rootfs, 'etc/secret'), 'secret');
  mkdirSync(join(rootfs, 'var/secrets'));
  writeFileSync(join(rootfs, 'var/secrets/one'), 'secret');
}

export default {
  'are empty': {
    spec,
    must: 'What is at the paths, file or directory, cannot be read.',
    check: async (bench) => {
      const maskedPaths = ['/etc/secret', '/var/secrets', '/proc/timer_list', '/proc/bus', '/sys/kernel'];
      const script = 'cat /etc/secret /proc/timer_list; ls /var/secrets /proc/bus /sys/kernel; ls -A /var/secrets | wc -l';
      assert.equal(await bench.report({ script, linux: { maskedPaths }, prepare }), '/proc/bus:\n\n/sys/kernel:\n\n/var/secrets:\n0');
    },
  },
  'cannot be written to, either': {
    spec,
    must: 'What is behind a mask is out of reach.',
    check: async (bench) => {
      const script = 'echo x >/etc/secret; (echo y >/var/secrets/new) 2>/dev/null && echo written';
      const bundle = bench.bundle({ script, linux: { maskedPaths: ['/etc/secret', '/var/secrets'] }, prepare });
      const { stdout } = await bench.run(bundle);
      assert.equal(stdout, '');
    },
  },
  'may be missing': {
    spec,
    must: 'A path that is not there has nothing to be read.',
    check: async (bench) => {
      await bench.report({ linux: { maskedPaths: ['/proc/not-in-this-kernel', '/nowhere/at/all'] } });
    },
  },
  'are the container’s': {
    spec,
    must: 'The values are paths in the container: a link does not lead out of it.',
    check: async (bench) => {
      const bundle = bench.bundle({
        script: 'cat /link; cat /etc/secret',
        linux: { maskedPaths: ['/link'] },
        prepare: (rootfs) => {
          prepare(rootfs);
          symlinkSync('/etc/secret', join(rootfs, 'link'));
        },
      });
      const { stdout } = await bench.run(bundle);
      assert.equal(stdout, '');
    },
  },
} satisfies Property;
