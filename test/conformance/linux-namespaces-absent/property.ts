/** Namespaces that the container shares with its caller. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { namespaceOf } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxNamespaces';

export default {
  'are the runtime’s': {
    spec,
    must: 'A type that is not in the list is inherited from the runtime.',
    check: async (bench) => {
      const container = await bench.start({ script: 'exec sleep 1000', namespaces: ['mount'] });
      for (const file of ['pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time']) {
        assert.equal(namespaceOf(container.pid, file), namespaceOf('self', file));
      }
      assert.notEqual(namespaceOf(container.pid, 'mnt'), namespaceOf('self', 'mnt'));
    },
  },
  'may be the mount namespace alone': {
    spec,
    must: 'Without a mount namespace the container has the mounts of the runtime, and still its root.',
    alone: true,
    check: async (bench) => {
      const container = await bench.start({
        script: 'ls -d /bin/busybox; echo up; exec sleep 1000',
        namespaces: ['pid', 'ipc', 'uts', 'network'],
        config: { mounts: [] },
        // runc needs a procfs, and a mount of config.json would be the runtime's own here.
        prepare: (rootfs) => execFileSync('mount', ['-t', 'proc', 'proc', join(rootfs, 'proc')]),
      });
      await container.said(/up/);
      assert.equal(namespaceOf(container.pid, 'mnt'), namespaceOf('self', 'mnt'));
      assert.equal(container.output, '/bin/busybox\nup\n');
    },
  },
} satisfies Property;
