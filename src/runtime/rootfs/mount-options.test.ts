import assert from 'node:assert/strict';
import test from 'node:test';
import { mountAttrs, mountFlags } from '../../kernel/flags.ts';
import { knownMountOptions, parseMountOptions } from './mount-options.ts';

const { MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOATIME } = mountAttrs;
const nothing = {
  bind: undefined,
  idMap: undefined,
  set: 0,
  clear: 0,
  recursiveSet: 0,
  recursiveClear: 0,
  propagation: [],
  superblock: [],
  parameters: [],
  remount: false,
  tmpcopyup: false,
  copySymlink: false,
  sourceNoFollow: false,
  destinationNoFollow: false,
};

test('attributes, propagation and parameters of the file system are told apart', () => {
  assert.deepEqual(parseMountOptions([]), nothing);
  assert.deepEqual(parseMountOptions(['ro', 'nosuid', 'rslave', 'rbind', 'size=64m', 'noswap', 'mode=1777']), {
    ...nothing,
    set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID,
    bind: 'rbind',
    propagation: [mountFlags.MS_SLAVE | mountFlags.MS_REC],
    parameters: [['size', '64m'], ['noswap'], ['mode', '1777']],
  });
});

test('the later of two options that contradict each other wins, as with mount(8)', () => {
  assert.deepEqual(parseMountOptions(['nodev', 'dev', 'noexec']), { ...nothing, set: MOUNT_ATTR_NOEXEC, clear: MOUNT_ATTR_NODEV });
  assert.deepEqual(parseMountOptions(['dev', 'nodev']), { ...nothing, set: MOUNT_ATTR_NODEV });
  // The access time is one field of three values: setting it needs all of it cleared (mount_setattr(2)).
  assert.deepEqual(parseMountOptions(['noatime']), { ...nothing, set: MOUNT_ATTR_NOATIME, clear: 0x70 });
});

test('options that begin with r are for the mounts beneath, too', () => {
  assert.deepEqual(parseMountOptions(['rro', 'rnosuid', 'rexec']), {
    ...nothing,
    recursiveSet: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID,
    recursiveClear: MOUNT_ATTR_NOEXEC,
  });
  // `relatime` begins with r and is none of them.
  assert.deepEqual(parseMountOptions(['relatime']).recursiveSet, 0);
});

test('a value may hold an equals sign; what fstab says to programs alone is left out', () => {
  assert.deepEqual(parseMountOptions(['defaults', 'context=a=b']).parameters, [['context', 'a=b']]);
});

test("every option of the specification is known, and none of them is taken for the file system's", () => {
  const specified =
    'async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion nolazytime norelatime ' +
    'nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodiratime rnoexec rnorelatime rnostrictatime ' +
    'rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid ' +
    'symfollow sync tmpcopyup unbindable idmap ridmap mand nomand rnodev';
  for (const option of specified.split(' ')) {
    assert.ok(knownMountOptions().includes(option), option);
    assert.deepEqual(parseMountOptions([option]).parameters, [], option);
  }
});

test("flags that are the whole file system's, ways of making the mount, and several propagations", () => {
  assert.deepEqual(parseMountOptions(['sync', 'lazytime', 'nomand']), { ...nothing, superblock: ['sync', 'lazytime', 'nomand'] });
  assert.deepEqual(parseMountOptions(['remount', 'ridmap', 'tmpcopyup']), { ...nothing, remount: true, idMap: 'ridmap', tmpcopyup: true });
  assert.deepEqual(parseMountOptions(['slave', 'shared']).propagation, [mountFlags.MS_SLAVE, mountFlags.MS_SHARED]);
});
