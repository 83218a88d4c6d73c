import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ContainerConfig, HostConfig, MountPoint } from '../../api/schema.ts';
import { checkPropagation } from './mount-propagation.ts';
import { resolveMounts, type AskedVolume } from './volumes.ts';

/** Resolves mounts with volumes that are only noted. */
function resolve(
  hostConfig: HostConfig,
  config: ContainerConfig = {},
  others: Readonly<Record<string, readonly MountPoint[]>> = {},
): { points: MountPoint[]; made: AskedVolume[] } {
  const made: AskedVolume[] = [];
  const volume = (asked: AskedVolume): { name: string; path: string } => {
    made.push(asked);
    const name = asked.name ?? `anonymous${made.length}`;
    return { name, path: `/volumes/${name}/_data` };
  };
  return { points: resolveMounts(config, hostConfig, { volume, mountsOf: (ref) => others[ref]!, create: true }), made };
}

const summary = (points: readonly MountPoint[]): string[] => points.map((p) => `${p.Type} ${p.Source} ${p.Destination} ${p.RW ? 'rw' : 'ro'}`);

test('-v binds a path of the host, making it, or mounts a volume by name or without', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-volumes-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const { points, made } = resolve({ Binds: [`${directory}/new//sub/:/a/`, 'data:/b:ro', '/c'] }, { Volumes: { '/image': {}, '/b/': {} } });
  assert.deepEqual(summary(points), [
    `bind ${directory}/new/sub /a rw`,
    'volume /volumes/data/_data /b ro',
    'volume /volumes/anonymous2/_data /c rw',
    'volume /volumes/anonymous3/_data /image rw',
  ]);
  assert.equal(existsSync(`${directory}/new/sub`), true);
  assert.equal(points[0]?.Propagation, 'rprivate');
  assert.deepEqual(made, [{ name: 'data' }, {}, {}]);
});

test('--mount makes no source, but volumes and tmpfs', () => {
  assert.throws(
    () => resolve({ Mounts: [{ Type: 'bind', Source: '/no/such', Target: '/a' }] }),
    /^EngineError: invalid mount config for type "bind": bind source path does not exist: \/no\/such$/,
  );
  const { points, made } = resolve({
    Mounts: [
      { Type: 'bind', Source: '/tmp', Target: '/a', ReadOnly: true, BindOptions: { NonRecursive: true } },
      { Type: 'volume', Source: 'v', Target: '/b', VolumeOptions: { NoCopy: true, Labels: { a: 'b' } } },
      { Type: 'tmpfs', Target: '/c', TmpfsOptions: { SizeBytes: 4096, Mode: 0o700 } },
    ],
  });
  assert.deepEqual(summary(points), ['bind /tmp /a ro', 'volume /volumes/v/_data /b rw', 'tmpfs  /c rw']);
  assert.deepEqual(
    points.map((p) => p.Mode),
    ['norecursive', 'nocopy', 'size=4096,mode=700'],
  );
  assert.deepEqual(made, [{ name: 'v', labels: { a: 'b' } }]);
});

test('volumes of another container are taken over, and give way to those of its own', () => {
  const other: MountPoint[] = [
    { Type: 'volume', Name: 'v', Source: '/volumes/v/_data', Destination: '/a', Driver: 'local', Mode: '', RW: true, Propagation: '' },
    { Type: 'bind', Source: '/tmp', Destination: '/b', Mode: '', RW: true, Propagation: 'rprivate' },
  ];
  const { points, made } = resolve({ VolumesFrom: ['other:ro'], Binds: ['w:/b'] }, { Volumes: { '/a': {} } }, { other });
  assert.deepEqual(summary(points), ['volume /volumes/v/_data /a ro', 'volume /volumes/w/_data /b rw']);
  assert.deepEqual(made, [{ name: 'w' }]);
  assert.throws(() => resolve({ VolumesFrom: ['other:rx'] }, {}, { other }), /invalid volumes-from specification: 'other:rx'/);
});

test('a tmpfs takes the place of a volume of the image, and two of the user at one path are refused', () => {
  assert.deepEqual(resolve({ Tmpfs: { '/data/': '' } }, { Volumes: { '/data': {} } }), { points: [], made: [] });
  for (const twice of [
    { Binds: ['a1:/x', 'b1:/x/'] },
    { Binds: ['a1:/x'], Mounts: [{ Type: 'tmpfs', Target: '/x' }] },
    { Binds: ['a1:/x'], Tmpfs: { '/x': '' } },
  ] satisfies HostConfig[]) {
    assert.throws(() => resolve(twice), /^EngineError: Duplicate mount point: \/x$/);
  }
});

