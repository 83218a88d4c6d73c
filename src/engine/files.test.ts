/** Copying, exporting and comparing files of real containers, running and stopped. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tar, type TarItem } from '../image/fixture.ts';
import { identify } from '../kernel/process.ts';
import { gather } from '../storage/tar/tree-fixture.ts';
import { closeFd } from '../kernel/file-at.ts';
import { openProcessRoot } from './container-root.ts';
import { openEngine, unable, type EngineFixture } from './engine-fixture.ts';
import { EngineError } from './engine.ts';

let fixture: EngineFixture;
before(async () => {
  if (!unable) fixture = await openEngine();
});
after(async () => {
  if (!unable) await fixture.close();
});

const options = { noOverwriteDirNonDir: true, copyUidGid: false };
const put = (id: string, path: string, ...items: TarItem[]): Promise<void> =>
  fixture.engine.containers.putArchive(id, path, Readable.from([tar(...items)]), options);

/** Names in an archive, and the text of its files. */
function unpack(archive: Buffer): { names: string[]; text: (name: string) => string } {
  const gnuTar = (args: string[]): string => spawnSync('tar', args, { input: archive, encoding: 'utf8', maxBuffer: 1 << 30 }).stdout;
  return { names: gnuTar(['-t']).split('\n').filter(Boolean), text: (name) => gnuTar(['-xO', name]) };
}
const get = async (id: string, path: string): Promise<ReturnType<typeof unpack>> =>
  unpack(await gather((await fixture.engine.containers.getArchive(id, path)).tar));
const fails = (status: number, message: RegExp) => (error: unknown) => error instanceof EngineError && error.status === status && message.test(error.message);

test('files go in and out of a running container, as its processes see them', { skip: unable }, async () => {
  const id = await fixture.run({ HostConfig: { Tmpfs: { '/scratch': '' }, Mounts: [{ Type: 'volume', Source: 'live', Target: '/data' }] } });
  for (const path of ['/', '/scratch', '/data']) {
    await put(id, path, { path: 'note', content: `in ${path}` });
    const place = path === '/' ? '/note' : `${path}/note`;
    assert.equal((await get(id, place)).text('note'), `in ${path}`);
    assert.equal((await fixture.engine.containers.statArchive(id, place)).size, `in ${path}`.length);
  }
  assert.deepEqual((await get(id, '/data')).names, ['data/', 'data/note']);
  const { Mountpoint } = await fixture.engine.volumes.inspect('live');
  assert.equal(readFileSync(join(Mountpoint, 'note'), 'utf8'), 'in /data');
  await assert.rejects(get(id, '/nothing'), fails(404, /could not find the file \/nothing/i));
  await assert.rejects(put(id, '/note', { path: 'x' }), fails(400, /not a directory/));
});

test('files go in and out of a stopped container, and of one that never ran, with its volumes', { skip: unable }, async () => {
  const source = join(fixture.directory, 'host');
  mkdirSync(source);
  writeFileSync(join(source, 'from-host'), 'host');
  const HostConfig = { Binds: [`${source}:/host:ro`, 'kept:/deep/data'] };
  const ran = await fixture.script('echo ran > /deep/data/ran; echo own > /own', { HostConfig });
  const { Id: fresh } = await fixture.engine.containers.create({ Image: 'base', Cmd: ['sh'], HostConfig: { ...HostConfig, NetworkMode: 'none' } });
  for (const id of [ran, fresh]) {
    assert.equal((await get(id, '/deep/data/ran')).text('ran'), 'ran\n');
    assert.equal((await get(id, '/host/from-host')).text('from-host'), 'host');
    await put(id, '/deep/data', { path: 'in', content: id });
    await put(id, '/tmp', { path: 'in', content: id });
    assert.equal((await get(id, '/deep/data/in')).text('in'), id);
    assert.equal((await get(id, '/tmp/in')).text('in'), id);
    await assert.rejects(put(id, '/host', { path: 'x' }), fails(403, /read-only/));
  }
  assert.equal((await get(ran, '/own')).text('own'), 'own\n');
  // What was copied is there when it starts.
  await fixture.script(`[ "$(cat /deep/data/in)" = ${fresh} ]`, { HostConfig });
  await fixture.engine.containers.start(fresh);
});

