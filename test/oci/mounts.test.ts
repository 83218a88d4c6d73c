/** Bind mounts of a configuration and their places, as the kernel shows them in a created container. */
import assert from 'node:assert/strict';
import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call } from '../../src/kernel/call.ts';
import { AT_FDCWD } from '../../src/kernel/flags.ts';
import { must } from '../../src/kernel/perform.ts';
import { CreatedBench, devMount, mount, procMount } from '../support/created.ts';
import { needsRoot } from '../support/needs.ts';

describe('bind mounts of a configuration', { skip: needsRoot() }, () => {
  let bench: CreatedBench;
  before(() => void (bench = new CreatedBench()));
  after(() => bench[Symbol.dispose]());

  test('have the attributes that are asked for; the source keeps its own', async () => {
    const source = bench.tree('source', { file: 'text' });
    const every = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'nosymfollow'];
    await bench.create({ mounts: [mount('/data', 'none', source, 'bind', ...every)] }, ({ at, root }) => {
      assert.deepEqual(at('/data')!.options.toSorted(), every.toSorted());
      assert.equal(readFileSync(`${root}/data/file`, 'utf8'), 'text');
      assert.throws(() => writeFileSync(`${root}/data/new`, ''), /EROFS/);
    });
    writeFileSync(join(source, 'still'), 'writable');
  });

  test('have the last of options that contradict each other, and the access times that are asked for', async () => {
    const source = bench.tree('source');
    const optionsOf = (...options: string[]): Promise<readonly string[]> =>
      bench.create({ mounts: [mount('/data', 'bind', source, ...options)] }, ({ at }) => at('/data')!.options);
    assert.deepEqual(await optionsOf('ro', 'rw', 'nodev', 'dev'), ['rw', 'relatime']);
    assert.deepEqual(await optionsOf('strictatime'), ['rw']);
    assert.deepEqual(await optionsOf('noatime', 'atime'), ['rw', 'relatime']);
    // What says nothing to a bind mount changes nothing of it.
    assert.deepEqual(await optionsOf('defaults', 'async', 'loud', 'silent', 'nomand', 'iversion', 'noiversion', 'nolazytime'), ['rw', 'relatime']);
  });

  test('have what is mounted in the source with rbind, and not with bind', async () => {
    const kinds = async (option: string): Promise<readonly string[]> =>
      bench.create({ mounts: [mount('/data', 'bind', '/dev', option)] }, ({ mounts }) =>
        mounts.filter(({ mountPoint }) => mountPoint.startsWith('/data/')).map(({ type }) => type),
      );
    assert.deepEqual(await kinds('bind'), []);
    assert.ok((await kinds('rbind')).includes('devpts'));
  });

  test('have attributes for what is mounted in the source too, where they begin with r', async () => {
    await bench.create({ mounts: [mount('/data', 'bind', '/dev', 'rbind', 'rro', 'rnoexec', 'rnoatime')] }, ({ mounts }) => {
      const all = mounts.filter(({ mountPoint }) => mountPoint === '/data' || mountPoint.startsWith('/data/'));
      assert.ok(all.length > 1);
      for (const { mountPoint, options } of all)
        for (const option of ['ro', 'noexec', 'noatime']) assert.ok(options.includes(option), `${mountPoint}: ${options.join()}`);
    });
    // The mount itself can have another than those beneath it: what is for all is done last.
    await bench.create({ mounts: [mount('/data', 'bind', '/dev', 'rbind', 'ro')] }, ({ mounts, at }) => {
      assert.ok(at('/data')!.options.includes('ro'));
      assert.ok(mounts.some(({ mountPoint, options }) => mountPoint.startsWith('/data/') && options.includes('rw')));
    });
  });

  test('are of files, sockets, devices and links to them', async () => {
    const source = bench.tree('kinds', { file: 'text' });
    symlinkSync('file', join(source, 'link'));
    const server = createServer().listen(join(source, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    must(call('mknodat', [AT_FDCWD, join(source, 'fifo'), 0o010644, 0], { accept: [17] }));
    const at = (name: string, from: string): ReturnType<typeof mount> => mount(`/data/${name}`, '', from, 'bind');
    const names = ['file', 'link', 'socket', 'fifo'].map((name) => at(name, join(source, name)));
    try {
      await bench.create({ mounts: [...names, at('null', '/dev/null'), at('ns', '/proc/self/ns/uts')] }, ({ root, at: mountAt }) => {
        const found = (name: string): ReturnType<typeof statSync> => statSync(`${root}/data/${name}`);
        assert.equal(readFileSync(`${root}/data/file`, 'utf8'), 'text');
        assert.equal(readFileSync(`${root}/data/link`, 'utf8'), 'text');
        assert.ok(found('socket')!.isSocket() && found('fifo')!.isFIFO() && found('null')!.isCharacterDevice());
        assert.equal(mountAt('/data/ns')!.type, 'nsfs');
        assert.equal(found('ns')!.ino, statSync('/proc/self/ns/uts').ino);
      });
    } finally {
      server.close();
    }
  });

  test('take a link itself where that is asked for: as a link, or as a mount of it', async () => {
    const source = bench.tree('links');
    rmSync(join(source, 'link'), { force: true });
    symlinkSync('/somewhere/else', join(source, 'link'));
    await bench.create(
      {
        mounts: [
          mount('/copied/link', 'bind', join(source, 'link'), 'bind', 'copy-symlink'),
          mount('/itself', 'bind', join(source, 'link'), 'bind', 'src-nofollow', 'dest-nofollow'),
        ],
      },
      ({ root, at }) => {
        assert.equal(readlinkSync(`${root}/copied/link`), '/somewhere/else');
        assert.equal(readlinkSync(`${root}/itself`), '/somewhere/else');
        assert.ok(at('/itself') && !at('/copied/link'));
      },
    );
    rmSync(join(bench.rootfs, 'copied'), { recursive: true });
  });

  test('have the propagation that is asked for; else that of the root', async () => {
    const source = bench.tree('source');
    const of = (...options: string[]): Promise<readonly string[]> =>
      bench.create({ mounts: [mount('/data', 'bind', source, 'bind', ...options)] }, ({ at }) =>
        at('/data')!.propagation.map((word) => word.replace(/:\d+/, '')),
      );
    assert.deepEqual(await of('private'), []);
    assert.deepEqual(await of('shared'), ['shared']);
    assert.deepEqual(await of('rshared'), ['shared']);
    assert.deepEqual(await of('unbindable'), ['unbindable']);
    // A slave of nobody is private: nothing here is shared.
    assert.deepEqual(await of('rslave'), []);
    assert.deepEqual(await of('slave', 'shared'), ['shared']);
    assert.deepEqual(await of(), []);
  });

  test('have sources that are relative to the bundle', async () => {
    bench.tree('beside', { file: 'beside' });
    await bench.create({ mounts: [mount('/data', 'bind', 'beside', 'bind')] }, ({ root }) => assert.equal(readFileSync(`${root}/data/file`, 'utf8'), 'beside'));
  });

  test('can be changed by a later entry', async () => {
    const source = bench.tree('source');
    await bench.create({ mounts: [mount('/data', 'bind', source, 'bind'), mount('/data', '', '', 'remount', 'bind', 'ro', 'noexec')] }, ({ at }) =>
      assert.deepEqual(at('/data')!.options, ['ro', 'noexec', 'relatime']),
    );
  });
});

describe('places of mounts', { skip: needsRoot() }, () => {
  let bench: CreatedBench;
  before(() => void (bench = new CreatedBench()));
  after(() => bench[Symbol.dispose]());
  const tmpfs = (destination: string, ...options: string[]): ReturnType<typeof mount> => mount(destination, 'tmpfs', 'tmpfs', ...options);

  test('are made where they are missing, as directories or as files, in the image and in earlier mounts', async () => {
    const source = bench.tree('below', { file: 'text' });
    await bench.create(
      {
        mounts: [
          tmpfs('/new/deep/place'),
          mount('/files/a/file', 'bind', join(source, 'file'), 'bind'),
          tmpfs('/new/deep/place/in/it'),
          mount('/data', 'bind', source, 'bind'),
          tmpfs('/data/made'),
        ],
      },
      ({ at, root }) => {
        for (const path of ['/new/deep/place', '/new/deep/place/in/it', '/data/made']) assert.equal(at(path)!.type, 'tmpfs', path);
        assert.equal(readFileSync(`${root}/files/a/file`, 'utf8'), 'text');
      },
    );
    assert.ok(statSync(join(bench.rootfs, 'files/a/file')).isFile() && existsSync(join(source, 'made')));
    assert.equal(statSync(join(bench.rootfs, 'new/deep')).mode & 0o7777, 0o755);
  });

  test('cannot be made in a mount that is read-only, and the error says so', async () => {
    const source = bench.tree('closed');
    await assert.rejects(
      bench.create({ mounts: [mount('/data', 'bind', source, 'bind', 'ro'), tmpfs('/data/missing')] }, () => {}),
      /mount tmpfs at \/data\/missing: mkdirat\(.*"missing".*\) failed: .*\(EROFS\)/,
    );
  });

  test('are relative to the root where they are relative, and never above it', async () => {
    await bench.create({ mounts: [tmpfs('relative/place'), tmpfs('/../../above/'), tmpfs('/a/./b/../c')] }, ({ at }) => {
      for (const path of ['/relative/place', '/above', '/a/c']) assert.equal(at(path)?.type, 'tmpfs', path);
    });
  });

  test('on the same path lie over each other, the last one on top', async () => {
    await bench.create({ mounts: [tmpfs('/data', 'size=4k'), tmpfs('/data', 'size=8k')] }, ({ mounts, at }) => {
      assert.equal(mounts.filter(({ mountPoint }) => mountPoint === '/data').length, 2);
      assert.ok(at('/data')!.superOptions.includes('size=8k'));
    });
  });

  test('may be above an earlier one, which they then hide', async () => {
    await bench.create({ mounts: [tmpfs('/mnt/a/b'), tmpfs('/mnt')] }, ({ root, at }) => {
      assert.deepEqual([at('/mnt')!.type, readdirSync(`${root}/mnt`)], ['tmpfs', []]);
    });
    await bench.create({ mounts: [tmpfs('/mnt'), tmpfs('/mnt/a/b')] }, ({ at }) => assert.equal(at('/mnt/a/b')!.type, 'tmpfs'));
  });

  test('are found through links of the image, which do not lead out of it', async () => {
    const outside = bench.tree('outside');
    mkdirSync(join(bench.rootfs, 'run'), { recursive: true });
    const links = { absolute: outside, upwards: `../../../../../../../..${outside}`, inside: '/run', dangling: '/nowhere/at/all' };
    for (const [name, to] of Object.entries(links)) symlinkSync(to, join(bench.rootfs, name));
    await bench.create({ mounts: [tmpfs('/run'), tmpfs('/inside/sub')] }, ({ at }) => assert.equal(at('/run/sub')!.type, 'tmpfs'));
    assert.ok(!existsSync(join(bench.rootfs, 'run/sub')), 'made in the image, beneath the mount');
    await bench.create({ mounts: [tmpfs('/absolute/one'), tmpfs('/upwards/two'), tmpfs('/dangling/three')] }, ({ at }) => {
      for (const path of [`${outside}/one`, `${outside}/two`, '/nowhere/at/all/three']) assert.equal(at(path)?.type, 'tmpfs', path);
    });
    assert.deepEqual(readdirSync(outside), []);
    symlinkSync('round', join(bench.rootfs, 'round'));
    await assert.rejects(
      bench.create({ mounts: [tmpfs('/round/x')] }, () => {}),
      /ELOOP/,
    );
    rmSync(join(bench.rootfs, 'round'));
    for (const name of Object.keys(links)) rmSync(join(bench.rootfs, name));
  });

  test('are refused within /proc, but for the files that programs stand in for', async () => {
    const source = bench.tree('lxcfs', { cpuinfo: 'one processor\n' });
    await bench.create({ mounts: [procMount, mount('/proc/cpuinfo', 'bind', join(source, 'cpuinfo'), 'bind')] }, ({ root }) =>
      assert.equal(readFileSync(`${root}/proc/cpuinfo`, 'utf8'), 'one processor\n'),
    );
    for (const path of ['/proc/self/attr', '/proc/sys/kernel/core_pattern', '/proc/../proc/1'])
      await assert.rejects(
        bench.create({ mounts: [procMount, tmpfs(path)] }, () => {}),
        /mounts\[1\] .*cannot be mounted because it is inside \/proc/,
        path,
      );
    await assert.rejects(
      bench.create({ mounts: [mount('/proc', 'bind', source, 'bind')] }, () => {}),
      /it is not of type proc/,
    );
    await assert.rejects(
      bench.create({ mounts: [tmpfs('/proc')] }, () => {}),
      /it is not of type proc/,
    );
    await bench.create({ mounts: [mount('/proc', 'bind', '/proc', 'rbind')] }, ({ at }) => assert.equal(at('/proc')!.type, 'proc'));
  });

  test('of proc and sysfs are directories of the image, not links', async () => {
    rmSync(join(bench.rootfs, 'proc'), { recursive: true });
    symlinkSync('/data', join(bench.rootfs, 'proc'));
    await assert.rejects(
      bench.create({ mounts: [procMount] }, () => {}),
      /mount proc at \/proc: .*\(ELOOP\)/,
    );
    rmSync(join(bench.rootfs, 'proc'));
    mkdirSync(join(bench.rootfs, 'proc'));
  });

  test('may be the root itself', async () => {
    const other = bench.tree('other-root', { program: '', marker: 'other' });
    linkSync(join(bench.rootfs, 'program'), join(other, 'executable'));
    rmSync(join(other, 'program'));
    linkSync(join(bench.rootfs, 'program'), join(other, 'program'));
    await bench.create({ mounts: [mount('/', 'bind', other, 'bind'), procMount, devMount] }, ({ root, at }) => {
      assert.equal(readFileSync(`${root}/marker`, 'utf8'), 'other');
      assert.deepEqual([at('/proc')?.type, at('/dev')?.type], ['proc', 'tmpfs']);
      assert.ok(lstatSync(`${root}/dev/null`).isCharacterDevice());
    });
  });

  test('need a directory for a directory, and a file for a file', async () => {
    const source = bench.tree('mixed', { file: '' });
    writeFileSync(join(bench.rootfs, 'a-file'), '');
    await assert.rejects(
      bench.create({ mounts: [mount('/a-file', 'bind', source, 'bind')] }, () => {}),
      /mounts\[0\] \(\/a-file\): .*not a directory/,
    );
    await assert.rejects(
      bench.create({ mounts: [mount('/data', 'bind', join(source, 'file'), 'bind')] }, () => {}),
      /mounts\[0\] \(\/data\): .*not a directory/,
    );
  });

  test('and sources that cannot be meant are refused by their place in the configuration', async () => {
    const source = bench.tree('source');
    const refusals: readonly (readonly [ReturnType<typeof mount>, RegExp])[] = [
      [mount('/data', 'bind', source, 'bind', 'size=1m'), /mounts\[0\] \(\/data\): a bind mount cannot have the option "size=1m"/],
      [mount('/data', 'bind', '', 'bind'), /mounts\[0\] \(\/data\): a bind mount needs a source/],
      [mount('/data', '', source), /mounts\[0\] \(\/data\): it has neither a type/],
      [mount('/data', 'bind', source, 'bind', 'tmpcopyup'), /only a tmpfs/],
      [mount('/data', 'sysfs', 'sysfs', 'idmap'), /only bind mounts can have id maps/],
      [mount('/data', 'bind', '/no/such/source', 'bind'), /"\/no\/such\/source".*ENOENT/],
      [mount('/data', 'tmpfs', 'tmpfs', 'no-such-option'), /mount tmpfs at \/data: .*EINVAL.*no-such-option/],
      [mount('/data', 'no-such-type', 'x'), /mount no-such-type at \/data: .*ENODEV/],
      [mount('/data', 'ext4', '/dev/null'), /mount ext4 at \/data: .*(ENOTBLK|EINVAL)/],
    ];
    for (const [entry, message] of refusals)
      await assert.rejects(
        bench.create({ mounts: [entry] }, () => {}),
        message,
      );
  });
});