test('nothing is made for a request that is refused', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-volumes-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const made: AskedVolume[] = [];
  const resolver = { volume: (asked: AskedVolume) => (made.push(asked), { name: 'n', path: '/p' }), mountsOf: () => [], create: true };
  assert.throws(() => resolveMounts({}, { Binds: ['name:/a', `${directory}/new:/b`, 'other:relative'] }, resolver), /mount path must be absolute/);
  assert.deepEqual(made, []);
  assert.equal(existsSync(`${directory}/new`), false);
});

test('places and options that cannot be are refused', () => {
  const cases: readonly (readonly [HostConfig, RegExp])[] = [
    [{ Binds: ['/tmp:/'] }, /destination can't be '\/'/],
    [{ Binds: ['/tmp:/a/..'] }, /destination can't be '\/'/],
    [{ Binds: ['/tmp:/proc'] }, /destination can't be '\/proc'/],
    [{ Binds: ['/tmp:/x/../proc/sys'] }, /destination can't be '\/proc\/sys'/],
    [{ Tmpfs: { '/proc/acpi': '' } }, /destination can't be '\/proc\/acpi'/],
    [{ Binds: ['/tmp:/dev'] }, /destination can't be '\/dev'/],
    [{ Binds: ['/tmp:a'] }, /^EngineError: invalid mount path: 'a' mount path must be absolute/],
    [{ Binds: ['/tmp:/a:ro:z'] }, /invalid volume specification/],
    [{ Binds: ['/tmp::ro'] }, /invalid volume specification/],
    [{ Binds: ['/tmp:/a:rx'] }, /^EngineError: invalid mode: rx/],
    [{ Binds: ['/tmp:/a:ro,rw'] }, /^EngineError: invalid mode: ro,rw/],
    [{ Binds: ['n:/a'], VolumeDriver: 'nfs' }, /volume driver 'nfs' not found/],
    [{ Tmpfs: { '/a': 'size=1m,upperdir=/x' } }, /invalid tmpfs option "upperdir=\/x"/],
    [{ Tmpfs: { '/a': 'mode=9' } }, /invalid tmpfs option "mode=9"/],
    [{ Mounts: [{ Type: 'tmpfs', Target: '/a', Source: '/b' }] }, /field Source must not be specified/],
    [{ Mounts: [{ Type: 'tmpfs', Target: '/a', TmpfsOptions: { SizeBytes: -1 } }] }, /invalid tmpfs option "size=-1"/],
    [{ Mounts: [{ Type: 'bind', Target: '/a' }] }, /field Source must not be empty/],
    [{ Mounts: [{ Type: 'bind', Source: '/tmp' }] }, /field Target must not be empty/],
    [{ Mounts: [{ Type: 'volume', Target: '/a', BindOptions: {} }] }, /field BindOptions must not be specified/],
    [{ Mounts: [{ Type: 'volume', Source: 'v', Target: '/a', VolumeOptions: { Subpath: 'x' } }] }, /volume-subpath is not supported/],
    [{ Mounts: [{ Type: 'image', Source: 'v', Target: '/a' }] }, /mount type 'image' is not supported/],
  ];
  for (const [hostConfig, sentence] of cases) assert.throws(() => resolve(hostConfig), sentence, JSON.stringify(hostConfig));
  assert.deepEqual(summary(resolve({ Binds: ['/tmp:/proc/meminfo'] }).points), ['bind /tmp /proc/meminfo rw']);
});

test('shared and slave need a mount on the host that is shared', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-volumes-'));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'sub'));
  const table = (propagation: string): string => `20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 8:2 / ${directory} rw ${propagation}- ext4 /dev/sdb rw\n`;
  checkPropagation(`${directory}/sub`, 'rshared', table('shared:5 '));
  checkPropagation(`${directory}/sub`, 'rslave', table('master:5 '));
  checkPropagation(`${directory}/sub`, 'rprivate', table(''));
  assert.throws(
    () => checkPropagation(`${directory}/sub`, 'rshared', table('master:5 ')),
    new RegExp(`^EngineError: path ${directory}/sub is mounted on ${directory} but it is not a shared mount`),
  );
  assert.throws(() => checkPropagation('/etc', 'rslave', table('shared:5 ')), /path \/etc is mounted on \/ but it is not a shared or slave mount/);
});
