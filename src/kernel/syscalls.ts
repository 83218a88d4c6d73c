/**
 * The syscall table: every system call that the project uses, with its number on both architectures, the format of
 * its arguments and its man page. It encodes calls, prints them, and links them to their documentation.
 * Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
 */
import type { Format } from './flags.ts';

/** The architectures that the launcher has machine code for. */
export type Architecture = 'x64' | 'arm64';

/** What the table says of one call. */
export interface Syscall {
  readonly x64: number;
  readonly arm64: number;
  readonly args: readonly Format[];
  /** The manual page, such as `mount(2)`. */
  readonly man: string;
}

const s = (x64: number, arm64: number, man: string, ...args: Format[]): Syscall => ({ x64, arm64, args, man: man.includes('(') ? man : `${man}(2)` });

export const syscalls = {
  read: s(0, 63, 'read', 'fd', 'out', 'size'),
  write: s(1, 64, 'write', 'fd', 'in', 'size'),
  close: s(3, 57, 'close', 'fd'),
  lseek: s(8, 62, 'lseek', 'fd', 'int', 'int'),
  mmap: s(9, 222, 'mmap', 'pointer', 'size', 'prot', 'mmap', 'fd', 'int'),
  mprotect: s(10, 226, 'mprotect', 'pointer', 'size', 'prot'),
  munmap: s(11, 215, 'munmap', 'pointer', 'size'),
  rt_sigaction: s(13, 134, 'sigaction', 'signal', 'in', 'out', 'size'),
  rt_sigprocmask: s(14, 135, 'sigprocmask', 'int', 'in', 'out', 'size'),
  ioctl: s(16, 29, 'ioctl', 'fd', 'ioctl', 'in'),
  pread64: s(17, 67, 'pread', 'fd', 'out', 'size', 'int'),
  pwrite64: s(18, 68, 'pwrite', 'fd', 'in', 'size', 'int'),
  dup: s(32, 23, 'dup', 'fd'),
  getpid: s(39, 172, 'getpid'),
  socket: s(41, 198, 'socket', 'family', 'socktype', 'int'),
  connect: s(42, 203, 'connect', 'fd', 'in', 'size'),
  sendto: s(44, 206, 'sendto', 'fd', 'in', 'size', 'int', 'in', 'size'),
  recvfrom: s(45, 207, 'recvfrom', 'fd', 'out', 'size', 'int', 'out', 'pointer'),
  sendmsg: s(46, 211, 'sendmsg', 'fd', 'in', 'int'),
  recvmsg: s(47, 212, 'recvmsg', 'fd', 'out', 'int'),
  bind: s(49, 200, 'bind', 'fd', 'in', 'size'),
  listen: s(50, 201, 'listen', 'fd', 'int'),
  socketpair: s(53, 199, 'socketpair', 'family', 'socktype', 'int', 'out'),
  setsockopt: s(54, 208, 'setsockopt', 'fd', 'int', 'int', 'in', 'size'),
  getsockopt: s(55, 209, 'getsockopt', 'fd', 'int', 'int', 'out', 'pointer'),
  execve: s(59, 221, 'execve', 'path', 'argv', 'argv'),
  wait4: s(61, 260, 'wait4', 'pid', 'out', 'wait', 'out'),
  kill: s(62, 129, 'kill', 'pid', 'signal'),
  fcntl: s(72, 25, 'fcntl', 'fd', 'fcntl', 'int'),
  flock: s(73, 32, 'flock', 'fd', 'flock'),
  ftruncate: s(77, 46, 'ftruncate', 'fd', 'size'),
  chdir: s(80, 49, 'chdir', 'path'),
  fchdir: s(81, 50, 'fchdir', 'fd'),
  fchmod: s(91, 52, 'chmod', 'fd', 'octal'),
  fchown: s(93, 55, 'chown', 'fd', 'id', 'id'),
  umask: s(95, 166, 'umask', 'octal'),
  setgroups: s(116, 159, 'setgroups', 'size', 'in'),
  setresuid: s(117, 147, 'setresuid', 'id', 'id', 'id'),
  setresgid: s(119, 149, 'setresgid', 'id', 'id', 'id'),
  setsid: s(112, 157, 'setsid'),
  capget: s(125, 90, 'capget', 'in', 'out'),
  capset: s(126, 91, 'capset', 'in', 'in'),
  rt_sigtimedwait: s(128, 137, 'sigtimedwait', 'in', 'out', 'in', 'size'),
  statfs: s(137, 43, 'statfs', 'path', 'out'),
  fstatfs: s(138, 44, 'statfs', 'fd', 'out'),
  sched_setscheduler: s(144, 119, 'sched_setscheduler', 'pid', 'int', 'in'),
  pivot_root: s(155, 41, 'pivot_root', 'path', 'path'),
  prctl: s(157, 167, 'prctl', 'prctl', 'int', 'int', 'int', 'int'),
  chroot: s(161, 51, 'chroot', 'path'),
  mount: s(165, 40, 'mount', 'string', 'path', 'string', 'mount', 'string'),
  umount2: s(166, 39, 'umount', 'path', 'umount'),
  sethostname: s(170, 161, 'sethostname', 'string', 'size'),
  setdomainname: s(171, 162, 'setdomainname', 'string', 'size'),
  setxattr: s(188, 5, 'setxattr', 'path', 'string', 'in', 'size', 'int'),
  lsetxattr: s(189, 6, 'setxattr', 'path', 'string', 'in', 'size', 'int'),
  fsetxattr: s(190, 7, 'setxattr', 'fd', 'string', 'in', 'size', 'int'),
  getxattr: s(191, 8, 'getxattr', 'path', 'string', 'out', 'size'),
  lgetxattr: s(192, 9, 'getxattr', 'path', 'string', 'out', 'size'),
  fgetxattr: s(193, 10, 'getxattr', 'fd', 'string', 'out', 'size'),
  listxattr: s(194, 11, 'listxattr', 'path', 'out', 'size'),
  llistxattr: s(195, 12, 'listxattr', 'path', 'out', 'size'),
  flistxattr: s(196, 13, 'listxattr', 'fd', 'out', 'size'),
  lremovexattr: s(198, 15, 'removexattr', 'path', 'string'),
  fremovexattr: s(199, 16, 'removexattr', 'fd', 'string'),
  getdents64: s(217, 61, 'getdents', 'fd', 'out', 'size'),
  exit_group: s(231, 94, 'exit_group', 'int'),
  waitid: s(247, 95, 'waitid', 'waittype', 'pid', 'out', 'wait', 'pointer'),
  ioprio_set: s(251, 30, 'ioprio_set', 'int', 'pid', 'int'),
  inotify_add_watch: s(254, 27, 'inotify_add_watch', 'fd', 'path', 'hex'),
  openat: s(257, 56, 'openat', 'dirfd', 'path', 'open', 'octal'),
  mkdirat: s(258, 34, 'mkdir', 'dirfd', 'path', 'octal'),
  mknodat: s(259, 33, 'mknod', 'dirfd', 'path', 'octal', 'device'),
  fchownat: s(260, 54, 'chown', 'dirfd', 'path', 'id', 'id', 'at'),
  newfstatat: s(262, 79, 'stat', 'dirfd', 'path', 'out', 'at'),
  unlinkat: s(263, 35, 'unlink', 'dirfd', 'path', 'at'),
  renameat2: s(316, 276, 'rename', 'dirfd', 'path', 'dirfd', 'path', 'rename'),
  linkat: s(265, 37, 'link', 'dirfd', 'path', 'dirfd', 'path', 'at'),
  symlinkat: s(266, 36, 'symlink', 'path', 'dirfd', 'path'),
  readlinkat: s(267, 78, 'readlink', 'dirfd', 'path', 'out', 'size'),
  fchmodat: s(268, 53, 'chmod', 'dirfd', 'path', 'octal'),
  unshare: s(272, 97, 'unshare', 'clone'),
  utimensat: s(280, 88, 'utimensat', 'dirfd', 'path', 'in', 'at'),
  epoll_create1: s(291, 20, 'epoll_create', 'int'),
  dup3: s(292, 24, 'dup', 'fd', 'fd', 'open'),
  pipe2: s(293, 59, 'pipe', 'out', 'open'),
  prlimit64: s(302, 261, 'prlimit', 'pid', 'rlimit', 'in', 'out'),
  syncfs: s(306, 267, 'sync', 'fd'),
  setns: s(308, 268, 'setns', 'fd', 'clone'),
  seccomp: s(317, 277, 'seccomp', 'seccompop', 'seccomp', 'in'),
  getrandom: s(318, 278, 'getrandom', 'out', 'size', 'int'),
  memfd_create: s(319, 279, 'memfd_create', 'string', 'memfd'),
  bpf: s(321, 280, 'bpf', 'bpf', 'in', 'size'),
  execveat: s(322, 281, 'execveat', 'dirfd', 'path', 'argv', 'argv', 'at'),
  copy_file_range: s(326, 285, 'copy_file_range', 'fd', 'pointer', 'fd', 'pointer', 'size', 'int'),
  statx: s(332, 291, 'statx', 'dirfd', 'path', 'at', 'hex', 'out'),
  pidfd_send_signal: s(424, 424, 'pidfd_send_signal', 'fd', 'signal', 'pointer', 'int'),
  open_tree: s(428, 428, 'open_tree', 'dirfd', 'path', 'opentree'),
  move_mount: s(429, 429, 'move_mount', 'dirfd', 'path', 'dirfd', 'path', 'movemount'),
  fsopen: s(430, 430, 'fsopen', 'string', 'fsopen'),
  fsconfig: s(431, 431, 'fsconfig', 'fd', 'fsconfig', 'string', 'string', 'int'),
  fsmount: s(432, 432, 'fsmount', 'fd', 'fsmount', 'mountattr'),
  pidfd_open: s(434, 434, 'pidfd_open', 'pid', 'hex'),
  clone3: s(435, 435, 'clone', 'in', 'size'),
  close_range: s(436, 436, 'close_range', 'fd', 'fd', 'closerange'),
  openat2: s(437, 437, 'openat2', 'dirfd', 'path', 'in', 'size'),
  pidfd_getfd: s(438, 438, 'pidfd_getfd', 'fd', 'fd', 'int'),
  mount_setattr: s(442, 442, 'mount_setattr', 'dirfd', 'path', 'at', 'in', 'size'),
  fchmodat2: s(452, 452, 'chmod', 'dirfd', 'path', 'octal', 'at'),
} as const satisfies Record<string, Syscall>;

/** A system call that the project uses. */
export type SyscallName = keyof typeof syscalls;

/** The architecture of this machine. Anything but x64 and arm64 is refused when the engine starts. */
export const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
