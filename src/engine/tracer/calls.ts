/**
 * System calls as a traced program makes them: their names on this machine, how their arguments print, and what those that name a
 * file want of it. The project's own table (kernel/syscalls.ts) has the calls that we make; here are the others that programs make.
 */
import { Struct, Unknown, type Arg } from '../../kernel/call.ts';
import { describeArg } from '../../kernel/describe.ts';
import { openFlags, type Format } from '../../kernel/flags.ts';
import { findSyscall } from '../../kernel/syscalls.ts';
import { syscallNumbers } from '../../runtime/seccomp/syscall-numbers.ts';
import { native } from '../seccomp/native.ts';
import { addressText } from './socket-address.ts';
import type { TracedThread } from './thread.ts';

const names: ReadonlyMap<number, string> = new Map([...syscallNumbers(native.name)].map(([name, number]) => [number, name]));

/** A call's name; `call 999` for a number that has none here. */
export const callName = (number: number): string => names.get(number) ?? `call ${number}`;

type TracedFormat = Format | 'sockaddr';

/** Formats of the arguments, as in kernel/syscalls.ts; `sockaddr` has its length behind it. */
const formats: Readonly<Record<string, string>> = {
  open: 'path open octal',
  creat: 'path octal',
  mkdir: 'path octal',
  rmdir: 'path',
  unlink: 'path',
  rename: 'path path',
  renameat: 'dirfd path dirfd path',
  link: 'path path',
  symlink: 'string path',
  chmod: 'path octal',
  chown: 'path id id',
  lchown: 'path id id',
  access: 'path int',
  faccessat: 'dirfd path int',
  faccessat2: 'dirfd path int at',
  stat: 'path out',
  lstat: 'path out',
  truncate: 'path size',
  utime: 'path pointer',
  utimes: 'path pointer',
  mknod: 'path octal device',
  readlink: 'path out size',
  swapon: 'path int',
  swapoff: 'path',
  acct: 'path',
  connect: 'fd sockaddr size',
  bind: 'fd sockaddr size',
  sendto: 'fd in size int sockaddr size',
  write: 'fd in size',
  ioctl: 'fd hex hex',
  kill: 'pid signal',
  tkill: 'pid signal',
  tgkill: 'pid pid signal',
  setuid: 'id',
  setgid: 'id',
  setreuid: 'id id',
  setregid: 'id id',
  setfsuid: 'id',
  setfsgid: 'id',
  setpriority: 'int pid int',
  sched_setaffinity: 'pid size pointer',
  setrlimit: 'rlimit pointer',
  fork: '',
  vfork: '',
  clone: 'clone pointer pointer pointer pointer',
  ptrace: 'int pid pointer pointer',
  reboot: 'hex hex hex pointer',
  settimeofday: 'pointer pointer',
  clock_settime: 'int pointer',
  adjtimex: 'pointer',
  sethostname: 'in size',
  setdomainname: 'in size',
  unshare: 'clone',
  mlock: 'pointer size',
  mlockall: 'int',
  mmap: 'pointer size prot mmap fd int',
  brk: 'pointer',
  dup: 'fd',
  dup2: 'fd fd',
  pipe: 'out',
  epoll_create: 'int',
  eventfd2: 'int int',
  fallocate: 'fd int int size',
  init_module: 'pointer size string',
  finit_module: 'fd string int',
  delete_module: 'string int',
  syslog: 'int pointer size',
  iopl: 'int',
  perf_event_open: 'pointer pid int fd hex',
  getxattr: 'path string out size',
  removexattr: 'path string',
  personality: 'hex',
  memfd_create: 'string memfd',
  add_key: 'string string pointer size int',
  keyctl: 'int hex hex hex hex',
};

function formatsOf(name: string): readonly TracedFormat[] | undefined {
  const own = formats[name];
  if (own !== undefined) return own.split(' ').filter(Boolean) as TracedFormat[];
  return findSyscall(name)?.args;
}

/** The manual page of a call. */
export const manOf = (name: string): string => findSyscall(name)?.man ?? `${name}(2)`;

/** The call as strace would print it; what its arguments point to is read from the thread's memory. */
export function callText(thread: TracedThread, name: string, args: readonly bigint[]): string {
  const known = formatsOf(name);
  if (!known)
    return `${name}(${args
      .slice(0, 3)
      .map((arg) => `0x${arg.toString(16)}`)
      .join(', ')}, …)`;
  return `${name}(${known.map((format, i) => argumentText(thread, args, i, name.startsWith('execve') && known[i - 1] === 'argv' ? 'pointer' : format)).join(', ')})`;
}

const longestShown = 64;

