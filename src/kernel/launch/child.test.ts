import assert from 'node:assert/strict';
import { closeSync, readlinkSync } from 'node:fs';
import test from 'node:test';
import { AT_FDCWD, cloneFlags, openFlags, socketTypes, addressFamilies } from '../flags.ts';
import { call } from '../call.ts';
import { KernelError } from '../errno.ts';
import { runInChild } from './child.ts';

test('a child makes a network namespace whose descriptor is ours', () => {
  const [, fd] = runInChild([call('unshare', [cloneFlags.CLONE_NEWNET]), call('openat', [AT_FDCWD, '/proc/self/ns/net', openFlags.O_CLOEXEC, 0])]);
  assert.ok(fd !== undefined);
  assert.notEqual(readlinkSync(`/proc/self/fd/${fd}`), readlinkSync('/proc/self/ns/net'));
  const [, socket] = runInChild([
    call('setns', [fd, cloneFlags.CLONE_NEWNET]),
    call('socket', [addressFamilies.AF_NETLINK, socketTypes.SOCK_RAW | socketTypes.SOCK_CLOEXEC, 0]),
  ]);
  assert.match(readlinkSync(`/proc/self/fd/${socket}`), /^socket:/);
  closeSync(fd);
  closeSync(socket!);
});

test('a failing row ends the table and names call and errno', () => {
  assert.throws(
    () => runInChild([call('chdir', ['/does/not/exist']), call('getpid', [])]),
    (e) => e instanceof KernelError && e.code === 'ENOENT' && /chdir\("\/does\/not\/exist"\)/.test(e.message),
  );
});

test('an accepted error goes on', () => {
  const [first, second] = runInChild([call('chdir', ['/does/not/exist'], { accept: [2] }), call('getpid', [])]);
  assert.equal(first, -2);
  assert.ok(second! > 0 && second !== process.pid);
});