test('a read-only container is not written to, but its volumes are', { skip: unable }, async () => {
  const HostConfig = { ReadonlyRootfs: true, Binds: ['writable:/data'] };
  const running = await fixture.run({ HostConfig });
  const { Id: stopped } = await fixture.engine.containers.create({ Image: 'base', HostConfig });
  for (const id of [running, stopped]) {
    await assert.rejects(put(id, '/tmp', { path: 'x' }), fails(403, /read-only/));
    await put(id, '/data', { path: 'y', content: 'y' });
    assert.equal((await get(id, '/data/y')).text('y'), 'y');
  }
});

test("links of a container lead nowhere else than in the container's root", { skip: unable }, async () => {
  const secret = join(fixture.directory, 'secret');
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), 'secret');
  const links = `ln -s ${secret} /out; ln -s ../../../../../../..${secret} /up; ln -s /proc/1/root${secret} /magic; mkdir -p /in${secret}; ln -s /in /around`;
  const stopped = await fixture.script(links);
  const running = await fixture.run({ Cmd: ['sh', '-c', `${links}; touch /done; sleep 1000`] });
  while (!(await fixture.engine.containers.statArchive(running, '/done').catch(() => undefined)));
  for (const id of [stopped, running]) {
    for (const link of ['/out', '/up', '/magic']) {
      await assert.rejects(get(id, `${link}/key`), EngineError, link);
      await assert.rejects(put(id, link, { path: 'planted' }), EngineError);
    }
    await put(id, `/around${secret}`, { path: 'planted' });
    // An archive's own links are no way out either.
    await put(id, '/tmp', { path: 'way', type: '2', link: secret }, { path: 'way/planted' }).catch(() => undefined);
  }
  assert.deepEqual(readdirSync(secret), ['key']);
});

test('an archive may be compressed, and its owners are the user when that is asked for', { skip: unable }, async () => {
  const { Id: id } = await fixture.engine.containers.create({ Image: 'base', User: '12:34', HostConfig: { NetworkMode: 'none' } });
  const archive = gzipSync(tar({ path: 'f', content: 'packed', uid: 7 }));
  for (const [path, copyUidGid] of [
    ['/tmp', true],
    ['/root', false],
  ] as const) {
    // One byte at a time: what it is shows only after several.
    await fixture.engine.containers.putArchive(id, path, Readable.from([archive.subarray(0, 1), archive.subarray(1)]), {
      noOverwriteDirNonDir: true,
      copyUidGid,
    });
    const listed = spawnSync('tar', ['--numeric-owner', '-tv'], {
      input: await gather((await fixture.engine.containers.getArchive(id, `${path}/f`)).tar),
      encoding: 'utf8',
    }).stdout;
    assert.match(listed, copyUidGid ? /12\/34/ : /7\/0/);
  }
  await assert.rejects(
    fixture.engine.containers.putArchive(id, '/tmp', Readable.from([Buffer.from('no archive at all'.repeat(100))]), options),
    fails(400, /./),
  );
});

test('export is the root of the container without its volumes, running or not', { skip: unable }, async () => {
  const script = 'echo mine > /etc/mine; rm /etc/group; echo v > /data/v; mkdir /d; ln -s mine /etc/link; touch /done';
  const HostConfig = { Binds: ['exported:/data'] };
  const stopped = await fixture.script(script, { HostConfig });
  const running = await fixture.run({ HostConfig, Cmd: ['sh', '-c', `${script}; sleep 1000`] });
  while (!(await fixture.engine.containers.statArchive(running, '/done').catch(() => undefined)));
  for (const id of [stopped, running]) {
    const { names, text } = unpack(await gather(await fixture.engine.containers.export(id)));
    assert.equal(text('etc/mine'), 'mine\n');
    assert.ok(names.includes('etc/passwd') && names.includes('d/') && names.includes('data/') && names.includes('etc/link'));
    assert.deepEqual(
      names.filter((n) => n === 'etc/group' || n.startsWith('data/') || n.startsWith('proc/')),
      ['data/', 'proc/'],
    );
  }
});