function argumentText(thread: TracedThread, args: readonly bigint[], index: number, format: TracedFormat): string {
  const value = args[index] ?? 0n;
  const size = Number(args[index + 1] ?? 0n);
  const plain = (arg: Arg, as: Format): string => describeArg(arg, as);
  switch (format) {
    case 'path':
    case 'string':
      return plain(thread.string(value) ?? (value === 0n ? null : new Unknown(`0x${value.toString(16)}`)), format);
    case 'sockaddr':
      return plain(new Struct(addressText(thread.bytes(value, Math.min(size, 128))), new Uint8Array(0)), 'in');
    case 'argv':
      return plain(stringsAt(thread, value), format);
    case 'in':
      return value === 0n ? 'NULL' : plain(thread.bytes(value, Math.min(size, longestShown)), format);
    case 'out':
    case 'pointer':
      return value === 0n ? 'NULL' : `0x${value.toString(16)}`;
    case 'fd':
    case 'dirfd':
    case 'pid':
    case 'id':
    case 'int':
      return plain(BigInt.asIntN(32, value), format);
    case 'hex':
    case 'octal':
    case 'size':
      return plain(value, format);
    case 'open':
      // Reading alone is no bit.
      return (value & 3n) === 0n
        ? ['O_RDONLY', ...(value === 0n ? [] : [plain(BigInt.asUintN(32, value), format)])].join('|')
        : plain(BigInt.asUintN(32, value), format);
    default:
      return plain(BigInt.asUintN(format === 'clone' ? 64 : 32, value), format);
  }
}

const longestList = 8;

function stringsAt(thread: TracedThread, address: bigint): string[] {
  const strings: string[] = [];
  for (let at = address; at !== 0n; at += 8n) {
    const pointer = thread.bytes(at, 8);
    const value = pointer.length === 8 ? pointer.readBigUInt64LE(0) : 0n;
    if (value === 0n) break;
    if (strings.length === longestList) return [...strings, '…'];
    strings.push(thread.string(value) ?? '?');
  }
  return strings;
}

/** Permission bits as access(2) has them. */
export const R = 4;
export const W = 2;
export const X = 1;

/** What a call wants of a file. */
export interface FileUse {
  /** The path, and the descriptor that it begins at; or, without a path, the file itself. */
  readonly path: string | undefined;
  readonly at: 'cwd' | `fd/${number}`;
  readonly follow: boolean;
  /** Bits that it needs on the file itself; 0 for none. */
  readonly needs: number;
  /** It makes or removes the name, so it needs to write to and search the directory. */
  readonly changesName: boolean;
  /** The file is made if it is not there. */
  readonly makes: boolean;
  /** It changes what only the owner may: mode, times; or the owner itself. */
  readonly owner: 'mode' | 'times' | 'chown' | undefined;
  /** It changes the file system, so that must not be read-only. */
  readonly writes: boolean;
  /** It is opened, so what decides about devices is asked. */
  readonly opens: boolean;
  readonly executes: boolean;
}

type Row = Partial<Omit<FileUse, 'path' | 'at'>> & { readonly dirfd?: number; readonly path?: number; readonly fd?: number };

