/** What is added to and taken from a process of config.json before it is made. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { availableCapabilities, grantCapabilities } from '../runtime/capabilities.ts';
import type { MountSpec, ProcessSpec, Spec } from '../runtime/spec.ts';
import { readyContainer, readyExec } from './process.ts';

const bundle = mkdtempSync(join(tmpdir(), 'hako-process-'));
after(() => rmSync(bundle, { recursive: true }));
const rootfs = join(bundle, 'rootfs');
mkdirSync(join(rootfs, 'etc'), { recursive: true });
writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/srv/web:/bin/sh\n');

const specOf = (changes: Partial<ProcessSpec>, mounts: readonly MountSpec[] = [], root = rootfs): Spec => ({
  ociVersion: '1.2.0',
  root: { path: root },
  process: { cwd: '/', env: [], args: ['true'], user: { uid: 0, gid: 0 }, ...changes },
  mounts,
  linux: { namespaces: [], cgroupsPath: '/x' },
});
const envOf = (...args: Parameters<typeof specOf>): readonly string[] => readyContainer(specOf(...args)).spec.process.env;
const web = { user: { uid: 1000, gid: 1000 } };
const bind = (source: string, destination: string): MountSpec => ({ destination, type: 'bind', source, options: ['rbind'] });

test('HOME is what passwd says of the user, and what was given stays', () => {
  assert.deepEqual(envOf({}), ['HOME=/root']);
  assert.deepEqual(envOf(web), ['HOME=/srv/web']);
  assert.deepEqual(envOf({ user: { uid: 7, gid: 7 } }), ['HOME=/']);
  assert.deepEqual(envOf({ ...web, env: ['HOME=/given', 'A=1'] }), ['HOME=/given', 'A=1']);
  assert.deepEqual(envOf({ ...web, env: ['HOME='] }), ['HOME=/srv/web'], 'an empty one is none');
});

test('passwd is the one that the container will see, and never one outside of its root', () => {
  const other = join(bundle, 'other');
  writeFileSync(other, 'web:x:1000:1000::/mounted:/bin/sh\n');
  assert.deepEqual(envOf(web, [bind(other, '/etc/passwd')]), ['HOME=/mounted']);
  assert.deepEqual(envOf(web, [bind(bundle, '/etc')]), ['HOME=/'], 'a directory without passwd');
  assert.deepEqual(envOf(web, [{ destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: [] }]), ['HOME=/']);
  assert.deepEqual(envOf(web, [bind(join(bundle, 'nothing'), '/etc/passwd')]), ['HOME=/'], 'the mount will say so');
  const hostile = join(bundle, 'hostile');
  mkdirSync(join(hostile, 'etc'), { recursive: true });
  symlinkSync(other, join(hostile, 'etc/passwd'));
  assert.deepEqual(envOf(web, [], hostile), ['HOME=/']);
  assert.deepEqual(envOf({}, [], '/'), [readyExec(specOf({}).process, process.pid, false).process.env[0]], 'an exec asks the root that the container has');
});

test('of a variable that is given twice, the last value counts', () => {
  assert.deepEqual(envOf({ env: ['A=1', 'HOME=/h', 'A=2=3'] }), ['A=2=3', 'HOME=/h']);
});

test('capabilities that cannot be granted are left out, with a warning for those that there are not and a note of each other reason', () => {
  const all = (...names: string[]) => ({ bounding: names, permitted: names, effective: names, inheritable: [], ambient: [] });
  const available = ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID'];
  assert.deepEqual(grantCapabilities(all('CAP_CHOWN', 'CAP_SYS_TIME', 'CAP_OF_TOMORROW'), available), {
    capabilities: all('CAP_CHOWN'),
    warnings: ['process.capabilities: ignoring unknown or unavailable capabilities [CAP_SYS_TIME CAP_OF_TOMORROW]'],
    notes: [],
  });
  const odd = { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_CHOWN'], inheritable: ['CAP_SETUID'], ambient: ['CAP_KILL'] };
  const { capabilities, warnings, notes } = grantCapabilities(odd, available);
  assert.deepEqual(warnings, []);
  assert.deepEqual(capabilities, { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: [], inheritable: [], ambient: [] });
  assert.deepEqual(
    notes.map((text) => text.replace('process.capabilities: left out of the ', '')),
    [
      'effective set: they are not permitted [CAP_CHOWN]',
      'inheritable set: they are not in the bounding set [CAP_SETUID]',
      'ambient set: they are not both permitted and inheritable [CAP_KILL]',
    ],
  );
});

test('a process that is given no capabilities has none, and what this machine has is granted', () => {
  assert.deepEqual(readyContainer(specOf({})).spec.process.capabilities, { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] });
  const asked = { bounding: availableCapabilities() };
  assert.deepEqual(grantCapabilities(asked), {
    capabilities: { ...asked, permitted: [], effective: [], inheritable: [], ambient: [] },
    warnings: [],
    notes: [],
  });
});
