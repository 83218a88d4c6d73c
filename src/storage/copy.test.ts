/** Copying in and out as `docker cp` does it, and that neither can be led out of the container's root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { tar } from '../../test/support/tar.ts';
import { needsRoot } from '../../test/support/needs.ts';
import { copyIn, copyOut, statPath, type CopyInOptions } from './copy.ts';
import { gather, inChunks, temporaryDirectory } from './tar/tree-fixture.ts';

const skip = needsRoot();

/** A container's root, with a secret beside it. */
function container(t: TestContext): { root: string; fd: number; secret: string } {
  const top = temporaryDirectory(t);
  const root = join(top, 'rootfs');
  mkdirSync(root);
  writeFileSync(join(top, 'secret'), 'the host');
  execFileSync(
    'sh',
    [
      '-ec',
      'mkdir -p etc/conf.d usr/lib; echo h > etc/hostname; touch etc/conf.d/a; ln -s usr/lib lib; ln -s /etc abs; ln -s ../../../../etc/hostname up; ln -s hop1 hop0; ln -s /hop2 hop1; ln -s etc/../etc/nowhere hop2; ln -s loop loop; mkfifo fifo; mknod null c 1 3; touch -d @1000000000.25 etc/hostname; chmod 4755 etc/hostname',
    ],
    { cwd: root },
  );
  const fd = openSync(root, 'r');
  t.after(() => closeSync(fd));
  return { root, fd, secret: join(top, 'secret') };
}

const put = (fd: number, path: string, archive: Buffer, options?: CopyInOptions): Promise<void> => copyIn(fd, path, inChunks(archive, 1000), options);
const namesOut = async (fd: number, path: string): Promise<string[]> =>
  execFileSync('tar', ['-tPf', '-'], { input: await gather(copyOut(fd, path).tar), encoding: 'utf8' })
    .trim()
    .split('\n');

test("the status of a path is Docker's", { skip }, (t) => {
  const { fd } = container(t);
  assert.deepEqual(statPath(fd, '/etc/hostname'), { name: 'hostname', size: 2, mode: 0x800000 + 0o755, mtime: '2001-09-09T01:46:40.25Z', linkTarget: '' });
  assert.equal(statPath(fd, 'etc/').mode, 2 ** 31 + 0o755);
  assert.equal(statPath(fd, '/').name, '/');
  assert.equal(statPath(fd, '/etc/../etc/./conf.d/').name, 'conf.d');
  assert.equal(statPath(fd, '/lib').mode, 2 ** 27 + 0o777);
  assert.equal(statPath(fd, '/lib/').mode, 2 ** 31 + 0o755);
  assert.equal(statPath(fd, '/fifo').mode, 2 ** 25 + 0o644);
  assert.equal(statPath(fd, '/null').mode, 2 ** 26 + 2 ** 21 + 0o644);
  assert.deepEqual(
    ['/lib', '/abs', '/up', '/hop0'].map((path) => statPath(fd, path).linkTarget),
    ['/usr/lib', '/etc', '/etc/hostname', '/etc/nowhere'],
  );
  assert.throws(() => statPath(fd, '/loop'), /ELOOP/);
  assert.throws(() => statPath(fd, '/no/such'), { kind: 'not-found', message: /could not find the file \/no\/such in the container/ });
  assert.throws(() => statPath(fd, '/etc/hostname/x'), /not a directory/);
  assert.throws(() => statPath(fd, '/a\0b'), /NUL/);
});

test('what is copied out is named after the last component, and a final link is followed only with a slash', { skip }, async (t) => {
  const { fd } = container(t);
  assert.deepEqual(await namesOut(fd, '/etc/hostname'), ['hostname']);
  assert.deepEqual(await namesOut(fd, '/etc'), ['etc/', 'etc/conf.d/', 'etc/conf.d/a', 'etc/hostname']);
  assert.deepEqual(await namesOut(fd, '/etc/.'), ['./', './conf.d/', './conf.d/a', './hostname']);
  assert.deepEqual(await namesOut(fd, '/abs'), ['abs']);
  assert.deepEqual(await namesOut(fd, '/abs/'), ['abs/', 'abs/conf.d/', 'abs/conf.d/a', 'abs/hostname']);
  assert.deepEqual((await namesOut(fd, '/')).slice(0, 3), ['/', '/abs', '/etc/']);
  assert.deepEqual(await namesOut(fd, '../../../etc/conf.d'), ['conf.d/', 'conf.d/a']);
});

