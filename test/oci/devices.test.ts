/** Devices of a configuration and those that every container has, as the kernel shows them in a created container. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call } from '../../src/kernel/call.ts';
import { AT_FDCWD } from '../../src/kernel/flags.ts';
import { must } from '../../src/kernel/perform.ts';
import type { DeviceSpec } from '../../src/runtime/spec.ts';
import { CreatedBench, devMount, mount, procMount } from '../support/created.ts';
import { needsRoot } from '../support/needs.ts';

const device = (path: string, type: DeviceSpec['type'], major: number, minor: number, more: Partial<DeviceSpec> = {}): DeviceSpec => ({
  path,
  type,
  major,
  minor,
  ...more,
});
const numbers: Readonly<Record<string, readonly [number, number]>> = { null: [1, 3], zero: [1, 5], full: [1, 7], random: [1, 8], urandom: [1, 9], tty: [5, 0] };
const rdev = (major: number, minor: number): number => (major << 8) | minor;

describe('devices of a created container', { skip: needsRoot() }, () => {
  let bench: CreatedBench;
  before(() => void (bench = new CreatedBench()));
  after(() => bench[Symbol.dispose]());
  const empty = (): void => {
    rmSync(join(bench.rootfs, 'dev'), { recursive: true, force: true });
    mkdirSync(join(bench.rootfs, 'dev'));
  };

  const hasDefaults = (root: string): void => {
    for (const [name, [major, minor]] of Object.entries(numbers)) {
      const found = lstatSync(`${root}/dev/${name}`);
      assert.deepEqual([found.isCharacterDevice(), found.rdev, found.mode & 0o777, found.uid], [true, rdev(major, minor), 0o666, 0], name);
    }
    const links = {
      fd: '/proc/self/fd',
      stdin: '/proc/self/fd/0',
      stdout: '/proc/self/fd/1',
      stderr: '/proc/self/fd/2',
      ptmx: 'pts/ptmx',
    };
    for (const [name, target] of Object.entries(links)) assert.equal(readlinkSync(`${root}/dev/${name}`), target);
    assert.deepEqual(
      readdirSync(`${root}/dev`).filter((name) => name === 'core'),
      existsSync('/proc/kcore') ? ['core'] : [],
    );
  };

  test("are there in a /dev of its own, in the image's own, and where the image has none", async () => {
    await bench.create({ mounts: [procMount, devMount] }, ({ root }) => hasDefaults(root));
    await bench.create({ mounts: [procMount] }, ({ root }) => hasDefaults(root));
    // As they were left: what is the same is kept.
    await bench.create({ mounts: [procMount] }, ({ root }) => hasDefaults(root));
    rmSync(join(bench.rootfs, 'dev'), { recursive: true });
    await bench.create({ mounts: [procMount] }, ({ root }) => hasDefaults(root));
    empty();
  });

  test('are made of each type, with mode and owner, wherever they are to be', async () => {
    const devices = [
      device('/dev/character', 'c', 10, 229, { fileMode: 0o640, uid: 5, gid: 6 }),
      device('/dev/unbuffered', 'u', 1, 3),
      device('/dev/deep/er/block', 'b', 7, 300, { fileMode: 0o600 }),
      device('/run/devices/fifo', 'p', 0, 0, { fileMode: 0o622, gid: 9 }),
      device('/dev/null', 'c', 1, 3, { fileMode: 0o600 }),
    ];
    await bench.create({ mounts: [procMount, devMount], linux: { devices } }, ({ root }) => {
      const of = (path: string): readonly unknown[] => {
        const found = lstatSync(`${root}${path}`);
        return [found.isCharacterDevice() ? 'c' : found.isBlockDevice() ? 'b' : found.isFIFO() ? 'p' : '', found.mode & 0o7777, found.uid, found.gid];
      };
      assert.deepEqual(of('/dev/character'), ['c', 0o640, 5, 6]);
      assert.deepEqual(of('/dev/unbuffered'), ['c', 0o666, 0, 0]);
      assert.deepEqual(of('/dev/deep/er/block'), ['b', 0o600, 0, 0]);
      // 300 has more bits than the old form of a number had room for.
      assert.equal(lstatSync(`${root}/dev/deep/er/block`).rdev, (7 << 8) | (300 & 0xff) | ((300 & ~0xff) << 12));
      assert.deepEqual(of('/run/devices/fifo'), ['p', 0o622, 0, 9]);
      // One that every container has, asked for otherwise.
      assert.deepEqual(of('/dev/null'), ['c', 0o600, 0, 0]);
    });
    rmSync(join(bench.rootfs, 'run'), { recursive: true });
  });

  test('are made in a /dev that is read-only afterwards', async () => {
    const mounts = [
      procMount,
      { ...devMount, options: [...devMount.options, 'ro'] },
      mount('/dev/pts', 'devpts', 'devpts', 'newinstance'),
      mount('/dev/shm', 'tmpfs', 'shm', 'ro'),
    ];
    await bench.create({ mounts }, ({ root, at }) => {
      hasDefaults(root);
      assert.deepEqual(
        ['/dev', '/dev/shm', '/dev/pts'].map((path) => at(path)!.options.includes('ro')),
        [true, true, false],
      );
      assert.throws(() => mkdirSync(`${root}/dev/more`), /EROFS/);
    });
  });

  test('that are there already are kept if they are the same, and else an error', async () => {
    const path = join(bench.rootfs, 'dev/mine');
    must(call('mknodat', [AT_FDCWD, path, 0o020600, rdev(10, 229)]));
    const wanted = { linux: { devices: [device('/dev/mine', 'c', 10, 229)] } };
    await bench.create(wanted, ({ root }) => assert.equal(lstatSync(`${root}/dev/mine`).mode & 0o777, 0o600));
    const others = [device('/dev/mine', 'c', 10, 228), device('/dev/mine', 'b', 10, 229), device('/dev/mine', 'p', 0, 0)];
    for (const other of others)
      await assert.rejects(
        bench.create({ linux: { devices: [other] } }, () => {}),
        /linux\.devices\[0\]: \/dev\/mine is there already, and is not the device/,
      );
    rmSync(path);
    writeFileSync(path, '');
    await assert.rejects(
      bench.create(wanted, () => {}),
      /linux\.devices\[0\]: \/dev\/mine is there already/,
    );
    empty();
  });

  test('are not made through a link of the image out of its root', async () => {
    const outside = bench.tree('outside');
    rmSync(join(bench.rootfs, 'dev'), { recursive: true });
    symlinkSync(outside, join(bench.rootfs, 'dev'));
    await bench.create({ mounts: [procMount] }, () => {}).catch(() => {});
    assert.ok(!existsSync(join(outside, 'null')));
    rmSync(join(bench.rootfs, 'dev'));
    mkdirSync(join(bench.rootfs, 'dev'));
    symlinkSync(join(outside, 'planted'), join(bench.rootfs, 'dev/null'));
    await assert.rejects(
      bench.create({ mounts: [procMount] }, () => {}),
      /\/dev\/null is there already/,
    );
    assert.ok(!existsSync(join(outside, 'planted')));
    empty();
  });

  test("of the host's /dev, where that is bound, are the host's, and nothing is made there", async () => {
    const source = bench.tree('hosts-dev', { present: '' });
    await bench.create({ mounts: [procMount, mount('/dev', 'bind', source, 'rbind')], linux: { devices: [device('/dev/x', 'c', 1, 3)] } }, ({ root }) => {
      assert.ok(existsSync(`${root}/dev/present`) && !existsSync(`${root}/dev/x`) && !existsSync(`${root}/dev/null`));
    });
  });

  test('are bound over those that a mount of the configuration brings', async () => {
    const source = bench.tree('file', { null: 'not null' });
    await bench.create({ mounts: [procMount, devMount, mount('/dev/null', 'bind', join(source, 'null'), 'bind')] }, ({ root }) => {
      assert.ok(statSync(`${root}/dev/null`).isFile());
      assert.ok(lstatSync(`${root}/dev/zero`).isCharacterDevice());
    });
  });

  test("have the multiplexer of the container's own terminals, whatever the image has in its place", async () => {
    must(call('mknodat', [AT_FDCWD, join(bench.rootfs, 'dev/ptmx'), 0o020666, rdev(5, 2)]));
    await bench.create({ mounts: [procMount, mount('/dev/pts', 'devpts', 'devpts', 'newinstance', 'ptmxmode=0666')] }, ({ root }) =>
      assert.equal(readlinkSync(`${root}/dev/ptmx`), 'pts/ptmx'),
    );
    empty();
  });
});
