/** Paths that the container cannot write to. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxReadonlyPaths';

function prepare(rootfs: string): void {
  writeFileSync(join(rootfs, 'etc/kept'), 'kept');
  mkdirSync(join(rootfs, 'var/kept'));
  writeFileSync(join(rootfs, 'var/kept/one'), 'kept');
}

export default {
  'can be read, and not written': {
    spec,
    must: 'The paths, files or directories, are read-only, with all that is in them.',
    check: async (bench) => {
      const script = `
        try() { (echo x >"$1") 2>&1 | sed 's/.*: //'; }
        for path in /etc/kept /var/kept/one /var/kept/new /proc/sys/kernel/core_pattern; do try $path; done
        cat /etc/kept /var/kept/one; (echo x >/etc/free) && echo free`;
      const text = await bench.report({ script, linux: { readonlyPaths: ['/etc/kept', '/var/kept', '/proc/sys'] }, prepare });
      assert.deepEqual(text.split('\n'), [...Array<string>(4).fill('Read-only file system'), 'keptkeptfree']);
    },
  },
  'keep the flags of the mount that they are of': {
    spec,
    must: 'Only writing is taken away: nosuid, nodev and noexec stay.',
    check: async (bench) => {
      const mounts = [{ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec'] }];
      const text = await bench.report({ script: 'grep " /mnt " /proc/self/mountinfo | tail -1 | cut -d" " -f6', mounts, linux: { readonlyPaths: ['/mnt'] } });
      const options = text.split(',');
      for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) assert.ok(options.includes(option), `${option} is not among ${text}`);
    },
  },
  'may be missing': {
    spec,
    must: 'A path that is not there cannot be written to.',
    check: async (bench) => {
      await bench.report({ linux: { readonlyPaths: ['/proc/not-in-this-kernel', '/nowhere/at/all'] } });
    },
  },
} satisfies Property;
