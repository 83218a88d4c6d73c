/** What the cgroup tests share: a cgroup of their own on the real kernel, processes in it, and fake trees of other machines. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { perform } from '../../kernel/perform.ts';
import { apply } from '../../step/apply.ts';
import type { Procedure } from '../../step/step.ts';
import { findCgroup, type Cgroup } from './cgroup.ts';
import { joinSteps } from './join.ts';
import { killAll } from './kill.ts';
import { detectCgroups } from './detect.ts';
import type { CgroupLayout } from './layout.ts';
import { removeCgroup } from './remove.ts';

/** Applies a procedure to the real kernel. */
export const run = <R>(procedure: Procedure<R>): Promise<R> => apply(procedure, { kernel: { call: perform } });

/** Why the tests on the real kernel can't run here, or false. */
export const unable: string | false = process.getuid?.() !== 0 ? 'needs root, to make cgroups' : false;

/** The parent of all cgroups that this test process makes. */
export const testParent = `/hako-test-${process.pid}`;

let count = 0;

/** A path for a test's cgroup; what is there when the test ends is killed and removed, with the parent. */
export function testPath(t: TestContext, layout: CgroupLayout): string {
  const path = `${testParent}/${++count}`;
  t.after(async () => {
    for (const at of [path, testParent]) {
      const cgroup = findCgroup(layout, at);
      if (!cgroup) continue;
      await run(killAll(cgroup));
      await run(removeCgroup(cgroup));
    }
  });
  return path;
}

/** Starts a shell command in a cgroup: the shell joins as {@link joinSteps} says, then becomes the command. */
export function start(cgroup: Cgroup, command: string, prelude = ''): ChildProcess {
  const join = joinSteps(cgroup, { unified: 'write' }).map((step) => step.shell);
  return spawn('/bin/sh', ['-c', `set -e\n${join.join('\n')}\n${prelude}\nset +e\n${command}`], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The end of a process. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits for a process to end and its output to close. */
export function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data) => (stdout += data));
  child.stderr?.on('data', (data) => (stderr += data));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Waits for the first line that a process writes: it has joined, and does its work. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (data) => resolve(String(data).trim()));
    child.on('close', (code) => reject(new Error(`ended with ${code} before it wrote anything`)));
  });
}

/** Another machine: its mounts, its own cgroups, and the directories and files of its cgroup tree. */
export interface FakeMachine {
  readonly mountinfo: string;
  readonly ownCgroups: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Detects a fake machine; its tree is a temporary directory, removed after the test. */
export function fakeLayout(t: TestContext, machine: FakeMachine, bpf = false): CgroupLayout {
  const root = mkdtempSync(join(tmpdir(), 'hako-cgroup-'));
  t.after(() => rmSync(root, { recursive: true }));
  writeFiles(root, machine.files);
  return detectCgroups({ root, mountinfo: machine.mountinfo, ownCgroups: machine.ownCgroups, bpf });
}

/** Writes files below a directory, with the directories they need. */
export function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** A machine with cgroup v2 alone, as most have today. */
export const pureV2: FakeMachine = {
  mountinfo: '31 23 0:28 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n',
  ownCgroups: '0::/system.slice/hakod.service\n',
  files: {
    '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
    '/sys/fs/cgroup/cgroup.subtree_control': 'memory pids\n',
    '/sys/fs/cgroup/system.slice/hakod.service/cgroup.controllers': 'cpu memory pids\n',
    '/sys/fs/cgroup/system.slice/hakod.service/cgroup.procs': '1\n',
    '/sys/fs/cgroup/system.slice/hakod.service/cgroup.subtree_control': '\n',
  },
};

/** A machine with cgroup v1 alone, controllers co-mounted, as older distributions have it. */
export const pureV1: FakeMachine = {
  mountinfo: [
    '25 24 0:22 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:8 - tmpfs tmpfs ro,seclabel,mode=755',
    '26 25 0:23 / /sys/fs/cgroup/systemd rw,nosuid shared:9 - cgroup cgroup rw,seclabel,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd',
    '27 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:10 - cgroup cgroup rw,seclabel,cpu,cpuacct',
    '28 25 0:25 / /sys/fs/cgroup/cpuset rw,nosuid shared:11 - cgroup cgroup rw,cpuset',
    '29 25 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:12 - cgroup cgroup rw,memory',
    '30 25 0:27 / /sys/fs/cgroup/blkio rw,nosuid shared:13 - cgroup cgroup rw,blkio',
    '31 25 0:28 / /sys/fs/cgroup/pids rw,nosuid shared:14 - cgroup cgroup rw,pids',
    '32 25 0:29 / /sys/fs/cgroup/devices rw,nosuid shared:15 - cgroup cgroup rw,devices',
    '33 25 0:30 / /sys/fs/cgroup/freezer rw,nosuid shared:16 - cgroup cgroup rw,freezer',
    '34 25 0:31 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid shared:17 - cgroup cgroup rw,net_cls,net_prio',
    '99 90 0:24 /docker/abc /var/lib/other/cgroup rw shared:10 - cgroup cgroup rw,seclabel,cpu,cpuacct',
    '',
  ].join('\n'),
  ownCgroups:
    '9:net_cls,net_prio:/\n8:freezer:/\n7:devices:/\n6:pids:/\n5:blkio:/\n4:memory:/\n3:cpuset:/\n2:cpu,cpuacct:/\n1:name=systemd:/system.slice/hakod.service\n',
  files: {
    ...Object.fromEntries(['systemd', 'cpu,cpuacct', 'memory', 'blkio', 'pids', 'devices', 'freezer'].map((h) => [`/sys/fs/cgroup/${h}/tasks`, ''])),
    '/sys/fs/cgroup/cpuset/cpuset.cpus': '0-3\n',
    '/sys/fs/cgroup/cpuset/cpuset.mems': '0\n',
  },
};
