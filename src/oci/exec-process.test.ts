/** What an exec takes over from its container, and what is its own. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProcessSpec, Spec } from '../runtime/spec.ts';
import { processOf, type ProcessFlags } from './exec-process.ts';

const own: ProcessSpec = {
  cwd: '/srv',
  env: ['A=1'],
  args: ['server'],
  terminal: true,
  user: { uid: 1, gid: 1, additionalGids: [2] },
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 9, hard: 9 }],
  apparmorProfile: 'web',
  oomScoreAdj: 77,
  scheduler: { policy: 'SCHED_BATCH' },
  ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 },
};
const spec: Spec = { ociVersion: '1.2.0', root: { path: '/' }, mounts: [], process: own, linux: { namespaces: [], cgroupsPath: '/x' } };
const none: ProcessFlags = {
  process: undefined,
  tty: false,
  user: undefined,
  'additional-gids': [],
  cwd: undefined,
  env: [],
  cap: [],
  'no-new-privs': false,
  apparmor: undefined,
  'process-label': undefined,
};

test('with flags, an exec is what the container is, but for its terminal and what the flags say', () => {
  const { terminal: _, ...rest } = own;
  const flags = { ...none, user: '5:6', 'additional-gids': ['7'], env: ['B=2'], cwd: '/', cap: ['net_raw'] };
  assert.deepEqual(processOf(spec, flags, ['sh', '-c', ':']).process, {
    ...rest,
    args: ['sh', '-c', ':'],
    cwd: '/',
    env: ['A=1', 'B=2'],
    user: { uid: 5, gid: 6, additionalGids: [2, 7] },
    capabilities: { bounding: ['CAP_NET_RAW'], permitted: ['CAP_NET_RAW'], effective: ['CAP_NET_RAW'] },
  });
});

test('a process of its own has the labels and the standing of the container where it says nothing of them', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-exec-process-'));
  try {
    const file = join(directory, 'process.json');
    const given = { cwd: '/', env: ['C=3'], args: ['true'], user: { uid: 0, gid: 0 }, ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 1 } };
    writeFileSync(file, JSON.stringify(given));
    const { apparmorProfile, oomScoreAdj, scheduler } = own;
    assert.deepEqual(processOf(spec, { ...none, process: file }, []).process, { ...given, apparmorProfile, oomScoreAdj, scheduler });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
