/** The tree of a container that an ordinary user makes: its process takes the root, the sources and the devices itself. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parseMountinfo } from '../../src/kernel/mountinfo.ts';
import { needsBusybox, placeBusybox } from '../conformance/suite/rootfs.ts';
import { devMount, mount, procMount } from '../support/created.ts';
import { firstOf } from '../support/needs.ts';
import { nobody, RootlessBench, unableRootless } from '../support/rootless.ts';

test('an ordinary user has mounts, devices and masks by a user namespace', { skip: firstOf(unableRootless(), needsBusybox()) }, () => {
  using bench = new RootlessBench();
  const [rootfs, source] = ['rootfs', 'source'].map((name) => join(bench.base, name)) as [string, string];
  for (const path of [rootfs, source, join(rootfs, 'bin')]) mkdirSync(path);
  placeBusybox(bench.base);
  copyFileSync(join(bench.base, 'busybox'), join(rootfs, 'bin/busybox'));
  chmodSync(join(rootfs, 'bin/busybox'), 0o755);
  writeFileSync(join(source, 'file'), 'of the user\n');
  const map = [{ containerID: 0, hostID: nobody.uid, size: 1 }];
  const script = 'b=/bin/busybox; $b cat /data/file; $b stat -c %u:%t:%T /dev/null; $b wc -c </proc/keys; $b echo x >/data/new; $b cat /proc/self/mountinfo';
  const config = {
    ociVersion: '1.2.0',
    process: { cwd: '/', args: ['/bin/busybox', 'sh', '-c', script], user: { uid: 0, gid: 0 } },
    root: { path: 'rootfs', readonly: true },
    mounts: [procMount, devMount, mount('/data', 'none', source, 'bind', 'nosuid'), mount('/sys', 'sysfs', 'sysfs', 'ro'), mount('/run', 'tmpfs', 'tmpfs')],
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'user'].map((type) => ({ type })),
      uidMappings: map,
      gidMappings: map,
      maskedPaths: ['/proc/keys', '/sys/firmware'],
    },
  };
  writeFileSync(join(bench.base, 'config.json'), JSON.stringify(config));
  bench.give('rootfs', 'rootfs/bin', 'source', 'source/file');
  const [text, device, hidden, ...lines] = bench.must('run', 'mounts').split('\n');
  assert.deepEqual([text, device, hidden], ['of the user', '65534:1:3', '0']);
  const mounts = new Map(parseMountinfo(lines.join('\n')).map((m) => [m.mountPoint, m]));
  const types = ['/proc', '/dev', '/sys', '/run', '/sys/firmware'].map((path) => mounts.get(path)?.type);
  assert.deepEqual(types, ['proc', 'tmpfs', 'sysfs', 'tmpfs', 'tmpfs']);
  assert.ok(mounts.get('/')!.options.includes('ro') && mounts.get('/data')!.options.includes('nosuid') && mounts.get('/sys')!.options.includes('ro'));
  assert.equal(statSync(join(source, 'new')).uid, nobody.uid);
});