test('diff lists what the container changed, and not what the engine put there', { skip: unable }, async () => {
  const nothing = await fixture.script('true');
  assert.deepEqual(await fixture.engine.containers.changes(nothing), []);
  const id = await fixture.script('echo > /etc/mine; rm /etc/group; mkdir /new; chmod 701 /var');
  assert.deepEqual(await fixture.engine.containers.changes(id), [
    { Path: '/etc', Kind: 0 },
    { Path: '/etc/group', Kind: 2 },
    { Path: '/etc/mine', Kind: 1 },
    { Path: '/new', Kind: 1 },
    { Path: '/var', Kind: 0 },
  ]);
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // the descriptor of the listing itself
  }
}

test('the root of a process is that of this process only, and no descriptor is left open', { skip: unable }, async () => {
  const id = await fixture.run();
  const { State } = await fixture.engine.containers.inspect(id, { size: false });
  const process = identify(State.Pid);
  assert.ok(process);
  assert.equal(openProcessRoot({ ...process, startTime: '1' }), undefined);
  const root = openProcessRoot(process);
  assert.ok(root !== undefined && existsSync(`/proc/self/fd/${root}/etc/passwd`));
  closeFd(root);

  const stopped = await fixture.script('true', { HostConfig: { Binds: ['some:/data'] } });
  /** Files and directories; the engine's sockets and pipes come and go. */
  const open = (): string[] =>
    readdirSync('/proc/self/fd')
      .map(linkOf)
      .filter((target) => target.startsWith('/') && !target.startsWith('/dev/'));
  const use = async (): Promise<void> => {
    for (const ref of [id, stopped]) {
      await get(ref, '/etc');
      await put(ref, '/tmp', { path: 'f' });
      await fixture.engine.containers.statArchive(ref, '/etc');
      await assert.rejects(get(ref, '/nothing'));
      await assert.rejects(put(ref, '/nothing', { path: 'f' }));
      const { tar } = await fixture.engine.containers.getArchive(ref, '/bin'); // given up half-way
      await new Promise((resolve) => tar.once('close', resolve).destroy());
      await gather(await fixture.engine.containers.export(ref));
      await fixture.engine.containers.changes(ref);
    }
  };
  await use();
  const before = open();
  await use();
  assert.deepEqual(open(), before);
});

test('a link on the host in the place of a volume is not followed by the container', { skip: unable }, async () => {
  const source = join(fixture.directory, 'linked');
  mkdirSync(source);
  symlinkSync('/etc/shadow', join(source, 'shadow'));
  const { Id } = await fixture.engine.containers.create({ Image: 'base', HostConfig: { NetworkMode: 'none', Binds: [`${source}:/linked`] } });
  const stat = await fixture.engine.containers.statArchive(Id, '/linked/shadow');
  assert.equal(stat.linkTarget, '/etc/shadow');
  await assert.rejects(get(Id, '/linked/shadow/'), fails(404, /could not find|not a directory/i));
});

test('the owners of files are those that the container sees, whatever its user namespace', { skip: unable }, async () => {
  const HostConfig = { UsernsMode: 'private' };
  const script = 'echo > /mine; chown 5:6 /mine; echo > /done';
  const running = await fixture.run({ HostConfig, Cmd: ['sh', '-c', `${script}; sleep 1000`] });
  while (!(await fixture.engine.containers.statArchive(running, '/done').catch(() => undefined)));
  const stopped = await fixture.script(script, { HostConfig });
  const owner = (archive: Buffer, name: string): string =>
    / (\d+\/\d+) /.exec(spawnSync('tar', ['--numeric-owner', '-tv', '-f-', name], { input: archive, encoding: 'utf8' }).stdout)?.[1] ?? '';
  for (const id of [running, stopped]) {
    await put(id, '/tmp', { path: 'in' });
    for (const [path, expected] of [
      ['/mine', '5/6'],
      ['/etc/passwd', '0/0'],
      ['/tmp/in', '0/0'],
    ] as const) {
      const archive = await gather((await fixture.engine.containers.getArchive(id, path)).tar);
      assert.equal(owner(archive, path.slice(path.lastIndexOf('/') + 1)), expected, path);
    }
    assert.equal(owner(await gather(await fixture.engine.containers.export(id)), 'mine'), '5/6');
  }
  // The container itself sees what was copied in as its root's, and an image made of it has the owners that it saw.
  await fixture.engine.images.commit(stopped, { repository: 'mapped', pause: false, changes: [] });
  await fixture.script('[ "$(stat -c %u:%g /mine /tmp/in | tr "\\n" " ")" = "5:6 0:0 " ]', { Image: 'mapped', HostConfig });
});
