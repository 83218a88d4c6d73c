/**
 * The processes of a lab, as conditions see them: those in the lab's PID namespace and all beneath it, the lab's own first process
 * among them. Read from /proc; what ends meanwhile is left out. See proc_pid_status(5), pid_namespaces(7).
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { attempt } from '../kernel/attempt.ts';
import { parseCapabilityMasks, type CapabilityMasks } from '../kernel/capability.ts';
import { namespaceKinds, parseNamespace, type NamespaceType } from '../kernel/namespace.ts';
import { processStat } from '../kernel/process-stat.ts';
import { parseOwnCgroups } from '../runtime/cgroup/layout.ts';

/** A process at one moment. */
export interface LabProcess {
  /** As the machine counts; with {@link startTime} it is this process and no other. */
  readonly pid: number;
  /** As the lab counts. */
  readonly labPid: number;
  /** From the lab's PID namespace down to its own: `[312, 1]` is process 1 of a namespace beneath the lab's. */
  readonly pids: readonly number[];
  /** Its parent as the machine counts. */
  readonly parent: number;
  /** Clock ticks after boot. */
  readonly startTime: string;
  /** One letter, as in ps(1): R, S, Z, … */
  readonly state: string;
  /** What it calls itself (comm). */
  readonly name: string;
  readonly args: readonly string[];
  /** Real, effective, saved, file system; as the machine counts. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** Its five sets. See capabilities(7). */
  readonly capabilities: CapabilityMasks;
  readonly noNewPrivileges: boolean;
  /** 0 off, 1 strict, 2 filter. */
  readonly seccomp: number;
  readonly seccompFilters: number;
  /** Inode numbers; they are used again, so they tell namespaces apart at one moment only. */
  readonly namespaces: Readonly<Partial<Record<NamespaceType, number>>>;
  /** Whether its namespace of a type is another than the lab's own. */
  has(own: NamespaceType): boolean;
  /** Its cgroup in each hierarchy, by controller (`cpu`; of version 2 `''`): a path as the machine's first namespace counts. */
  readonly cgroups: ReadonlyMap<string, string>;
  /** Its root directory: the path as the machine sees it, and what identifies it; undefined where the kernel does not say. */
  readonly root: { readonly path: string; readonly device: number; readonly inode: number } | undefined;
  readonly executable: string | undefined;
}

/** Reads all processes of a lab, in the order of their ids. @param first the lab's first process, as the machine counts */
export function labProcesses(first: number): LabProcess[] {
  const home = namespacesOf(first);
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const all = new Map<number, { readonly status: string; readonly parent: number; readonly pidNamespace: number | undefined }>();
  for (const id of ids) {
    const status = attempt(() => readFileSync(`/proc/${id}/status`, 'utf8'));
    if (status === undefined) continue;
    all.set(Number(id), { status, parent: Number(field(status, 'PPid')), pidNamespace: namespaceOf(id, 'pid') });
  }
  // By descent, since nothing tells which namespace is beneath which but the files themselves: a process beneath the lab's
  // namespace has a forefather in it.
  const inLab = (pid: number): boolean => {
    const found = all.get(pid);
    return found !== undefined && ((found.pidNamespace !== undefined && found.pidNamespace === home.pid) || inLab(found.parent));
  };
  const depth = numbers(field(all.get(first)?.status ?? '', 'NSpid')).length;
  return [...all]
    .filter(([pid, { status }]) => inLab(pid) && numbers(field(status, 'NSpid')).length >= depth)
    .flatMap(([pid, { status }]) => read(pid, status, depth, home) ?? [])
    .toSorted((a, b) => a.pid - b.pid);
}

function read(pid: number, status: string, depth: number, home: LabProcess['namespaces']): LabProcess | undefined {
  const stat = processStat(pid);
  if (stat === undefined) return undefined;
  const pids = numbers(field(status, 'NSpid')).slice(depth - 1);
  const namespaces = namespacesOf(pid);
  const path = attempt(() => readlinkSync(`/proc/${pid}/root`));
  const root = attempt(() => statSync(`/proc/${pid}/root/.`));
  return {
    pid,
    labPid: pids[0] ?? 0,
    pids,
    parent: stat.parent,
    startTime: stat.startTime,
    state: stat.state,
    name: field(status, 'Name'),
    args: (attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0').slice(0, -1),
    uids: numbers(field(status, 'Uid')),
    gids: numbers(field(status, 'Gid')),
    capabilities: parseCapabilityMasks(status),
    noNewPrivileges: field(status, 'NoNewPrivs') === '1',
    seccomp: Number(field(status, 'Seccomp')),
    seccompFilters: Number(field(status, 'Seccomp_filters')),
    namespaces,
    has: (own) => namespaces[own] !== undefined && namespaces[own] !== home[own],
    cgroups: parseOwnCgroups(attempt(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? ''),
    root: path === undefined || root === undefined ? undefined : { path, device: root.dev, inode: root.ino },
    executable: attempt(() => readlinkSync(`/proc/${pid}/exe`)),
  };
}

const field = (status: string, name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
const numbers = (text: string): number[] => text.split(/\s+/).filter(Boolean).map(Number);

const namespaceOf = (pid: number | string, type: NamespaceType): number | undefined =>
  parseNamespace(attempt(() => readlinkSync(`/proc/${pid}/ns/${type}`)) ?? '')?.inode;

function namespacesOf(pid: number): LabProcess['namespaces'] {
  return Object.fromEntries(namespaceKinds.flatMap(({ type }) => ((inode) => (inode === undefined ? [] : [[type, inode]]))(namespaceOf(pid, type))));
}
