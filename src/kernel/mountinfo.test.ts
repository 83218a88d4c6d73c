import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { needsRoot } from '../../test/support/needs.ts';
import { call } from './call.ts';
import { cloneFlags, mountFlags, umountFlags } from './flags.ts';
import { mountAt, mountHolding, readMountinfo } from './mountinfo.ts';
import { must } from './perform.ts';

test('a mount that another one covers is no mount point, though it is listed', { skip: needsRoot() }, () => {
  // The mounts are this process's alone, and go with it.
  must(call('unshare', [cloneFlags.CLONE_NEWNS]));
  must(call('mount', ['none', '/', null, mountFlags.MS_REC | mountFlags.MS_PRIVATE, null]));
  const outer = mkdtempSync(join(tmpdir(), 'hako-mountinfo-'));
  const inner = join(outer, 'inner');
  const cover = (directory: string): void => void must(call('mount', ['tmpfs', directory, 'tmpfs', 0, null]));
  const isMountPoint = (directory: string): boolean => mountAt(readMountinfo(), directory) !== undefined;
  try {
    cover(outer);
    assert.equal(isMountPoint(inner), false, 'there is no such directory');
    mkdirSync(inner);
    assert.equal(isMountPoint(inner), false);
    cover(inner);
    assert.equal(isMountPoint(inner), true);
    cover(outer);
    mkdirSync(inner);
    assert.equal(isMountPoint(inner), false);
    assert.equal(isMountPoint(outer), true);
    // The kernel's own answer: the mount of a file that is opened there.
    const fd = openSync(inner, 'r');
    assert.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), new RegExp(`^mnt_id:\\s*${mountHolding(readMountinfo(), inner)!.id}$`, 'm'));
    closeSync(fd);
  } finally {
    for (let i = 0; i < 2; i++) must(call('umount2', [outer, umountFlags.MNT_DETACH]));
    rmdirSync(outer);
  }
});
