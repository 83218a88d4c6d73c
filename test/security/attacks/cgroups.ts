/** Attacks by control files and by nodes of devices. */
import assert from 'node:assert/strict';
import type { Attack } from '../attack.ts';
import { attempt } from '../targets.ts';

const write =
  'find /sys/fs/cgroup -type f -name "*.procs" -o -name release_agent -o -name "*limit_in_bytes" -o -name "*.max" | while read f; do (echo 0 > $f) 2>&1; done; ' +
  'mkdir /tmp/c; mount -t cgroup -o memory none /tmp/c 2>&1; mount -t cgroup2 none /tmp/c 2>&1; mount -o remount,rw /sys/fs/cgroup 2>&1; ls /tmp/c';

/** Mounts hierarchies anew, here and in a user and cgroup namespace, and looks for the file that only a hierarchy's root has. */
const mounts = (place: string): string =>
  `for c in memory cpu rdma pids; do mount -t cgroup -o $c none ${place} 2>/dev/null && { ls ${place} | grep release_agent; umount ${place}; }; done`;
const releaseAgent = `mkdir /tmp/c; ${mounts('/tmp/c')}; find /sys/fs/cgroup -name release_agent; unshare -UrmC sh -c '${mounts('/tmp/c')}' 2>/dev/null; echo done`;

export const cgroups: readonly Attack[] = [
  {
    row: 'cgroup-files',
    name: 'writing to control files, mounting them anew',
    attack: async (target) => {
      const { stdout } = await attempt(target, {}, {}, 'sh', '-c', write);
      const lines = stdout.split('\n').filter((line) => line && !line.includes('dmesg(1)'));
      assert.ok(lines.length >= 4, stdout);
      for (const line of lines) assert.match(line, /Read-only file system|permission denied|must be superuser/i);
    },
  },
  {
    row: 'cgroup-files',
    name: 'release_agent, with the power to mount, and in namespaces of its own',
    attack: async (target) => {
      for (const unfiltered of [false, true])
        assert.equal((await attempt(target, { capabilities: ['SYS_ADMIN'], unfiltered }, {}, 'sh', '-c', releaseAgent)).stdout, 'done\n');
    },
  },
  {
    row: 'devices',
    name: "nodes of the host's disk and memory",
    attack: async (target) => {
      const script =
        'mknod /tmp/disk b 254 0 && mknod /tmp/mem c 1 1 && mknod /tmp/null c 1 3; for d in /tmp/disk /tmp/mem /tmp/null; do (head -c1 $d >/dev/null) 2>&1 && echo $d; done';
      const { stdout } = await attempt(target, {}, {}, 'sh', '-c', script);
      assert.match(stdout, /disk.*Operation not permitted\n.*mem.*Operation not permitted\n\/tmp\/null\n$/);
    },
  },
];
