/**
 * With which errors each system call may plausibly fail on a machine that is short of something, or whose owner forbids it: the
 * ERRORS sections of the man pages, without what only a wrong program meets (EBADF, EFAULT, EINVAL of constants) and without
 * EINTR, which the table's interpreter and Node take up by themselves. Read by the tests of failing calls.
 */
import { constants } from 'node:os';
import type { SyscallName } from '../../src/kernel/syscalls.ts';

/** Of errno(3), those that Node has no constant for. */
const others = { EUSERS: 87, ENOTBLK: 15 } as const;
type ErrnoName = keyof typeof constants.errno | keyof typeof others;

/** Empty: it does not fail, or what it answers changes nothing (close(2) has closed, whatever it says). */
const plausible: Partial<Record<SyscallName, readonly ErrnoName[]>> = {
  bpf: ['E2BIG', 'EACCES', 'ENOMEM', 'EPERM', 'EINVAL', 'EBUSY'],
  bind: ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'],
  capset: ['EPERM'],
  chdir: ['EACCES', 'ENOENT', 'EIO'],
  clone3: ['EAGAIN', 'ENOMEM', 'ENOSPC', 'EPERM', 'EUSERS', 'EBUSY'],
  close: [],
  close_range: ['EMFILE', 'ENOMEM'],
  connect: ['EACCES', 'EAGAIN', 'ECONNREFUSED'],
  dup: ['EMFILE'],
  dup3: ['EBUSY', 'EMFILE'],
  execve: ['EACCES', 'EAGAIN', 'EIO', 'ELOOP', 'EMFILE', 'ENFILE', 'ENOENT', 'ENOEXEC', 'ENOMEM', 'ENOTDIR', 'EPERM', 'ETXTBSY', 'E2BIG', 'EISDIR'],
  execveat: ['EACCES', 'EAGAIN', 'EIO', 'EMFILE', 'ENFILE', 'ENOEXEC', 'ENOMEM', 'EPERM'],
  exit_group: [],
  faccessat2: ['EACCES', 'EIO', 'ELOOP', 'ENOENT', 'ENOMEM', 'EPERM'],
  fchdir: ['EACCES', 'EIO'],
  fchmod: ['EIO', 'EPERM', 'EROFS'],
  fchmodat: ['EACCES', 'EIO', 'EPERM', 'EROFS'],
  fchown: ['EDQUOT', 'EIO', 'EPERM', 'EROFS'],
  fchownat: ['EACCES', 'EDQUOT', 'EIO', 'EPERM', 'EROFS'],
  fcntl: ['EMFILE', 'EPERM', 'ENOMEM'],
  fsconfig: ['EACCES', 'EBUSY', 'EINVAL', 'ELOOP', 'ENODEV', 'ENOENT', 'ENOMEM', 'ENOTDIR', 'EOPNOTSUPP', 'EPERM', 'EROFS', 'EUSERS'],
  fsmount: ['EBUSY', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EPERM'],
  fsopen: ['EMFILE', 'ENFILE', 'ENODEV', 'ENOMEM', 'EPERM'],
  getpid: [],
  inotify_add_watch: ['EACCES', 'ENOENT', 'ENOMEM', 'ENOSPC', 'ETIMEDOUT'],
  ioctl: ['EIO', 'EPERM', 'EACCES', 'EMFILE', 'ENOTTY'],
  mkdirat: ['EACCES', 'EDQUOT', 'EEXIST', 'EMLINK', 'ENOENT', 'ENOMEM', 'ENOSPC', 'EROFS', 'EAGAIN'],
  mknodat: ['EACCES', 'EDQUOT', 'EEXIST', 'ENOENT', 'ENOMEM', 'ENOSPC', 'EPERM', 'EROFS'],
  keyctl: ['EDQUOT', 'ENOMEM'],
  memfd_create: ['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES'],
  mount: ['EACCES', 'EBUSY', 'ENOMEM', 'ENOSPC', 'EPERM'],
  mount_setattr: ['EBUSY', 'EINVAL', 'ENOMEM', 'EPERM', 'EROFS'],
  move_mount: ['EBUSY', 'EINVAL', 'ELOOP', 'ENOMEM', 'ENOSPC', 'EPERM'],
  munmap: ['ENOMEM'],
  open_tree: ['EACCES', 'EMFILE', 'ENFILE', 'ENOENT', 'ENOMEM', 'ENOSPC', 'EPERM'],
  openat: ['EACCES', 'EBUSY', 'ELOOP', 'EMFILE', 'ENFILE', 'ENODEV', 'ENOENT', 'ENOMEM', 'ENXIO', 'EPERM', 'EROFS', 'EIO'],
  openat2: ['EACCES', 'EAGAIN', 'ELOOP', 'EMFILE', 'ENFILE', 'ENOENT', 'ENOMEM', 'ENOTDIR', 'EPERM', 'EXDEV'],
  pidfd_getfd: ['EMFILE', 'ENFILE', 'EPERM', 'ESRCH'],
  pidfd_open: ['EMFILE', 'ENFILE', 'ENOMEM', 'ESRCH'],
  pidfd_send_signal: ['EPERM', 'ESRCH', 'EAGAIN'],
  pipe2: ['EMFILE', 'ENFILE', 'ENOMEM'],
  pivot_root: ['EBUSY', 'EINVAL', 'EPERM'],
  prctl: ['EACCES', 'EINVAL', 'EPERM', 'ENOMEM'],
  prlimit64: ['EPERM', 'EINVAL'],
  pwrite64: ['ENOMEM', 'EPERM'],
  read: ['EIO', 'ENOMEM', 'ECONNRESET'],
  recvmsg: ['ENOMEM', 'ENOBUFS'],
  rt_sigaction: [],
  rt_sigprocmask: [],
  seccomp: ['EACCES', 'EINVAL', 'ENOMEM', 'EBUSY'],
  sendmsg: ['EAGAIN', 'ENOBUFS', 'ENOMEM', 'EPERM'],
  // A netlink request: the answer of the kernel's that handles it.
  sendto: ['EPERM', 'ENOMEM', 'ENOBUFS', 'EBUSY', 'EEXIST', 'ENODEV', 'ENOENT', 'EOPNOTSUPP', 'EINVAL', 'ENOSPC', 'ERANGE'],
  setfsgid: [],
  setfsuid: [],
  setgroups: ['ENOMEM', 'EPERM'],
  sethostname: ['EPERM'],
  setdomainname: ['EPERM'],
  setns: ['EINVAL', 'ENOMEM', 'EPERM', 'ESRCH'],
  setresgid: ['EAGAIN', 'EPERM', 'EINVAL'],
  setresuid: ['EAGAIN', 'EPERM', 'EINVAL'],
  setsid: ['EPERM'],
  socket: ['EACCES', 'EAFNOSUPPORT', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'],
  symlinkat: ['EACCES', 'EDQUOT', 'EEXIST', 'ENOENT', 'ENOMEM', 'ENOSPC', 'EPERM', 'EROFS'],
  umask: [],
  umount2: ['EBUSY', 'EINVAL', 'ENOMEM', 'EPERM'],
  unlinkat: ['EACCES', 'EBUSY', 'EIO', 'ENOENT', 'ENOMEM', 'ENOTEMPTY', 'EPERM', 'EROFS'],
  unshare: ['ENOMEM', 'ENOSPC', 'EPERM', 'EUSERS'],
  wait4: [],
  waitid: [],
  // Control files of cgroups and of /proc speak through it.
  write: ['EACCES', 'EAGAIN', 'EBUSY', 'EINVAL', 'EIO', 'ENODEV', 'ENOMEM', 'ENOSPC', 'EPERM', 'ERANGE', 'EOPNOTSUPP', 'ESRCH'],
};

/**
 * Positive error numbers, in a fixed order; none for a call that does not fail.
 * @throws Error for a call that is not in the table: whoever uses a new one says how it may fail
 */
export function plausibleErrnos(name: SyscallName): readonly number[] {
  const names = plausible[name];
  if (!names) throw new Error(`test/support/errnos.ts does not say how ${name} may fail`);
  const numbers: Readonly<Record<string, number>> = { ...constants.errno, ...others };
  return names.map((errnoName) => numbers[errnoName]!);
}
