import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { resolveUser, type ContainerUser } from './user.ts';

const passwd = `root:x:0:0:root:/root:/bin/sh
# a comment
bob:x:1000:1001:Bob:/home/bob:/bin/sh
1234:x:1500:1500::/home/digits:/bin/sh
homeless:x:1600:1600:::
broken:x:12x:0::/:/bin/sh
empty:x::::
huge:x:4294967295:0::/:/bin/sh
`;
const group = `root:x:0:
bobs:x:1001:
wheel:x:10:bob,root
audio:x:63:other,bob
docker:x:998:bob
bad:x:-5:bob
`;

/** A root directory with these files in /etc; undefined leaves one out. */
function root(
  t: TestContext,
  files: { passwd?: string | undefined; group?: string | undefined } = { passwd, group },
): { path: string; resolve: (user: string, groupAdd?: string[]) => ContainerUser } {
  const path = mkdtempSync(join(tmpdir(), 'hako-user-'));
  mkdirSync(join(path, 'etc'));
  for (const [name, text] of Object.entries(files)) if (text !== undefined) writeFileSync(join(path, 'etc', name), text);
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  t.after(() => {
    closeSync(fd);
    rmSync(path, { recursive: true });
  });
  return { path, resolve: (user, groupAdd) => resolveUser(fd, user, groupAdd) };
}

test('users and groups by name, by number and mixed', (t) => {
  const { resolve } = root(t);
  assert.deepEqual(resolve(''), { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' });
  assert.deepEqual(resolve('bob'), { uid: 1000, gid: 1001, additionalGids: [1001, 10, 63, 998], home: '/home/bob' });
  assert.deepEqual(resolve('1000'), resolve('bob'));
  assert.deepEqual(resolve('bob:wheel'), { uid: 1000, gid: 10, additionalGids: [10], home: '/home/bob' });
  assert.deepEqual(resolve('bob:5555'), { uid: 1000, gid: 5555, additionalGids: [5555], home: '/home/bob' });
  assert.deepEqual(resolve('7777'), { uid: 7777, gid: 0, additionalGids: [0], home: '/' });
  assert.deepEqual(resolve('7777:audio'), { uid: 7777, gid: 63, additionalGids: [63], home: '/' });
  assert.deepEqual(resolve(':audio'), { uid: 0, gid: 63, additionalGids: [63], home: '/root' });
  assert.equal(resolve('homeless').home, '/');
});

test('digits are a number, even where a user has that name', (t) => {
  assert.equal(root(t).resolve('1234').uid, 1234);
});

test('added groups come by name and number, once each', (t) => {
  const { resolve } = root(t);
  assert.deepEqual(resolve('bob:bobs', ['audio', '10', 'wheel', '77']).additionalGids, [1001, 63, 10, 77]);
  assert.throws(() => resolve('bob', ['nobodys']), /unable to find group nobodys: no matching entries in group file/);
});

test('what is not in the files is told in Docker’s words', (t) => {
  const { resolve } = root(t);
  assert.throws(() => resolve('alice'), /^UserError: unable to find user alice: no matching entries in passwd file$/);
  assert.throws(() => resolve('bob:alices'), /^UserError: unable to find group alices: no matching entries in group file$/);
});

test('numbers are strict: no sign, no overflow, no garbage becomes an id', (t) => {
  const { resolve } = root(t);
  for (const id of ['2147483648', '4294967295', '4294967296', '18446744073709551616', '99999999999999999999999', '-1', '-0']) {
    assert.throws(() => resolve(id), /must be in range 0-2147483647/, id);
    assert.throws(() => resolve(`bob:${id}`), /must be in range 0-2147483647/, id);
    assert.throws(() => resolve('bob', [id]), /must be in range 0-2147483647/, id);
  }
  for (const name of ['0x0', '+0', ' 0', '0 ', '1e3', '1_000', '0.0', 'root ', '１']) assert.throws(() => resolve(name), /unable to find user/, name);
  assert.throws(() => resolve('bob:1:2'), /unable to find group 1:2/);
});

test('lines with a broken number never give root', (t) => {
  const { resolve } = root(t);
  for (const name of ['broken', 'empty', 'huge', '#']) assert.throws(() => resolve(name), /unable to find user/, name);
  assert.ok(!resolve('bob').additionalGids.includes(0));
});

test('an image without the files takes numbers only', (t) => {
  const { resolve } = root(t, {});
  assert.deepEqual(resolve(''), { uid: 0, gid: 0, additionalGids: [0], home: '/' });
  assert.deepEqual(resolve('12:34'), { uid: 12, gid: 34, additionalGids: [34], home: '/' });
  assert.throws(() => resolve('root'), /unable to find user root/);
});

test('a link to an absolute path stays in the root', (t) => {
  const { path, resolve } = root(t, { group });
  symlinkSync('/../../../etc/other', join(path, 'etc/passwd'));
  assert.throws(() => resolve('bob'), /unable to find user bob/);
  writeFileSync(join(path, 'etc/other'), passwd);
  assert.equal(resolve('bob').uid, 1000);
});

test('a FIFO, a directory and a device are refused without waiting', (t) => {
  const { path, resolve } = root(t, {});
  execFileSync('mkfifo', [join(path, 'etc/passwd')]);
  assert.throws(() => resolve('bob'), /\/etc\/passwd is not a regular file/);
  rmSync(join(path, 'etc/passwd'));
  mkdirSync(join(path, 'etc/passwd'));
  assert.throws(() => resolve('bob'), /\/etc\/passwd is not a regular file/);
  rmSync(join(path, 'etc/passwd'), { recursive: true });
  if (process.getuid?.() !== 0) return t.diagnostic('not root: no device node to try');
  execFileSync('mknod', [join(path, 'etc/zero'), 'c', '1', '5']);
  symlinkSync('zero', join(path, 'etc/passwd'));
  assert.throws(() => resolve('bob'), /\/etc\/passwd is not a regular file/);
});

test('a huge file is refused, one up to the limit is read', (t) => {
  const { path, resolve } = root(t);
  writeFileSync(join(path, 'etc/passwd'), passwd.padEnd(1 << 20, '\n'));
  assert.equal(resolve('bob').uid, 1000);
  truncateSync(join(path, 'etc/passwd'), 2 ** 33);
  assert.throws(() => resolve('bob'), /larger than 1048576 bytes/);
});
