/** New file systems among the mounts of a configuration, as the kernel shows them in a created container. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call } from '../../src/kernel/call.ts';
import { AT_FDCWD } from '../../src/kernel/flags.ts';
import { must } from '../../src/kernel/perform.ts';
import { CreatedBench, devMount, mount, procMount } from '../support/created.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const has = (type: string): boolean => new RegExp(`\\t${type}$`, 'm').test(readFileSync('/proc/filesystems', 'utf8'));

describe('new file systems', { skip: needsRoot() }, () => {
  let bench: CreatedBench;
  before(() => void (bench = new CreatedBench()));
  after(() => bench[Symbol.dispose]());

  test('of the kernel have their types, options and attributes', async () => {
    const mounts = [
      procMount,
      devMount,
      mount('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
      mount('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
      mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
      mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
    ];
    await bench.create({ mounts }, ({ at, root }) => {
      const types = Object.fromEntries(mounts.map(({ destination }) => [destination, at(destination)?.type]));
      assert.deepEqual(types, Object.fromEntries(mounts.map(({ destination, type }) => [destination, type])));
      assert.ok(at('/dev/pts')!.superOptions.includes('gid=5') && at('/dev/pts')!.superOptions.includes('ptmxmode=666'));
      assert.deepEqual([at('/dev/shm')!.source, at('/dev/shm')!.superOptions.includes('size=65536k')], ['shm', true]);
      assert.deepEqual(at('/sys')!.options, ['ro', 'nosuid', 'nodev', 'noexec', 'relatime']);
      // Terminals of its own: the multiplexer of this instance, and no terminal yet.
      assert.ok(existsSync(`${root}/dev/pts/ptmx`) && !existsSync(`${root}/dev/pts/0`));
      assert.equal(readlinkSync(`${root}/dev/ptmx`), 'pts/ptmx');
    });
  });

  test('of proc take its own options', async () => {
    await bench.create(
      { mounts: [mount('/proc', 'proc', 'proc', 'hidepid=2', 'subset=pid')], linux: { maskedPaths: ['/proc/kcore'], readonlyPaths: ['/proc/sys'] } },
      ({ at, root }) => {
        assert.ok(at('/proc')!.superOptions.includes('hidepid=invisible') && at('/proc')!.superOptions.includes('subset=pid'));
        assert.ok(!existsSync(`${root}/proc/kcore`));
      },
    );
  });

  test("have the flags that are the whole file system's", async () => {
    await bench.create({ mounts: [mount('/data', 'tmpfs', 'tmpfs', 'sync', 'dirsync', 'lazytime', 'size=1m')] }, ({ at }) => {
      const { superOptions } = at('/data')!;
      for (const option of ['sync', 'dirsync', 'lazytime', 'size=1024k']) assert.ok(superOptions.includes(option), `${option} of ${superOptions.join()}`);
    });
    await bench.create({ mounts: [mount('/data', 'tmpfs', 'tmpfs', 'size=1m'), mount('/data', '', '', 'remount', 'sync', 'size=2m', 'noexec')] }, ({ at }) => {
      assert.ok(at('/data')!.superOptions.includes('sync') && at('/data')!.superOptions.includes('size=2048k'));
      assert.ok(at('/data')!.options.includes('noexec'));
    });
  });

  test('may be read-only, and of any propagation', async () => {
    await bench.create({ mounts: [mount('/data', 'tmpfs', 'tmpfs', 'ro', 'shared', 'rnosuid')] }, ({ at, root }) => {
      assert.match(at('/data')!.propagation.join(), /^shared:\d+$/);
      assert.ok(at('/data')!.options.includes('ro') && at('/data')!.options.includes('nosuid'));
      assert.throws(() => writeFileSync(`${root}/data/x`, ''), /EROFS/);
    });
  });

  test('in memory have the mode of the directory that they cover, unless they are told another', async () => {
    mkdirSync(join(bench.rootfs, 'sticky'), { recursive: true });
    chmodSync(join(bench.rootfs, 'sticky'), 0o1751);
    await bench.create(
      { mounts: [mount('/sticky', 'tmpfs', 'tmpfs'), mount('/fresh', 'tmpfs', 'tmpfs'), mount('/data', 'tmpfs', 'tmpfs', 'mode=700')] },
      ({ root }) => {
        const modes = ['sticky', 'fresh', 'data'].map((name) => (statSync(`${root}/${name}`).mode & 0o7777).toString(8));
        assert.deepEqual(modes, ['1751', '1777', '700']);
      },
    );
  });

  test('of layers show them, one over the other', async () => {
    const [lower, upper] = ['lower', 'upper'].map((name) => bench.tree(name, { [name]: name, both: name }));
    // Longer together than the text that fsconfig(2) takes.
    const deep = Array.from({ length: 6 }, (_, i) => bench.tree(`layer-${i}-${'x'.repeat(60)}`, { [`layer-${i}`]: '' }));
    const work = bench.tree('work');
    await bench.create(
      { mounts: [mount('/data', 'overlay', 'overlay', `lowerdir=${[lower, ...deep].join(':')}`, `upperdir=${upper}`, `workdir=${work}`)] },
      ({ root, at }) => {
        assert.equal(at('/data')!.type, 'overlay');
        assert.equal(readFileSync(`${root}/data/both`, 'utf8'), 'upper');
        assert.ok(existsSync(`${root}/data/lower`) && existsSync(`${root}/data/layer-5`));
        writeFileSync(`${root}/data/written`, '');
      },
    );
    assert.ok(existsSync(join(upper!, 'written')));
  });

  test(
    'of an image file or a device are mounted, read-only ones from what cannot be written to',
    { skip: firstOf(needs('mkfs.ext4'), has('ext4') ? false : 'this kernel has no ext4', needs('losetup')) },
    async (t) => {
      const image = join(bench.directory, 'image');
      execFileSync('truncate', ['-s', '4M', image]);
      execFileSync('mkfs.ext4', ['-q', '-F', image]);
      const attached = spawnSync('losetup', ['--find', '--show', '--read-only', image], { encoding: 'utf8' });
      if (attached.status !== 0) return t.skip(`no loop device: ${attached.stderr.trim()}`);
      const device = attached.stdout.trim();
      try {
        await bench.create({ mounts: [mount('/data', 'ext4', device, 'ro', 'noatime')] }, ({ at }) => {
          assert.deepEqual([at('/data')!.type, at('/data')!.superOptions.includes('ro')], ['ext4', true]);
        });
        await assert.rejects(
          bench.create({ mounts: [mount('/data', 'ext4', device)] }, () => {}),
          /mount ext4 at \/data: .*(EACCES|EROFS)/,
        );
        await assert.rejects(
          bench.create({ mounts: [mount('/data', 'ext4', device, 'ro', 'data=nonsense')] }, () => {}),
          /mount ext4 at \/data: .*EINVAL/,
        );
      } finally {
        execFileSync('losetup', ['-d', device]);
      }
    },
  );

  test('with pages of their own size are mounted', { skip: has('hugetlbfs') ? false : 'this kernel has no hugetlbfs' }, async () => {
    await bench.create({ mounts: [mount('/data', 'hugetlbfs', 'nodev', 'mode=0755')] }, ({ at }) => assert.equal(at('/data')!.type, 'hugetlbfs'));
  });

  describe('that are filled with what they cover', () => {
    test('have its owners, modes, times, links, devices and attributes; the image stays as it is', async () => {
      const from = join(bench.rootfs, 'var/filled');
      mkdirSync(join(from, 'directory/deep'), { recursive: true });
      writeFileSync(join(from, 'directory/deep/file'), 'x'.repeat(3_000_000));
      writeFileSync(join(from, 'program'), '');
      chownSync(join(from, 'program'), 1234, 4321);
      chmodSync(join(from, 'program'), 0o4755);
      utimesSync(join(from, 'program'), 1000, 2000);
      linkSync(join(from, 'program'), join(from, 'directory/other-name'));
      symlinkSync('../outside', join(from, 'link'));
      must(call('mknodat', [AT_FDCWD, join(from, 'fifo'), 0o010640, 0]));
      must(call('mknodat', [AT_FDCWD, join(from, 'null'), 0o020666, (1 << 8) | 3]));
      must(
        call('setxattr', [join(from, 'program'), 'security.capability', new Uint8Array([1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 20, 0]),
      );
      chmodSync(from, 0o710);
      chownSync(from, 11, 12);
      await bench.create({ mounts: [mount('/var/filled', 'tmpfs', 'tmpfs', 'tmpcopyup', 'size=16m', 'ro', 'nodev')], readonly: true }, ({ root, at }) => {
        const filled = `${root}/var/filled`;
        assert.deepEqual(
          [at('/var/filled')!.type, at('/var/filled')!.options.includes('ro'), at('/var/filled')!.options.includes('nodev')],
          ['tmpfs', true, true],
        );
        assert.equal(readFileSync(`${filled}/directory/deep/file`).length, 3_000_000);
        const program = lstatSync(`${filled}/program`);
        assert.deepEqual([program.uid, program.gid, program.mode & 0o7777, program.mtimeMs, program.nlink], [1234, 4321, 0o4755, 2_000_000, 2]);
        assert.equal(lstatSync(`${filled}/directory/other-name`).ino, program.ino);
        assert.equal(readlinkSync(`${filled}/link`), '../outside');
        assert.ok(lstatSync(`${filled}/fifo`).isFIFO());
        assert.equal(lstatSync(`${filled}/null`).rdev, (1 << 8) | 3);
        const value = new Uint8Array(20);
        assert.equal(must(call('getxattr', [`${filled}/program`, 'security.capability', value, 20])), 20);
        const own = lstatSync(filled);
        assert.deepEqual([own.mode & 0o7777, own.uid, own.gid], [0o710, 11, 12]);
      });
      assert.equal(statfsSync(from).type, statfsSync(bench.rootfs).type);
      rmSync(join(bench.rootfs, 'var'), { recursive: true });
    });

    test('fail where they are too small, by the name of what did not fit', async () => {
      const from = join(bench.rootfs, 'large');
      mkdirSync(from);
      writeFileSync(join(from, 'too-much'), 'x'.repeat(300_000));
      await assert.rejects(
        bench.create({ mounts: [mount('/large', 'tmpfs', 'tmpfs', 'tmpcopyup', 'size=64k')] }, () => {}),
        /\/large.*ENOSPC.*too-much/,
      );
      rmSync(from, { recursive: true });
    });

    test('take it from an earlier mount, or are empty where there is nothing', async () => {
      const source = bench.tree('below', { 'in/it/file': 'from below' });
      await bench.create(
        {
          mounts: [
            mount('/data', 'bind', source, 'rbind'),
            mount('/data/in/it', 'tmpfs', 'tmpfs', 'tmpcopyup'),
            mount('/nothing', 'tmpfs', 'tmpfs', 'tmpcopyup'),
          ],
        },
        ({ root, at }) => {
          assert.equal(readFileSync(`${root}/data/in/it/file`, 'utf8'), 'from below');
          assert.equal(at('/data/in/it')!.type, 'tmpfs');
          assert.equal(at('/nothing')!.type, 'tmpfs');
        },
      );
    });
  });
});
