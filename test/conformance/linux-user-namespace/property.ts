/** The mapping of users and groups of a container to those of the host. */
import assert from 'node:assert/strict';
import { chownSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Asked, defaultNamespaces } from '../suite/config.ts';
import { procStatus } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxUserNamespaceMappings';
const namespaces = [...defaultNamespaces, 'user'];
const uidMappings = [
  { containerID: 0, hostID: 300_000, size: 1000 },
  { containerID: 1000, hostID: 400_000, size: 500 },
];
const gidMappings = [{ containerID: 0, hostID: 310_000, size: 65_536 }];
const owned = (rootfs: string): void => chownSync(rootfs, 300_000, 310_000);
const asked: Asked = { namespaces, linux: { uidMappings, gidMappings }, prepare: owned };

export default {
  'is that of config.json': {
    spec,
    must: 'uidMappings and gidMappings are the mappings of the namespace.',
    check: async (bench) => {
      const container = await bench.start({ ...asked, script: 'exec sleep 1000' });
      const map = (name: string): string[] =>
        readFileSync(`/proc/${container.pid}/${name}`, 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.trim().replace(/\s+/g, ' '));
      assert.deepEqual(map('uid_map'), ['0 300000 1000', '1000 400000 500']);
      assert.deepEqual(map('gid_map'), ['0 310000 65536']);
    },
  },
  'applies to the process’s user': {
    spec,
    must: 'uid, gid and additionalGids are ids of the container.',
    check: async (bench) => {
      const container = await bench.start({
        ...asked,
        script: 'id; echo up; exec sleep 1000',
        process: { user: { uid: 1001, gid: 7, additionalGids: [8, 9] } },
      });
      await container.said(/up/);
      assert.equal(procStatus(container.pid, 'Uid'), '400001 400001 400001 400001');
      assert.equal(procStatus(container.pid, 'Gid'), '310007 310007 310007 310007');
      assert.equal(procStatus(container.pid, 'Groups')?.trim(), '310008 310009');
      assert.match(container.output, /^uid=1001 gid=7 groups=(7,)?8,9/);
    },
  },
  'applies to what the container writes': {
    spec,
    must: 'A file that root of the container makes belongs to the host’s user to whom it is mapped.',
    check: async (bench) => {
      const bundle = bench.bundle({ ...asked, script: 'echo x >/new; stat -c %u:%g /new /bin/busybox' });
      assert.equal(await bench.report(bundle), '0:0\n65534:65534');
      const { uid, gid } = statSync(join(bundle.rootfs, 'new'));
      assert.deepEqual([uid, gid], [300_000, 310_000]);
    },
  },
  'leaves the owners of files as they are': {
    spec,
    must: 'The runtime does not change the ownership of the root file system.',
    check: async (bench) => {
      const bundle = bench.bundle(asked);
      await bench.report(bundle);
      assert.equal(statSync(join(bundle.rootfs, 'etc')).uid, 0);
    },
  },
  'gives the container capabilities in it': {
    spec,
    must: 'Root of the container has its capabilities over what the namespace owns.',
    check: async (bench) => {
      assert.equal(await bench.report({ ...asked, script: 'mount -t tmpfs none /mnt && hostname inside && hostname' }), 'inside');
    },
  },
} satisfies Property;
