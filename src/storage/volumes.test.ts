import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { LayerPool } from './layer-pool.ts';
import { anonymousLabel, Volumes } from './volumes.ts';

interface Fixture {
  readonly directory: string;
  readonly root: string;
  readonly pool: LayerPool;
  readonly volumes: Volumes;
  readonly users: Map<string, string[]>;
}

async function open(t: TestContext): Promise<Fixture> {
  const directory = mkdtempSync(join(tmpdir(), 'hako-volumes-'));
  const pool = new LayerPool(1);
  t.after(async () => {
    await pool.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const users = new Map<string, string[]>();
  const root = join(directory, 'volumes');
  return { directory, root, pool, users, volumes: await Volumes.open(root, pool, (name) => users.get(name) ?? []) };
}

test('a volume is a directory that is there until it is removed, for the next engine too', async (t) => {
  const { volumes, root, pool } = await open(t);
  const data = volumes.create({ Name: 'data', Labels: { a: 'b' }, DriverOpts: { type: 'tmpfs' } });
  assert.deepEqual(
    { ...data, CreatedAt: '' },
    { Name: 'data', Driver: 'local', Mountpoint: join(root, 'data/_data'), CreatedAt: '', Labels: { a: 'b' }, Scope: 'local', Options: { type: 'tmpfs' } },
  );
  writeFileSync(join(data.Mountpoint, 'file'), '12345');
  assert.equal(await volumes.size('data'), 5);
  assert.equal(volumes.create({ Name: 'data' }), data, 'made again it is the same');
  assert.throws(() => volumes.create({ Name: 'data', DriverOpts: { type: 'nfs' } }), { kind: 'conflict' });

  mkdirSync(join(root, 'half.tmp/0/deep'), { recursive: true });
  const again = await Volumes.open(root, pool, () => []);
  assert.deepEqual(again.list(), [data]);
  assert.deepEqual(readdirSync(root), ['data'], 'half-removed volumes are removed');
  await again.remove('data');
  assert.deepEqual(readdirSync(root), []);
  assert.throws(() => again.inspect('data'), { kind: 'not-found', message: 'get data: no such volume' });
  await again.remove('data', { force: true });
  assert.equal(statSync(root).mode & 0o7777, 0o700, 'other users of the host cannot look in');
});

test('names that could lead elsewhere are refused', async (t) => {
  const { volumes, root } = await open(t);
  for (const Name of ['..', '.', '../x', 'a/b', '/abs', '.hidden', '-x', 'a', 'a\0b', 'a\nb', 'x'.repeat(300), 'x.tmp', '__proto__/']) {
    assert.throws(() => volumes.create({ Name }), { kind: 'invalid', message: /no volume name/ }, Name);
  }
  assert.throws(() => volumes.create({ Name: 'ok', Driver: 'nfs' }), /no volume driver "nfs"/);
  assert.throws(() => volumes.create({ Name: 'ok', DriverOpts: { size: '1' } }), /no option "size"/);
  assert.deepEqual(readdirSync(root), []);
});

test('what containers use is not removed; prune takes the anonymous ones, or all', async (t) => {
  const { volumes, users } = await open(t);
  const anonymous = volumes.create();
  assert.match(anonymous.Name, /^[0-9a-f]{64}$/);
  assert.deepEqual(anonymous.Labels, { [anonymousLabel]: '' });
  volumes.create({ Name: 'used' });
  volumes.create({ Name: 'free', Labels: { keep: 'no' } });
  volumes.create({ Name: 'kept', Labels: { keep: 'yes' } });
  users.set('used', ['c1', 'c2']);
  await assert.rejects(volumes.remove('used', { force: true }), { kind: 'conflict', message: 'remove used: volume is in use - [c1, c2]' });
  const names = (filters: Record<string, string[]>): string[] => volumes.list(filters).map((v) => v.Name);
  assert.deepEqual(names({ dangling: ['false'] }), ['used']);
  assert.deepEqual(names({ label: ['keep=yes'] }), ['kept']);
  assert.deepEqual(names({ name: ['re'] }), ['free']);
  assert.throws(() => names({ size: ['1'] }), /cannot be filtered/);

  writeFileSync(join(anonymous.Mountpoint, 'file'), 'xyz');
  assert.deepEqual(await volumes.prune(), { VolumesDeleted: [anonymous.Name], SpaceReclaimed: 3 });
  assert.deepEqual((await volumes.prune({ all: ['true'], 'label!': ['keep=yes'] })).VolumesDeleted, ['free']);
  assert.deepEqual(names({}), ['kept', 'used']);
});

/** A root file system with a directory to copy, and links of all kinds out of it. */
function makeRootfs(directory: string): { fd: number; rootfs: string; secret: string } {
  const rootfs = join(directory, 'rootfs');
  const secret = join(directory, 'secret');
  mkdirSync(join(rootfs, 'srv/data/sub'), { recursive: true });
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), 'secret');
  writeFileSync(join(rootfs, 'srv/data/sub/file'), 'content', { mode: 0o4711 });
  chmodSync(join(rootfs, 'srv/data/sub/file'), 0o4711);
  symlinkSync(secret, join(rootfs, 'srv/data/link'));
  chownSync(join(rootfs, 'srv/data'), 33, 44);
  chmodSync(join(rootfs, 'srv/data'), 0o1730);
  symlinkSync(secret, join(rootfs, 'absolute'));
  symlinkSync('../../../../../../..' + secret, join(rootfs, 'relative'));
  symlinkSync('/srv/data', join(rootfs, 'inside'));
  return { fd: openSync(rootfs, 'r'), rootfs, secret };
}

test('a new volume is filled from the image, with owners and modes; one that holds something is left alone', async (t) => {
  const { volumes, directory } = await open(t);
  const { fd } = makeRootfs(directory);
  t.after(() => closeSync(fd));
  const { Mountpoint: data } = volumes.create({ Name: 'data' });
  await Promise.all([volumes.copyUp('data', fd, '/srv/data'), volumes.copyUp('data', fd, '/srv/data')]);
  assert.equal(readFileSync(join(data, 'sub/file'), 'utf8'), 'content');
  assert.equal(statSync(join(data, 'sub/file')).mode & 0o7777, 0o4711);
  assert.deepEqual([statSync(data).uid, statSync(data).gid, statSync(data).mode & 0o7777], [33, 44, 0o1730]);
  assert.ok(lstatSync(join(data, 'link')).isSymbolicLink(), 'a link is copied as a link');

  const { Mountpoint: full } = volumes.create({ Name: 'full' });
  writeFileSync(join(full, 'mine'), '');
  await volumes.copyUp('full', fd, '/srv/data');
  assert.deepEqual(readdirSync(full), ['mine']);

  const { Mountpoint: linked } = volumes.create({ Name: 'linked' });
  await volumes.copyUp('linked', fd, '/inside');
  assert.ok(existsSync(join(linked, 'sub/file')), 'a link inside the image is followed inside the image');
});

test('a mount point that is a symbolic link cannot bring files of the host into a volume', async (t) => {
  const { volumes, directory } = await open(t);
  const { fd } = makeRootfs(directory);
  t.after(() => closeSync(fd));
  for (const [i, path] of ['/absolute', '/relative', '/../../../..' + join(directory, 'secret'), '/proc/self/root', '/srv/data/link', '/nowhere'].entries()) {
    const { Mountpoint: data } = volumes.create({ Name: `v${i}` });
    await volumes.copyUp(`v${i}`, fd, path);
    assert.deepEqual(readdirSync(data), [], path);
  }
});
