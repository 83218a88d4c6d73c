/** Credentials on the real kernel: a child takes the steps, then becomes cat and shows its /proc/self/status. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { call } from '../kernel/call.ts';
import { capabilityMask, parseCapabilityMasks } from '../kernel/capability.ts';
import { waitFlags } from '../kernel/flags.ts';
import { unblockSignals, vforkTable } from '../kernel/launch/child.ts';
import { rows } from '../kernel/launch/table.ts';
import { must } from '../kernel/perform.ts';
import { availableCapabilities, capabilitySets, defaultCapabilities } from './capabilities.ts';
import { confinementSteps, credentialSteps } from './credentials.ts';
import { defaultSeccomp } from './seccomp/load.ts';
import type { ProcessSpec, SeccompSpec } from './spec.ts';

const skip = process.getuid?.() !== 0 && 'only root can change users';
const some = defaultCapabilities.filter((name) => availableCapabilities().includes(name));
const processSpec = (changes: Partial<ProcessSpec>): ProcessSpec => ({
  cwd: '/',
  env: [],
  args: ['cat'],
  user: { uid: 0, gid: 0 },
  capabilities: capabilitySets(some),
  ...changes,
});

/** The /proc/self/status of a program that was started after the steps. */
function statusAfter(spec: ProcessSpec, seccomp?: SeccompSpec): string {
  const directory = mkdtempSync(join(tmpdir(), 'hako-credentials-'));
  const file = join(directory, 'status');
  const fd = openSync(file, 'w');
  try {
    const steps = confinementSteps(spec, seccomp, { inUserNamespace: false });
    const section = rows([
      unblockSignals(),
      call('dup3', [fd, 1, 0]),
      ...steps.flatMap((step) => step.calls),
      call('execve', ['/bin/cat', ['cat', '/proc/self/status'], []]),
      call('exit_group', [1]),
    ]);
    const { pid } = vforkTable(section, 0);
    const status = new Uint8Array(4);
    must(call('wait4', [pid, status, waitFlags.__WALL, null]));
    assert.equal(new DataView(status.buffer).getUint32(0, true), 0, 'the child failed');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
}
const field = (status: string, name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)![1]!.trim().replaceAll('\t', ' ');

test('root keeps the given capabilities and no other', { skip }, () => {
  const status = statusAfter(processSpec({}));
  const mask = capabilityMask(some);
  assert.deepEqual(parseCapabilityMasks(status), { bounding: mask, permitted: mask, effective: mask, inheritable: 0n, ambient: 0n });
  assert.equal(field(status, 'Groups'), '');
  assert.equal(field(status, 'NoNewPrivs'), '0');
});

test('another user has its groups exactly, and no capability beyond execve', { skip }, () => {
  const status = statusAfter(processSpec({ user: { uid: 1000, gid: 1001, additionalGids: [7, 8, 4294967294], umask: 0o027 } }));
  assert.equal(field(status, 'Uid'), '1000 1000 1000 1000');
  assert.equal(field(status, 'Gid'), '1001 1001 1001 1001');
  assert.equal(field(status, 'Groups'), '7 8 4294967294');
  assert.equal(field(status, 'Umask'), '0027');
  assert.deepEqual(parseCapabilityMasks(status), { bounding: capabilityMask(some), permitted: 0n, effective: 0n, inheritable: 0n, ambient: 0n });
});

test('ambient capabilities survive the change of user and execve', { skip }, () => {
  const bind = ['CAP_NET_BIND_SERVICE'];
  const status = statusAfter(
    processSpec({ user: { uid: 1000, gid: 1000 }, capabilities: { bounding: bind, permitted: bind, effective: bind, inheritable: bind, ambient: bind } }),
  );
  const mask = capabilityMask(bind);
  assert.deepEqual(parseCapabilityMasks(status), { bounding: mask, permitted: mask, effective: mask, inheritable: mask, ambient: mask });
});

test('the filter is loaded in either order, with and without no_new_privs', { skip }, () => {
  for (const noNewPrivileges of [false, true]) {
    const status = statusAfter(processSpec({ user: { uid: 1000, gid: 1000 }, capabilities: capabilitySets([]), noNewPrivileges }), defaultSeccomp([]));
    assert.equal(field(status, 'Seccomp'), '2');
    assert.equal(field(status, 'NoNewPrivs'), noNewPrivileges ? '1' : '0');
  }
});

test('with no_new_privs, the filter need not allow what comes before it', { skip }, () => {
  const seccomp: SeccompSpec = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['setgroups', 'setresuid', 'setresgid', 'capset', 'prctl'], action: 'SCMP_ACT_KILL_PROCESS' }],
  };
  assert.equal(field(statusAfter(processSpec({ user: { uid: 1000, gid: 1000 }, noNewPrivileges: true }), seccomp), 'Seccomp'), '2');
});

test('steps are in the order that the kernel forces', () => {
  const ids = credentialSteps(processSpec({ user: { uid: 1, gid: 1, umask: 0o22 } }), { inUserNamespace: false }).map((step) => step.id);
  assert.deepEqual(ids, ['capability.bounding', 'capability.keep', 'process.user', 'process.umask', 'capability.set', 'capability.ambient']);
});
