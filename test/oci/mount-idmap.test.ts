/** Idmapped mounts of a configuration, as the kernel shows them in a created container: whose files are whose. */
import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readIdMaps } from '../../src/runtime/id-map.ts';
import type { MountSpec } from '../../src/runtime/spec.ts';
import { CreatedBench, devMount, mount, procMount } from '../support/created.ts';
import { needsRoot } from '../support/needs.ts';

const maps = (hostID: number, size = 1000): Pick<MountSpec, 'uidMappings' | 'gidMappings'> => {
  const map = [{ containerID: 0, hostID, size }];
  return { uidMappings: map, gidMappings: map };
};

describe('id maps of bind mounts', { skip: needsRoot() }, () => {
  let bench: CreatedBench;
  before(() => void (bench = new CreatedBench()));
  after(() => bench[Symbol.dispose]());
  const userNamespace = { namespaces: (['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'user'] as const).map((type) => ({ type })) };

  test("are the mount's own, without a user namespace: what is root's on disk is another's here", async () => {
    const source = bench.tree('owned', { file: '' });
    chownSync(join(source, 'file'), 7, 8);
    for (const options of [['bind', 'idmap'], ['rbind', 'ridmap'], ['bind']])
      await bench.create({ mounts: [{ ...mount('/data', 'bind', source, ...options), ...maps(50_000) }] }, ({ root, at }) => {
        assert.deepEqual(
          [statSync(`${root}/data`).uid, statSync(`${root}/data/file`).uid, statSync(`${root}/data/file`).gid],
          [50_000, 50_007, 50_008],
          options.join(),
        );
        assert.ok(at('/data')!.options.includes('idmapped'));
        // Who has no place in the map can make nothing there.
        assert.throws(() => writeFileSync(`${root}/data/new`, ''), /EOVERFLOW/);
      });
    assert.equal(statSync(source).uid, 0);
  });

  test("are the container's, where the mount has none of its own", async () => {
    const source = bench.tree('owned', { file: '' });
    chownSync(bench.rootfs, 100_000, 100_000);
    const idmapped = mount('/data', 'bind', source, 'bind', 'idmap');
    const plain = mount('/plain', 'bind', source, 'bind');
    try {
      await bench.create({ mounts: [procMount, devMount, idmapped, plain], linux: { ...userNamespace, ...maps(100_000, 65_536) } }, ({ pid, root, at }) => {
        assert.equal(readIdMaps(pid).uidMappings[0]!.hostID, 100_000);
        assert.deepEqual([statSync(`${root}/data`).uid, statSync(`${root}/plain`).uid], [100_000, 0]);
        assert.ok(at('/data')!.options.includes('idmapped') && !at('/plain')!.options.includes('idmapped'));
      });
    } finally {
      chownSync(bench.rootfs, 0, 0);
    }
  });

  test('are asked for with both, and for a container that has some', async () => {
    const source = bench.tree('owned');
    const { uidMappings } = maps(1);
    await assert.rejects(
      bench.create({ mounts: [{ ...mount('/data', 'bind', source, 'bind'), uidMappings: uidMappings! }] }, () => {}),
      /uidMappings and gidMappings go together/,
    );
    await assert.rejects(
      bench.create({ mounts: [mount('/data', 'bind', source, 'bind', 'idmap')] }, () => {}),
      /"idmap" needs uidMappings and gidMappings/,
    );
  });
});

describe('a tree in a user namespace', { skip: needsRoot() }, () => {
  let bench: CreatedBench;
  before(() => {
    bench = new CreatedBench();
    for (const path of ['', 'proc', 'dev', 'sys', 'data', 'program']) chownSync(join(bench.rootfs, path), 100_000, 100_000);
  });
  after(() => bench[Symbol.dispose]());
  const linux = (...types: readonly ('network' | 'ipc' | 'pid')[]) => ({
    namespaces: (['mount', 'uts', 'cgroup', 'user', ...types] as const).map((type) => ({ type })),
    ...maps(100_000, 65_536),
  });

  test("has mount points that are its root's, and the host's devices bound", async () => {
    await bench.create(
      { mounts: [procMount, devMount, mount('/new/place', 'tmpfs', 'tmpfs')], linux: linux('network', 'ipc', 'pid') },
      ({ root, at, mounts }) => {
        assert.equal(statSync(`${root}/new`).uid, 100_000);
        assert.equal(statSync(`${root}/new/place`).uid, 100_000);
        assert.ok(mounts.some(({ mountPoint }) => mountPoint === '/dev/null') && statSync(`${root}/dev/null`).isCharacterDevice());
        assert.equal(at('/new/place')!.type, 'tmpfs');
      },
    );
  });

  test("is attached where the container's root alone may go, and where it alone may not", async () => {
    for (const owner of [100_000, 0, 200_000]) {
      chownSync(bench.directory, owner, owner);
      try {
        await bench.create({ mounts: [procMount], linux: linux('network', 'ipc', 'pid') }, ({ root, at }) => {
          assert.ok(at('/'));
          assert.equal(statSync(root).ino, statSync(bench.rootfs).ino);
        });
      } finally {
        chownSync(bench.directory, 0, 0);
      }
    }
  });

  test("has the host's devices bound in the image's own /dev, too, and again where the files for that are left of the last time", async () => {
    for (let times = 0; times < 2; times++) {
      await bench.create({ mounts: [procMount], linux: linux('network', 'ipc', 'pid') }, ({ root }) => {
        for (const name of ['null', 'zero', 'tty']) assert.ok(statSync(`${root}/dev/${name}`).isCharacterDevice(), name);
      });
      assert.ok(statSync(join(bench.rootfs, 'dev/null')).isFile());
    }
  });

  test("has the host's sysfs, procfs and queues bound, with all below, where it shares the namespace that they show", async () => {
    const queues = existsSync('/dev/mqueue') ? [mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid')] : [];
    await bench.create({ mounts: [procMount, devMount, mount('/sys', 'sysfs', 'sysfs', 'ro', 'nosuid'), ...queues], linux: linux('pid') }, ({ at, mounts }) => {
      assert.equal(at('/sys')!.type, 'sysfs');
      for (const { mountPoint, options } of mounts.filter(({ mountPoint: path }) => path === '/sys' || path.startsWith('/sys/')))
        assert.ok(options.includes('ro'), mountPoint);
      assert.equal(at('/dev/mqueue') !== undefined, queues.length > 0);
    });
    mkdirSync(join(bench.rootfs, 'sys'), { recursive: true });
    await bench.create({ mounts: [procMount, devMount], linux: linux('network', 'ipc') }, ({ at }) => assert.equal(at('/proc')!.type, 'proc'));
  });
});