test('a stream that is not read to its end leaves no descriptor open', { skip }, async (t) => {
  const { fd, root } = container(t);
  writeFileSync(join(root, 'large'), Buffer.alloc(8 << 20));
  const count = (): number => readdirSync('/proc/self/fd').length;
  const before = count();
  const unread = copyOut(fd, '/large').tar;
  const begun = copyOut(fd, '/').tar;
  const closed = [unread, begun].map((stream) => new Promise((resolve) => stream.on('error', () => {}).once('close', resolve)));
  for await (const _ of begun) break;
  unread.destroy();
  await Promise.all(closed);
  // A file that was being read is closed when that read has come back from its thread.
  for (const end = Date.now() + 5000; count() > before && Date.now() < end;) await setImmediate();
  assert.equal(count(), before);
});

test('what is copied in goes below the directory, through links as a process inside would go', { skip }, async (t) => {
  const { fd, root } = container(t);
  await put(
    fd,
    '/abs/conf.d',
    tar([
      { name: './', type: '5', mode: 0o700 },
      { name: 'b', contents: 'b', uid: 5 },
    ]),
  );
  assert.equal(readFileSync(join(root, 'etc/conf.d/b'), 'utf8'), 'b');
  assert.equal(lstatSync(join(root, 'etc/conf.d')).mode & 0o777, 0o755, 'the directory itself stays as it was');
  symlinkSync('/usr/lib', join(root, 'etc/conf.d/link'));
  await put(fd, '/etc/conf.d', tar([{ name: 'link/so', contents: 'x' }]), { owner: { uid: 9, gid: 10 } });
  assert.equal(statSync(join(root, 'usr/lib/so')).gid, 10);
  await put(fd, '/', tar([{ name: '.wh.x' }, { name: 'abs2', type: '2', linkname: '/etc' }, { name: 'abs2/z' }]));
  assert.ok(existsSync(join(root, 'etc/z')) && existsSync(join(root, '.wh.x')));
  await assert.rejects(put(fd, '/etc/hostname', tar([])), /extraction point is not a directory/);
  await assert.rejects(put(fd, '/nowhere', tar([])), { kind: 'not-found' });
  await assert.rejects(put(fd, '/', tar([{ name: 'etc' }]), { noOverwriteDirNonDir: true }), /cannot overwrite directory/);
});

test('links lead to the container, not to the host', { skip }, async (t) => {
  const { fd, root, secret } = container(t);
  symlinkSync(secret, join(root, 'leak'));
  symlinkSync('../..', join(root, 'dir'));
  assert.throws(() => copyOut(fd, '/leak/'), { kind: 'not-found' });
  assert.deepEqual(await namesOut(fd, '/leak'), ['leak']);
  assert.throws(() => copyOut(fd, '/dir/secret'), { kind: 'not-found' });
  await assert.rejects(put(fd, '/dir', tar([{ name: '../secret', contents: 'owned' }])), /leads out/);
  await put(fd, '/dir', tar([{ name: 'secret', contents: 'inside' }]));
  assert.equal(readFileSync(secret, 'utf8'), 'the host');
  assert.equal(readFileSync(join(root, 'secret'), 'utf8'), 'inside');
});

test('a directory that is swapped for a link during the copy leads nowhere else', { skip }, async (t) => {
  const { fd, root, secret } = container(t);
  mkdirSync(join(root, 'work'));
  writeFileSync(join(root, 'work/secret'), 'inside');
  symlinkSync(join(secret, '..'), join(root, 'evil'));
  // Another thread swaps them all the time, as a process of a hostile container would.
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const swapper = new Worker(
    `const { workerData: { ffi, root, stop } } = require('node:worker_threads');
     import(ffi).then(({ rawSyscall }) => {
       const RENAME_EXCHANGE = 2;
       for (let swaps = 0; !Atomics.load(stop, 0) || swaps < 1000; swaps++) {
         if (rawSyscall('renameat2', -100, root + '/work', -100, root + '/evil', RENAME_EXCHANGE) < 0) process.exit(1);
       }
     });`,
    { eval: true, workerData: { ffi: import.meta.resolve('../kernel/ffi.ts'), root, stop } },
  );
  const ended = once(swapper, 'exit');
  await once(swapper, 'online');
  for (let i = 0; i < 300; i++) {
    const out = await gather(copyOut(fd, '/').tar);
    assert.ok(!out.includes('the host'), 'nothing of the host came out');
    await put(fd, '/', tar([{ name: 'work/secret', contents: 'owned' }])).catch((error: Error) => assert.match(error.message, /cannot hold files/));
  }
  Atomics.store(stop, 0, 1);
  assert.deepEqual(await ended, [0]);
  assert.equal(readFileSync(secret, 'utf8'), 'the host');
});
