/** The file systems that a program on Linux expects. */
import assert from 'node:assert/strict';
import { mountAt, parseMounts } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxDefaultFilesystems';

export default {
  'are made as they are configured': {
    spec,
    must: '/proc, /sys, /dev/pts and /dev/shm are proc, sysfs, devpts and tmpfs.',
    check: async (bench) => {
      const mounts = parseMounts(await bench.report({ script: 'cat /proc/self/mountinfo' }));
      const types = ['/proc', '/sys', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'].map((target) => mountAt(mounts, target).type);
      assert.deepEqual(types, ['proc', 'sysfs', 'tmpfs', 'devpts', 'tmpfs', 'mqueue']);
      assert.ok(mountAt(mounts, '/sys').options.includes('ro'));
      assert.deepEqual(
        ['nosuid', 'nodev', 'noexec'].filter((option) => !mountAt(mounts, '/dev/shm').options.includes(option)),
        [],
      );
    },
  },
  'belong to the container’s namespaces': {
    spec,
    must: '/proc shows the container’s processes, /sys its network, /dev/pts its terminals, /dev/mqueue its queues.',
    check: async (bench) => {
      const script = 'readlink /proc/self/ns/pid; ls -d /proc/1 /proc/[0-9]* | sort -u | wc -l; ls /sys/class/net; ls /dev/pts /dev/mqueue';
      const lines = (await bench.report({ script })).split('\n').slice(1);
      assert.deepEqual(lines.slice(1), ['lo', '/dev/mqueue:', '', '/dev/pts:', 'ptmx']);
    },
  },
} satisfies Property;
