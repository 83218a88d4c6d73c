/** The machine's cgroups, as a claim finds and cleans them. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where cgroup hierarchies are mounted here, of either version. */
export function hierarchies(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4]!);
}

/** The directories that a cgroup has, one for each hierarchy that it is in. */
export function cgroupDirectories(path: string): string[] {
  return hierarchies()
    .map((mount) => join(mount, path))
    .filter((directory) => existsSync(directory));
}

/** Whether all of the machine's cgroups are in one hierarchy of version 2. */
export function isUnified(): boolean {
  return existsSync('/sys/fs/cgroup/cgroup.controllers');
}

/** Processes of a cgroup, in any hierarchy, and below it. */
export function processesOf(path: string): number[] {
  return [...new Set(cgroupDirectories(path).flatMap(processesBelow))];
}

function processesBelow(directory: string): number[] {
  const own = readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  return [...own, ...children(directory).flatMap(processesBelow)];
}

function children(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name));
}

/** Takes a cgroup without processes away, with those below. */
export function removeCgroups(path: string): void {
  for (const directory of cgroupDirectories(path)) removeTree(directory);
}

function removeTree(directory: string): void {
  for (const child of children(directory)) removeTree(child);
  rmdirSync(directory);
}
