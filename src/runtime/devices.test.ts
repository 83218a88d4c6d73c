import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultDevices, hostDevices, parseDevice, parseDeviceCgroupRule, resolveDevice } from './devices.ts';

test('the default nodes are those of this machine', () => {
  for (const { path, major, minor } of defaultDevices) assert.equal(statSync(path).rdev, major * 256 + minor, path);
});

test('a device option has host path, container path and mode', () => {
  const parsed = (text: string): string[] => Object.values(parseDevice(text));
  assert.deepEqual(parsed('/dev/fuse'), ['/dev/fuse', '/dev/fuse', 'rwm']);
  assert.deepEqual(parsed('/dev/fuse:/dev/other'), ['/dev/fuse', '/dev/other', 'rwm']);
  assert.deepEqual(parsed('/dev/fuse:r'), ['/dev/fuse', '/dev/fuse', 'r']);
  assert.deepEqual(parsed('/dev/fuse:/dev//other:mr'), ['/dev/fuse', '/dev/other', 'mr']);
  for (const text of ['', 'fuse', '/dev/fuse:other', '/dev/fuse:/dev/x:rx', '/dev/fuse:/dev/x:rr', '/dev/fuse:/dev/x:', '/dev/fuse:/x/../y', '/a:/b:r:w']) {
    assert.throws(() => parseDevice(text), /invalid device specification/, text);
  }
});

test('a device is looked up on the host, through links', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-devices-'));
  t.after(() => rmSync(directory, { recursive: true }));
  symlinkSync('/dev/null', join(directory, 'link'));
  const { devices, rules } = resolveDevice(parseDevice(`${directory}/link:/dev/nothing:rw`));
  const { uid, gid, mode } = statSync('/dev/null');
  assert.deepEqual(devices, [{ type: 'c', path: '/dev/nothing', major: 1, minor: 3, fileMode: mode & 0o777, uid, gid }]);
  assert.deepEqual(rules, [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }]);
});

test('a directory stands for the devices below it', { skip: process.getuid?.() !== 0 && 'only root can make device nodes' }, (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-devices-'));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'sub'));
  writeFileSync(join(directory, 'file'), '');
  execFileSync('mknod', ['-m', '640', join(directory, 'sub/disk'), 'b', '259', '1048000']);
  const { devices } = resolveDevice(parseDevice(`${directory}:/dev/many`));
  assert.deepEqual(devices, [{ type: 'b', path: '/dev/many/sub/disk', major: 259, minor: 1048000, fileMode: 0o640, uid: 0, gid: 0 }]);
});

test('what is no device is told in Docker’s words', () => {
  assert.throws(
    () => resolveDevice(parseDevice('/dev/nope')),
    /error gathering device information while adding custom device "\/dev\/nope": no such file or directory/,
  );
  assert.throws(() => resolveDevice(parseDevice('/etc/passwd')), /not a device node/);
  assert.throws(() => resolveDevice(parseDevice('/etc')), /no device in the directory/);
});

test('the devices of the host are those of /dev, without terminals and shared memory', () => {
  const devices = hostDevices();
  assert.ok(devices.some((d) => d.path === '/dev/null' && d.major === 1 && d.minor === 3));
  assert.ok(devices.every((d) => !/^\/dev\/(pts|shm|mqueue|fd|console|ptmx)/.test(d.path)));
});

test('cgroup rules are read strictly', () => {
  assert.deepEqual(parseDeviceCgroupRule('c 10:200 rwm'), { allow: true, type: 'c', major: 10, minor: 200, access: 'rwm' });
  assert.deepEqual(parseDeviceCgroupRule('b 8:* r'), { allow: true, type: 'b', major: 8, access: 'r' });
  assert.deepEqual(parseDeviceCgroupRule('a *:* m'), { allow: true, type: 'a', access: 'm' });
  for (const text of [
    '',
    'c 10:200',
    'x 1:1 r',
    'c 1:1 x',
    'c 1:1 rr',
    'c -1:1 r',
    'c 4096:0 r',
    'c 1:1048576 r',
    'c  1:1 r',
    'c 1:1 r\n',
    'c 1:1 r c 2:2 r',
  ]) {
    assert.throws(() => parseDeviceCgroupRule(text), /invalid device cgroup rule format/, text);
  }
});
