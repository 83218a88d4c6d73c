/** Types of file systems. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultNamespaces } from '../suite/config.ts';
import { mountAt, parseMounts } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configPOSIXMounts';

export default {
  'may be any that the kernel has': {
    spec,
    must: 'type is one of /proc/filesystems, its options are its own: here an overlay.',
    check: async (bench) => {
      const bundle = bench.bundle({});
      for (const name of ['lower', 'upper', 'work']) mkdirSync(join(bundle.directory, name));
      writeFileSync(join(bundle.directory, 'lower/file'), 'from below\n');
      const options = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(bundle.directory, name)}`);
      const script = 'cat /mnt/file; echo new >/mnt/new; cut -d" " -f5- /proc/self/mountinfo | grep "^/mnt " | grep -o " - overlay"';
      assert.equal(await bench.report({ script, mounts: [{ destination: '/mnt', type: 'overlay', source: 'overlay', options }] }), 'from below\n - overlay');
    },
  },
  'tmpfs: is writable, and ends with the container': {
    spec,
    must: 'A tmpfs is a file system in memory.',
    check: async (bench) => {
      const bundle = bench.bundle({
        script: 'echo x >/mnt/file; stat -c %a /mnt',
        mounts: [{ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['mode=1770'] }],
      });
      assert.equal(await bench.report(bundle), '1770');
    },
  },
  'cgroup: shows the container’s cgroup': {
    spec,
    must: 'With type cgroup the container finds its own cgroup under /sys/fs/cgroup, read-only when it is asked for.',
    check: async (bench) => {
      const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'] }];
      const script =
        'cd /sys/fs/cgroup; cat memory/cgroup.procs cgroup.procs 2>/dev/null | head -1; (echo 1 >memory/notify_on_release) 2>&1 | sed "s/.*: //"; cat /proc/self/mountinfo';
      for (const namespaces of [defaultNamespaces, [...defaultNamespaces, 'cgroup']]) {
        const lines = (await bench.report({ script, mounts, namespaces })).split('\n');
        assert.equal(lines[0], '1');
        const mounted = parseMounts(lines.filter((line) => line.includes(' - ')).join('\n')).filter(({ type }) => type.startsWith('cgroup'));
        assert.ok(mounted.length > 0);
        assert.deepEqual(
          mounted.filter(({ options }) => !options.includes('ro')),
          [],
        );
      }
    },
  },
  'that the kernel does not have are an error': {
    spec,
    must: 'What cannot be applied is an error.',
    check: async (bench) => {
      await bench.refused({ mounts: [{ destination: '/mnt', type: 'cloudfs', source: 'none' }] });
    },
  },
  'proc: a second one shows the same processes': {
    spec,
    must: 'proc may be mounted anywhere.',
    check: async (bench) => {
      const mounts = [{ destination: '/mnt', type: 'proc', source: 'proc', options: ['ro'] }];
      const text = await bench.report({ script: 'cat /proc/self/mountinfo; ls -d /mnt/1', mounts });
      assert.equal(
        mountAt(
          parseMounts(
            text
              .split('\n')
              .filter((line) => line.includes(' - '))
              .join('\n'),
          ),
          '/mnt',
        ).type,
        'proc',
      );
    },
  },
} satisfies Property;
