/**
 * What a test's engine left behind, and its removal, so that the next test and the machine do not suffer from it. Uses the
 * system's own tools: it has to work when what it cleans up after does not.
 */
import { spawnSync } from 'node:child_process';
import { rmdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { cgroupDirectories, mounts, processesOf, type Scope } from './inventory.ts';
import { findProgram } from './needs.ts';

/** Mounts, processes and cgroups of containers that should be gone once the containers are removed and hakod has ended. */
export function leftovers(scope: Scope): string[] {
  return [
    ...mounts(scope),
    ...processesOf(scope).map(({ pid, name }) => `process ${pid} ${name}`),
    ...cgroupDirectories(scope)
      .filter((directory) => !directory.endsWith(`/${scope.cgroup}`)) // the parent of all, which holds nothing
      .map((directory) => `cgroup ${directory}`),
  ];
}

/** Takes away all of an engine: processes, mounts, cgroups, bridge and rules. Not its directory. */
export async function sweep(scope: Scope): Promise<void> {
  // The kernel tells nobody when a process has been reaped by another; a zombie that nobody reaps is not worth waiting for.
  for (let tries = 0, remaining = processesOf(scope); remaining.length > 0 && tries < 500; tries++, remaining = processesOf(scope)) {
    for (const { pid } of remaining) kill(pid);
    await setTimeout(10);
  }
  for (const line of mounts(scope)
    .filter((m) => m.startsWith('mount /'))
    .toReversed()) {
    spawnSync('umount', ['--lazy', line.slice('mount '.length)]);
  }
  for (const directory of cgroupDirectories(scope)) remove(directory);
  if (scope.networkOf !== undefined) return; // the namespace takes its network with it
  spawnSync('ip', ['link', 'delete', scope.bridge]);
  if (!findProgram('nft')) return;
  for (const family of ['ip', 'ip6', 'inet', 'bridge', 'netdev', 'arp']) spawnSync('nft', ['delete', 'table', family, scope.bridge]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone by itself
  }
}

function remove(cgroup: string): void {
  try {
    rmdirSync(cgroup);
  } catch {
    // gone, or about to be: its last process is not reaped yet
  }
}
