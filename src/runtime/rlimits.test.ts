import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { call } from '../kernel/call.ts';
import { runInChild } from '../kernel/launch/child.ts';
import { rlimitResources } from '../kernel/flags.ts';
import { inheritedLimits, clampRlimits, ownHardLimits, parseUlimit, rlimitSteps } from './rlimits.ts';

test('values have soft and hard limit', () => {
  assert.deepEqual(parseUlimit('nofile=1024'), { type: 'RLIMIT_NOFILE', soft: 1024, hard: 1024 });
  assert.deepEqual(parseUlimit('nofile=1024:4096'), { type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 });
  assert.deepEqual(parseUlimit('core=0:-1'), { type: 'RLIMIT_CORE', soft: 0, hard: -1 });
  assert.deepEqual(parseUlimit('memlock=-1'), { type: 'RLIMIT_MEMLOCK', soft: -1, hard: -1 });
});

test('values that make no sense are refused', () => {
  for (const text of ['nofile', 'nofile=', 'nofile=1:2:3', 'nofile=x', 'nofile=1:', '=1', 'nofile=-2', 'nofile=99999999999999999999', 'NOFILE=1', 'files=1']) {
    assert.throws(() => parseUlimit(text), /invalid ulimit/, text);
  }
  assert.throws(() => parseUlimit('nofile=10:5'), /soft limit must be less than or equal to hard limit: 10 > 5/);
  assert.throws(() => parseUlimit('nofile=-1:5'), /soft limit must be less/);
});

test('hard limits are read for every resource', () => {
  const own = ownHardLimits();
  assert.deepEqual([...own.keys()].sort(), Object.keys(rlimitResources).sort());
  assert.equal(own.get('RLIMIT_NOFILE'), Number(/Max open files\s+\S+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))![1]));
});

test('without the right to raise, limits are cut, with a warning', () => {
  const own = new Map([
    ['RLIMIT_NOFILE', 1000],
    ['RLIMIT_CORE', -1],
  ]);
  const limits = [parseUlimit('nofile=500:2000'), parseUlimit('nofile=-1'), parseUlimit('nofile=10:1000'), parseUlimit('core=-1')];
  const { rlimits, warnings } = clampRlimits(limits, false, own);
  assert.deepEqual(
    rlimits.map(({ soft, hard }) => [soft, hard]),
    [
      [500, 1000],
      [1000, 1000],
      [10, 1000],
      [-1, -1],
    ],
  );
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /RLIMIT_NOFILE is limited to 1000 instead of 2000/);
  assert.deepEqual(clampRlimits(limits, true, own), { rlimits: limits, warnings: [] });
});

test('what a user namespace keeps a process from raising, its parent raises for it', () => {
  const own = new Map([
    ['RLIMIT_NOFILE', { soft: 10, hard: 1000 }],
    ['RLIMIT_CORE', { soft: 0, hard: -1 }],
    ['RLIMIT_NPROC', { soft: 7, hard: 8 }],
  ]);
  const asked = [parseUlimit('nofile=500:1000'), parseUlimit('core=-1'), parseUlimit('nproc=-1')];
  assert.deepEqual(inheritedLimits(asked, own), [{ type: 'RLIMIT_NPROC', soft: 7, hard: -1 }]);
  assert.deepEqual(inheritedLimits([parseUlimit('nofile=1:1001')], own), [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 1001 }]);
});

test('a child that took the steps is held by them', () => {
  const [step] = rlimitSteps([{ type: 'RLIMIT_NOFILE', soft: 3, hard: 3 }]);
  assert.equal(step!.calls[0]!.args[1], 7);
  const EMFILE = 24;
  const [, fd] = runInChild([...step!.calls, call('memfd_create', ['x', 0], { accept: [EMFILE] })]);
  assert.equal(fd, -EMFILE);
  assert.throws(() => rlimitSteps([{ type: 'RLIMIT_FLY', soft: 1, hard: 1 }]), /unknown resource limit RLIMIT_FLY/);
});