/** Calls that name a file by a path (and a directory's descriptor), or by a descriptor. Of two paths, each has a row. */
const fileCalls: Readonly<Record<string, readonly Row[]>> = {
  open: [{ path: 0 }],
  openat: [{ dirfd: 0, path: 1 }],
  openat2: [{ dirfd: 0, path: 1 }],
  creat: [{ path: 0, needs: W, makes: true, writes: true, opens: true }],
  execve: [{ path: 0, needs: X, executes: true }],
  execveat: [{ dirfd: 0, path: 1, needs: X, executes: true }],
  mkdir: [{ path: 0, changesName: true, makes: true, writes: true }],
  mkdirat: [{ dirfd: 0, path: 1, changesName: true, makes: true, writes: true }],
  mknod: [{ path: 0, changesName: true, makes: true, writes: true }],
  mknodat: [{ dirfd: 0, path: 1, changesName: true, makes: true, writes: true }],
  rmdir: [{ path: 0, changesName: true, writes: true, follow: false }],
  unlink: [{ path: 0, changesName: true, writes: true, follow: false }],
  unlinkat: [{ dirfd: 0, path: 1, changesName: true, writes: true, follow: false }],
  rename: [
    { path: 0, changesName: true, writes: true, follow: false },
    { path: 1, changesName: true, makes: true, writes: true, follow: false },
  ],
  renameat: [
    { dirfd: 0, path: 1, changesName: true, writes: true, follow: false },
    { dirfd: 2, path: 3, changesName: true, makes: true, writes: true, follow: false },
  ],
  renameat2: [
    { dirfd: 0, path: 1, changesName: true, writes: true, follow: false },
    { dirfd: 2, path: 3, changesName: true, makes: true, writes: true, follow: false },
  ],
  link: [
    { path: 0, follow: false },
    { path: 1, changesName: true, makes: true, writes: true, follow: false },
  ],
  linkat: [
    { dirfd: 0, path: 1, follow: false },
    { dirfd: 2, path: 3, changesName: true, makes: true, writes: true, follow: false },
  ],
  symlink: [{ path: 1, changesName: true, makes: true, writes: true, follow: false }],
  symlinkat: [{ dirfd: 1, path: 2, changesName: true, makes: true, writes: true, follow: false }],
  chmod: [{ path: 0, owner: 'mode', writes: true }],
  fchmodat: [{ dirfd: 0, path: 1, owner: 'mode', writes: true }],
  fchmodat2: [{ dirfd: 0, path: 1, owner: 'mode', writes: true }],
  fchmod: [{ fd: 0, owner: 'mode', writes: true }],
  chown: [{ path: 0, owner: 'chown', writes: true }],
  lchown: [{ path: 0, owner: 'chown', writes: true, follow: false }],
  fchownat: [{ dirfd: 0, path: 1, owner: 'chown', writes: true }],
  fchown: [{ fd: 0, owner: 'chown', writes: true }],
  utime: [{ path: 0, owner: 'times', writes: true }],
  utimes: [{ path: 0, owner: 'times', writes: true }],
  utimensat: [{ dirfd: 0, path: 1, owner: 'times', writes: true }],
  truncate: [{ path: 0, needs: W, writes: true }],
  ftruncate: [{ fd: 0, writes: true }],
  setxattr: [{ path: 0, needs: W, writes: true }],
  lsetxattr: [{ path: 0, needs: W, writes: true, follow: false }],
  removexattr: [{ path: 0, needs: W, writes: true }],
  access: [{ path: 0 }],
  faccessat: [{ dirfd: 0, path: 1 }],
  faccessat2: [{ dirfd: 0, path: 1 }],
  stat: [{ path: 0 }],
  lstat: [{ path: 0, follow: false }],
  newfstatat: [{ dirfd: 0, path: 1 }],
  statx: [{ dirfd: 0, path: 1 }],
  statfs: [{ path: 0 }],
  readlink: [{ path: 0, follow: false }],
  readlinkat: [{ dirfd: 0, path: 1, follow: false }],
  chdir: [{ path: 0, needs: X }],
  fchdir: [{ fd: 0, needs: X }],
  chroot: [{ path: 0, needs: X }],
  mount: [{ path: 1 }],
  umount2: [{ path: 0 }],
  swapon: [{ path: 0 }],
  acct: [{ path: 0, needs: W }],
  inotify_add_watch: [{ path: 1, needs: R }],
  write: [{ fd: 0, writes: true }],
  pwrite64: [{ fd: 0, writes: true }],
  writev: [{ fd: 0, writes: true }],
  fallocate: [{ fd: 0, writes: true }],
};

/** What the call wants of which files; empty for one that names none. */
export function fileUses(thread: TracedThread, name: string, args: readonly bigint[]): FileUse[] {
  return (fileCalls[name] ?? []).map((row) => {
    const descriptor = row.fd ?? row.dirfd;
    const number = descriptor === undefined ? -100 : Number(BigInt.asIntN(32, args[descriptor] ?? 0n));
    const base: FileUse = {
      path: row.path === undefined ? undefined : thread.string(args[row.path] ?? 0n),
      at: number < 0 ? 'cwd' : `fd/${number}`,
      follow: row.follow ?? true,
      needs: row.needs ?? 0,
      changesName: row.changesName ?? false,
      makes: row.makes ?? false,
      owner: row.owner,
      writes: row.writes ?? false,
      opens: row.opens ?? false,
      executes: row.executes ?? false,
    };
    return { ...base, ...adjusted(thread, name, args) };
  });
}

/** What depends on flags and modes among the arguments. */
function adjusted(thread: TracedThread, name: string, args: readonly bigint[]): Partial<FileUse> {
  const AT_SYMLINK_NOFOLLOW = 0x100n;
  if (name === 'open') return openUse(Number(args[1]));
  if (name === 'openat') return openUse(Number(args[2]));
  if (name === 'openat2') return openUse(Buffer.concat([thread.bytes(args[2] ?? 0n, 8), Buffer.alloc(4)]).readUInt32LE(0));
  if (name === 'access') return { needs: Number(args[1]) & 7 };
  if (name === 'faccessat' || name === 'faccessat2') return { needs: Number(args[2]) & 7 };
  const flagsAt = { fchownat: 4, newfstatat: 3, statx: 2, utimensat: 3, fchmodat2: 3 }[name];
  return flagsAt !== undefined && ((args[flagsAt] ?? 0n) & AT_SYMLINK_NOFOLLOW) !== 0n ? { follow: false } : {};
}

function openUse(flags: number): Partial<FileUse> {
  const has = (bit: number): boolean => (flags & bit) === bit;
  if (has(openFlags.O_PATH)) return { follow: !has(openFlags.O_NOFOLLOW) };
  const mode = flags & 3;
  const needs = [R, W, R | W, R | W][mode]! | (has(openFlags.O_TRUNC) ? W : 0);
  const makes = has(openFlags.O_CREAT);
  return { needs, makes, writes: (needs & W) !== 0, opens: true, follow: !has(openFlags.O_NOFOLLOW) && !(makes && has(openFlags.O_EXCL)) };
}
