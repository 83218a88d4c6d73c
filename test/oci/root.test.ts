/** The root of a container, what covers parts of it, and the ways to come into it, as the kernel shows them in a created container. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call } from '../../src/kernel/call.ts';
import { mountFlags, umountFlags } from '../../src/kernel/flags.ts';
import { readMountinfo } from '../../src/kernel/mountinfo.ts';
import { must } from '../../src/kernel/perform.ts';
import { CreatedBench, devMount, mount, procMount } from '../support/created.ts';
import { needsRoot } from '../support/needs.ts';

describe('the root of a created container', { skip: needsRoot() }, () => {
  let bench: CreatedBench;
  before(() => void (bench = new CreatedBench()));
  after(() => bench[Symbol.dispose]());
  const tags = (words: readonly string[]): string => words.map((word) => word.replace(/:\d+/, '')).join();

  test("is the bundle's directory, and nothing of it is mounted on the host", async () => {
    writeFileSync(join(bench.rootfs, 'marker'), 'of the bundle');
    const before = readMountinfo().length;
    await bench.create({ mounts: [procMount, devMount] }, ({ root, mounts }) => {
      assert.equal(readFileSync(`${root}/marker`, 'utf8'), 'of the bundle');
      assert.deepEqual(
        mounts.map(({ mountPoint }) => mountPoint),
        ['/', '/proc', '/dev'],
      );
    });
    assert.equal(readMountinfo().length, before);
    assert.deepEqual(readdirSync(join(bench.rootfs, 'proc')), []);
  });

  test('is read-only where that is asked for; what is mounted in it stays as it is', async () => {
    await bench.create({ mounts: [mount('/data', 'tmpfs', 'tmpfs')], readonly: true }, ({ root, at }) => {
      assert.ok(at('/')!.options.includes('ro'));
      assert.throws(() => writeFileSync(`${root}/new`, ''), /EROFS/);
      writeFileSync(`${root}/data/new`, '');
    });
    writeFileSync(join(bench.rootfs, 'still'), 'writable');
  });

  test('has the propagation that is asked for, of its own', async () => {
    const of = (rootfsPropagation?: 'private' | 'slave' | 'shared' | 'unbindable' | 'rshared'): Promise<string> =>
      bench.create(
        { mounts: [procMount], ...(rootfsPropagation ? { linux: { rootfsPropagation } } : {}) },
        ({ at }) => `${tags(at('/')!.propagation)} ${tags(at('/proc')!.propagation)}`,
      );
    assert.deepEqual(
      [await of(), await of('private'), await of('slave'), await of('shared'), await of('rshared'), await of('unbindable')],
      [' ', ' ', ' ', 'shared ', 'shared shared', 'unbindable '],
    );
  });

  test("that the host shares receives the host's mounts as a slave, sends it none, and as private does neither", async () => {
    // Shared, as systemd makes everything.
    must(call('mount', [bench.rootfs, bench.rootfs, null, mountFlags.MS_BIND, null]));
    must(call('mount', [null, bench.rootfs, null, mountFlags.MS_SHARED, null]));
    const place = join(bench.rootfs, 'data');
    const hosts = (): number => readMountinfo().filter(({ mountPoint }) => mountPoint.startsWith(`${bench.rootfs}/`)).length;
    try {
      for (const [rootfsPropagation, tag, arrives] of [
        [undefined, 'master', true],
        ['slave', 'master', true],
        ['private', '', false],
        ['shared', 'shared,master', true],
      ] as const)
        await bench.create({ mounts: [procMount, devMount], ...(rootfsPropagation ? { linux: { rootfsPropagation } } : {}) }, ({ at, pid }) => {
          assert.equal(tags(at('/')!.propagation), tag, rootfsPropagation);
          assert.equal(hosts(), 0, 'a mount of the container is on the host');
          must(call('mount', ['tmpfs', place, 'tmpfs', 0, null]));
          try {
            assert.equal(
              readMountinfo(pid).some(({ mountPoint }) => mountPoint === '/data'),
              arrives,
              rootfsPropagation,
            );
          } finally {
            must(call('umount2', [place, 0]));
          }
        });
    } finally {
      must(call('umount2', [bench.rootfs, umountFlags.MNT_DETACH]));
    }
  });

  test("hides masked paths behind the machine's null device or an empty directory, wherever they are", async () => {
    mkdirSync(join(bench.rootfs, 'secret/in/it'), { recursive: true });
    writeFileSync(join(bench.rootfs, 'key'), 'key');
    symlinkSync('/key', join(bench.rootfs, 'to-key'));
    const source = bench.tree('volume', { hidden: 'hidden' });
    const paths = ['/proc/keys', '/secret', '/key', '/to-key', '/data/hidden', '/missing', '/proc/missing'];
    await bench.create({ mounts: [procMount, mount('/data', 'bind', source, 'bind')], linux: { maskedPaths: paths } }, ({ root, at }) => {
      assert.deepEqual(readdirSync(`${root}/secret`), []);
      assert.deepEqual([at('/secret')!.type, at('/secret')!.options.includes('ro')], ['tmpfs', true]);
      for (const path of ['/proc/keys', '/key', '/data/hidden']) {
        assert.equal(readFileSync(`${root}${path}`, 'utf8'), '', path);
        assert.equal(statSync(`${root}${path}`).rdev, statSync('/dev/null').rdev, path);
        // Nobody inside changes the machine's own by it.
        assert.ok(at(path)!.options.includes('ro'), path);
      }
      assert.ok(!existsSync(`${root}/missing`));
    });
    for (const name of ['secret', 'key', 'to-key']) rmSync(join(bench.rootfs, name), { recursive: true });
  });

  test('takes no null device of the image for a mask', async () => {
    writeFileSync(join(bench.rootfs, 'window'), 'what a mask must not show');
    rmSync(join(bench.rootfs, 'dev'), { recursive: true });
    mkdirSync(join(bench.rootfs, 'dev'));
    symlinkSync('/window', join(bench.rootfs, 'dev/null'));
    await assert.rejects(
      bench.create({ mounts: [procMount] }, () => {}),
      /\/dev\/null is there already, and is not the device c 1:3/,
    );
    rmSync(join(bench.rootfs, 'dev/null'));
    const source = bench.tree('false-dev');
    rmSync(join(source, 'null'), { force: true });
    symlinkSync('/window', join(source, 'null'));
    await bench.create({ mounts: [procMount, mount('/dev', 'bind', source, 'bind')], linux: { maskedPaths: ['/proc/keys'] } }, ({ root }) => {
      assert.equal(readFileSync(`${root}/proc/keys`, 'utf8'), '');
      assert.equal(statSync(`${root}/proc/keys`).rdev, statSync('/dev/null').rdev);
    });
  });

  test('makes paths read-only with what is mounted beneath; what there is not is passed over', async () => {
    mkdirSync(join(bench.rootfs, 'etc'), { recursive: true });
    writeFileSync(join(bench.rootfs, 'etc/file'), '');
    const paths = ['/proc/sys', '/etc/file', '/data', '/missing'];
    await bench.create(
      { mounts: [procMount, mount('/data', 'tmpfs', 'tmpfs'), mount('/data/below', 'tmpfs', 'tmpfs')], linux: { readonlyPaths: paths } },
      ({ root, at }) => {
        for (const path of ['/proc/sys', '/etc/file', '/data', '/data/below']) assert.ok(at(path)!.options.includes('ro'), path);
        for (const path of ['/etc/file', '/data/x', '/data/below/x']) assert.throws(() => writeFileSync(`${root}${path}`, ''), /EROFS/, path);
      },
    );
    rmSync(join(bench.rootfs, 'etc'), { recursive: true });
  });

  test("can be moved over the host's, where pivot_root is not to be used", async () => {
    await bench.create({ mounts: [procMount, devMount], noPivot: true }, ({ pid, root, mounts }) => {
      assert.equal(readFileSync(`${root}/marker`, 'utf8'), 'of the bundle');
      assert.deepEqual(
        mounts.map(({ mountPoint }) => mountPoint),
        ['/', '/proc', '/dev'],
      );
      assert.equal(readlinkSync(`/proc/${pid}/cwd`), readlinkSync(`/proc/${pid}/root`));
    });
  });

  test("is that of one process alone, where it shares the host's mounts", async () => {
    const before = readFileSync('/proc/self/mountinfo', 'utf8');
    await bench.create({ shares: ['mount'] }, ({ root, pid }) => {
      assert.equal(readFileSync(`${root}/marker`, 'utf8'), 'of the bundle');
      assert.equal(readlinkSync(`/proc/${pid}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'));
      assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), before);
    });
    await assert.rejects(
      bench.create({ shares: ['mount'], mounts: [procMount] }, () => {}),
      /mounts.* mount namespace/,
    );
  });

  test('is that of one process alone in a mount namespace that is joined', async () => {
    // The root is attached at the path that it has there.
    mkdirSync(join(bench.rootfs, bench.rootfs), { recursive: true });
    await bench.create({ mounts: [procMount] }, async (first) => {
      const namespaces = [{ type: 'mount' as const, path: `/proc/${first.pid}/ns/mnt` }];
      await bench.create({ mounts: [mount('/data', 'tmpfs', 'tmpfs')], linux: { namespaces } }, ({ pid, root, at }) => {
        assert.equal(readlinkSync(`/proc/${pid}/ns/mnt`), readlinkSync(`/proc/${first.pid}/ns/mnt`));
        assert.deepEqual([at('/')?.type, at('/data')?.type], [first.at('/')?.type, 'tmpfs']);
        assert.equal(readFileSync(`${root}/marker`, 'utf8'), 'of the bundle');
        // Who was there before keeps its root, and sees the other's in its place.
        const paths = readMountinfo(first.pid).map(({ mountPoint }) => mountPoint);
        assert.deepEqual(paths, ['/', '/proc', bench.rootfs, `${bench.rootfs}/data`]);
      });
    });
  });
});
