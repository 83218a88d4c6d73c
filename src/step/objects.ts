/**
 * Which of the kernel's objects a call made, changed or took away, told from the call itself and what it returned: for a trace.
 * What only opens, reads or closes changes nothing and is left out.
 */
import { Result, Struct, type Arg, type Call } from '../kernel/call.ts';
import { cloneFlags } from '../kernel/flags.ts';

/** One of the kernel's objects. */
export interface KernelObject {
  /** `namespace`, `cgroup`, `mount`, `process`, `interface`, … */
  readonly kind: string;
  /** What it is called: a path, a number, a type. */
  readonly name: string;
  readonly change: 'born' | 'changed' | 'gone';
}

/** What the kernel returned to an earlier call; undefined when it was not made. */
export type ValueOf = (call: Call) => number | undefined;

const cgroupRoot = '/sys/fs/cgroup';
const namespaceOf: Readonly<Record<string, string>> = {
  CLONE_NEWNS: 'mnt',
  CLONE_NEWUTS: 'uts',
  CLONE_NEWIPC: 'ipc',
  CLONE_NEWPID: 'pid',
  CLONE_NEWNET: 'net',
  CLONE_NEWUSER: 'user',
  CLONE_NEWCGROUP: 'cgroup',
  CLONE_NEWTIME: 'time',
};
const netlinkObject: readonly (readonly [message: RegExp, kind: string, change: KernelObject['change']])[] = [
  [/RTM_NEWLINK[^}]*NLM_F_CREATE/, 'interface', 'born'],
  [/RTM_NEWLINK/, 'interface', 'changed'],
  [/RTM_DELLINK/, 'interface', 'gone'],
  [/RTM_NEWADDR/, 'address', 'born'],
  [/RTM_NEWROUTE/, 'route', 'born'],
  [/NFT_MSG_NEWTABLE/, 'nf_tables table', 'born'],
  [/NFT_MSG_NEWSETELEM/, 'nf_tables element', 'born'],
  [/NFT_MSG_DELSETELEM/, 'nf_tables element', 'gone'],
  [/NFT_MSG_DELTABLE/, 'nf_tables table', 'gone'],
];

/** The objects of one call; none when it failed. */
export function objectsOf(call: Call, returned: number, valueOf: ValueOf): KernelObject[] {
  if (returned < 0) return [];
  const { args } = call;
  const one = (kind: string, name: string, change: KernelObject['change'] = 'born'): KernelObject[] => [{ kind, name, change }];
  const itself = 'itself';
  switch (call.name) {
    case 'clone3':
      // A child that only leaves a descriptor behind (src/kernel/launch/child.ts) has ended by now.
      if (call.gives === 'monitor') return one('process', `${returned}, the monitor`);
      if (flagNames(args[0]).includes('CLONE_VFORK')) return call.label === 'netns' ? one('namespace', 'net') : [];
      return [...one('process', String(returned)), ...flagNames(args[0]).flatMap((flag) => (namespaceOf[flag] ? one('namespace', namespaceOf[flag]) : []))];
    case 'unshare':
      return namespacesIn(args[0]).flatMap((name) => one('namespace', name));
    case 'setns':
      return namespacesIn(args[1]).flatMap((name) => one('namespace', name, 'changed'));
    case 'mkdirat':
      return one(isCgroup(args[1]) ? 'cgroup' : 'directory', pathOf(args, valueOf));
    case 'mknodat':
      return one(Number(args[2]) >= 0o100000 ? 'file' : 'device', pathOf(args, valueOf));
    case 'symlinkat':
      return one('link', text(args[2]));
    case 'unlinkat':
      return one(isCgroup(args[1]) ? 'cgroup' : 'file', pathOf(args, valueOf), 'gone');
    case 'fsmount':
    case 'open_tree':
      return one('mount', `${call.label ?? 'tree'}, attached nowhere`);
    case 'move_mount':
      return one('mount', `at ${describe(args[2], valueOf)}`, 'changed');
    case 'mount':
    case 'mount_setattr':
      return one('mount', describe(args[call.name === 'mount' ? 1 : 0], valueOf) || '/', 'changed');
    case 'umount2':
      return one('mount', text(args[0]), 'gone');
    case 'pivot_root':
      return one('mount', '/', 'changed');
    case 'sethostname':
    case 'setdomainname':
      return one('namespace', 'uts', 'changed');
    case 'write':
    case 'pwrite64':
      return writtenFile(args[0]).flatMap((path) => one(isCgroup(path) ? 'cgroup file' : 'file', path, 'changed'));
    case 'bpf':
      return args[0] === 5 ? one('eBPF program', String(returned)) : one('eBPF program', 'attached', 'changed');
    case 'pipe2':
      return one('pipe', '');
    case 'socketpair':
    case 'socket':
      return one('socket', String(returned));
    case 'capset':
    case 'prctl':
    case 'setresuid':
    case 'setresgid':
    case 'setgroups':
    case 'setsid':
    case 'umask':
    case 'prlimit64':
    case 'seccomp':
      return one('process', itself, 'changed');
    case 'execve':
    case 'execveat':
      return one('process', text(args[call.name === 'execve' ? 0 : 1]) || itself, 'changed');
    case 'sendto':
      return netlinkObjects(args[1]);
    default:
      return [];
  }
}

const isCgroup = (path: Arg | undefined): boolean => typeof path === 'string' && path.startsWith(cgroupRoot);

/** The namespaces that CLONE_NEW… flags name, as unshare(2) and setns(2) are given them. */
function namespacesIn(flags: Arg | undefined): string[] {
  const bits: Readonly<Record<string, number>> = cloneFlags;
  return Object.entries(namespaceOf).flatMap(([flag, name]) => (Number(flags) & bits[flag]! ? name : []));
}

function flagNames(args: Arg | undefined): string[] {
  return args instanceof Struct ? (/flags=([A-Z_|]+)/.exec(args.text)?.[1]?.split('|') ?? []) : [];
}

/** `dir/name`, the directory as it was opened. */
function pathOf(args: readonly Arg[], valueOf: ValueOf): string {
  const [directory, name] = args;
  const base = directory === -100 ? '' : `${describe(directory, valueOf)}/`;
  return `${base}${text(name)}`;
}

function text(arg: Arg | undefined): string {
  return typeof arg === 'string' || typeof arg === 'number' || typeof arg === 'bigint' ? String(arg) : '';
}

/** What a descriptor stands for, as far as the calls tell: the path it was opened by, else its number. */
function describe(arg: Arg | undefined, valueOf: ValueOf): string {
  if (!(arg instanceof Result)) return text(arg);
  const opened = arg.of.args[1];
  if (/^open(at|at2|_tree)$/.test(arg.of.name) && typeof opened === 'string') return opened;
  return String(valueOf(arg.of) ?? arg.of.label ?? '');
}

function writtenFile(arg: Arg | undefined): string[] {
  const path = arg instanceof Result && /^openat2?$/.test(arg.of.name) ? arg.of.args[1] : undefined;
  return typeof path === 'string' ? [path] : [];
}

function netlinkObjects(messages: Arg | undefined): KernelObject[] {
  if (!(messages instanceof Struct)) return [];
  return messages.text.split(/(?<=\}), (?=\{)/).flatMap((text) => {
    const found = netlinkObject.find(([message]) => message.test(text));
    const name = /(?:ifname|name|table)="?([^",}]+)/.exec(text)?.[1] ?? /(?:local|default, gateway)=([^,}]+)/.exec(text)?.[1] ?? '';
    return found ? [{ kind: found[1], name, change: found[2] }] : [];
  });
}
