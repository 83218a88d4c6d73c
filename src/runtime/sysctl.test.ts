import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { call } from '../kernel/call.ts';
import { cloneFlags, openFlags } from '../kernel/flags.ts';
import { runInChild } from '../kernel/launch/child.ts';
import type { NamespaceType } from './spec.ts';
import { sysctlFile, sysctlSteps, validateSysctls } from './sysctl.ts';

const every: ReadonlySet<NamespaceType> = new Set(['network', 'ipc', 'uts']);

test('parameters of own namespaces are allowed', () => {
  validateSysctls(
    {
      'net.ipv4.ip_forward': '1',
      'net.ipv4.conf.eth0.rp_filter': '0',
      'fs.mqueue.msg_max': '20',
      'kernel.shmmax': '68719476736',
      'kernel.sem': '250\t32000 32 128',
      'kernel.domainname': 'example.org',
    },
    every,
  );
});

test('parameters of the machine are refused', () => {
  for (const key of [
    'kernel.core_pattern',
    'vm.overcommit_memory',
    'kernel.modprobe',
    'fs.file-max',
    'kernel.hostname',
    'fs.mqueue',
    'net',
    'kernel.shm',
    'kernel.shmmax.x',
    '',
  ]) {
    assert.throws(() => validateSysctls({ [key]: '1' }, every), /is not allowed/, key);
  }
});

test('without a namespace of its own, the container cannot change the host’s', () => {
  assert.throws(() => validateSysctls({ 'net.ipv4.ip_forward': '1' }, new Set(['ipc'])), /not allowed in the host's network namespace/);
  assert.throws(() => validateSysctls({ 'kernel.sem': '1' }, new Set(['network'])), /not allowed in the host's ipc namespace/);
});

test('names and values cannot smuggle anything', () => {
  for (const key of [
    'net/ipv4/ip_forward',
    'net.../kernel/core_pattern',
    'net.ipv4..x',
    'net.ipv4.',
    'net.x/../../kernel/core_pattern',
    'net.a+kernel.core_pattern',
    'net.a\nb',
    'net.a b',
    'net.a=b',
    'net.\0',
  ]) {
    assert.throws(() => validateSysctls({ [key]: '1' }, every), /is not allowed/, key);
  }
  for (const value of ['1\n2', '1+kernel.core_pattern=x', '|/bin/sh', '..', 'a\0b', 'é', '1'.repeat(2000)]) {
    assert.throws(() => validateSysctls({ 'net.ipv4.ip_forward': value }, every), /has a value that is not allowed/, value);
  }
});

for (const by of ['the procfs of the container', "the host's, where the container has none"]) {
  test(
    `a parameter is set in the namespace of the process that takes the step, not in ours, by ${by}`,
    { skip: process.getuid?.() !== 0 && 'only root can make namespaces' },
    () => {
      const before = readFileSync('/proc/sys/kernel/shmmni', 'utf8');
      const opened = [openSync('/proc', constants.O_RDONLY | constants.O_DIRECTORY)];
      try {
        const [proc] = opened as [number];
        const [step] = sysctlSteps({ 'kernel.shmmni': '77' }, by.startsWith("the host's") ? undefined : proc);
        // The descriptor of the namespace keeps it alive, so that its parameter can still be read when the child is gone.
        const holds = call('openat', [proc, 'self/ns/ipc', openFlags.O_CLOEXEC, 0]);
        const parameter = call('openat', [proc, 'sys/kernel/shmmni', openFlags.O_CLOEXEC, 0]);
        opened.push(...runInChild([call('unshare', [cloneFlags.CLONE_NEWIPC]), ...step!.calls, holds, parameter]).slice(-2));
        assert.equal(readFileSync(opened[2]!, 'utf8'), '77\n');
        assert.equal(readFileSync('/proc/sys/kernel/shmmni', 'utf8'), before);
      } finally {
        opened.forEach(closeSync);
      }
    },
  );
}

test('the name of an interface may have a dot, which is a slash in the name of a parameter', () => {
  assert.equal(sysctlFile('net.ipv4.conf.eth0/5.rp_filter'), 'net/ipv4/conf/eth0.5/rp_filter');
  const [step] = sysctlSteps({ 'net.ipv4.conf.eth0/5.rp_filter': '1' }, 3);
  assert.equal(step!.calls[0]!.args[1], 'sys/net/ipv4/conf/eth0.5/rp_filter');
  assert.match(step!.shell, /\/proc\/sys\/net\/ipv4\/conf\/eth0\.5\/rp_filter$/);
});
