/**
 * Flag and command constants, named as in the kernel's headers (include/uapi/linux), grouped by the argument that
 * takes them. One list serves the code that sets a flag and the text that shows it.
 */

import { capabilityNames } from './capability.ts';

export const cloneFlags = {
  CLONE_VM: 0x100, CLONE_FS: 0x200, CLONE_FILES: 0x400, CLONE_SIGHAND: 0x800, CLONE_PIDFD: 0x1000, CLONE_VFORK: 0x4000,
  CLONE_PARENT: 0x8000, CLONE_NEWNS: 0x20000, CLONE_NEWTIME: 0x80, CLONE_NEWCGROUP: 0x2000000, CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000, CLONE_NEWUSER: 0x10000000, CLONE_NEWPID: 0x20000000, CLONE_NEWNET: 0x40000000,
  CLONE_CLEAR_SIGHAND: 0x100000000, CLONE_INTO_CGROUP: 0x200000000,
} as const;

/** mount(2), flags. */
export const mountFlags = {
  MS_RDONLY: 1, MS_NOSUID: 2, MS_NODEV: 4, MS_NOEXEC: 8, MS_SYNCHRONOUS: 16, MS_REMOUNT: 32, MS_NOSYMFOLLOW: 256,
  MS_NOATIME: 1024, MS_NODIRATIME: 2048, MS_BIND: 4096, MS_MOVE: 8192, MS_REC: 16384, MS_SILENT: 32768,
  MS_UNBINDABLE: 1 << 17, MS_PRIVATE: 1 << 18, MS_SLAVE: 1 << 19, MS_SHARED: 1 << 20, MS_RELATIME: 1 << 21, MS_STRICTATIME: 1 << 24,
} as const;

/** fsmount(2) and mount_setattr(2), attributes. */
export const mountAttrs = {
  MOUNT_ATTR_RDONLY: 1, MOUNT_ATTR_NOSUID: 2, MOUNT_ATTR_NODEV: 4, MOUNT_ATTR_NOEXEC: 8, MOUNT_ATTR_NOATIME: 0x10,
  MOUNT_ATTR_STRICTATIME: 0x20, MOUNT_ATTR_NODIRATIME: 0x80, MOUNT_ATTR_IDMAP: 0x100000, MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
} as const;

/** umount2(2), flags. */
export const umountFlags = { MNT_FORCE: 1, MNT_DETACH: 2, MNT_EXPIRE: 4, UMOUNT_NOFOLLOW: 8 } as const;

/** open(2), flags (asm-generic; the four that differ on arm64 are set by architecture in `openFlags`). */
const arm = process.arch === 'arm64';
export const openFlags = {
  O_WRONLY: 1, O_RDWR: 2, O_CREAT: 0o100, O_EXCL: 0o200, O_NOCTTY: 0o400, O_TRUNC: 0o1000, O_APPEND: 0o2000, O_NONBLOCK: 0o4000,
  O_TMPFILE: (arm ? 0o40000 : 0o200000) | 0o20000000, O_DIRECTORY: arm ? 0o40000 : 0o200000, O_NOFOLLOW: arm ? 0o100000 : 0o400000, O_CLOEXEC: 0o2000000, O_PATH: 0o10000000,
} as const;

/** The AT_ flags that several calls share. */
export const atFlags = {
  AT_SYMLINK_NOFOLLOW: 0x100, AT_REMOVEDIR: 0x200, AT_SYMLINK_FOLLOW: 0x400, AT_EMPTY_PATH: 0x1000, AT_RECURSIVE: 0x8000,
} as const;
/** access(2), mode and flags. */
export const accessModes = { F_OK: 0, X_OK: 1, W_OK: 2, R_OK: 4 } as const;
export const accessFlags = { AT_SYMLINK_NOFOLLOW: 0x100, AT_EACCESS: 0x200, AT_EMPTY_PATH: 0x1000 } as const;
/** "Relative to the working directory", where a call takes a directory's descriptor. */
export const AT_FDCWD = -100;

/** openat2(2), open_how.resolve. */
export const resolveFlags = { RESOLVE_NO_XDEV: 1, RESOLVE_NO_MAGICLINKS: 2, RESOLVE_NO_SYMLINKS: 4, RESOLVE_BENEATH: 8, RESOLVE_IN_ROOT: 16 } as const;

export const openTreeFlags = { OPEN_TREE_CLONE: 1, OPEN_TREE_CLOEXEC: 0o2000000, AT_EMPTY_PATH: 0x1000, AT_RECURSIVE: 0x8000, AT_SYMLINK_NOFOLLOW: 0x100 } as const;
export const moveMountFlags = { MOVE_MOUNT_F_SYMLINKS: 1, MOVE_MOUNT_F_EMPTY_PATH: 4, MOVE_MOUNT_T_SYMLINKS: 0x10, MOVE_MOUNT_T_EMPTY_PATH: 0x40 } as const;
export const fsopenFlags = { FSOPEN_CLOEXEC: 1 } as const;
export const fspickFlags = { FSPICK_CLOEXEC: 1, FSPICK_SYMLINK_NOFOLLOW: 2, FSPICK_NO_AUTOMOUNT: 4, FSPICK_EMPTY_PATH: 8 } as const;
export const fsmountFlags = { FSMOUNT_CLOEXEC: 1 } as const;
export const fsconfigCommands = {
  FSCONFIG_SET_FLAG: 0, FSCONFIG_SET_STRING: 1, FSCONFIG_SET_BINARY: 2, FSCONFIG_SET_PATH: 3, FSCONFIG_SET_PATH_EMPTY: 4,
  FSCONFIG_SET_FD: 5, FSCONFIG_CMD_CREATE: 6, FSCONFIG_CMD_RECONFIGURE: 7,
} as const;

/** prctl(2), first argument. */
export const prctlOptions = {
  PR_SET_PDEATHSIG: 1, PR_GET_DUMPABLE: 3, PR_SET_DUMPABLE: 4, PR_SET_KEEPCAPS: 8, PR_SET_NAME: 15, PR_CAPBSET_READ: 23, PR_CAPBSET_DROP: 24,
  PR_GET_SECUREBITS: 27, PR_SET_SECUREBITS: 28, PR_SET_CHILD_SUBREAPER: 36, PR_SET_NO_NEW_PRIVS: 38, PR_GET_NO_NEW_PRIVS: 39, PR_CAP_AMBIENT: 47,
} as const;
export const ambientOptions = { PR_CAP_AMBIENT_IS_SET: 1, PR_CAP_AMBIENT_RAISE: 2, PR_CAP_AMBIENT_LOWER: 3, PR_CAP_AMBIENT_CLEAR_ALL: 4 } as const;

/** seccomp(2), operations and flags. */
export const seccompOperations = { SECCOMP_SET_MODE_STRICT: 0, SECCOMP_SET_MODE_FILTER: 1, SECCOMP_GET_ACTION_AVAIL: 2, SECCOMP_GET_NOTIF_SIZES: 3 } as const;
export const seccompFlags = {
  SECCOMP_FILTER_FLAG_TSYNC: 1, SECCOMP_FILTER_FLAG_LOG: 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4, SECCOMP_FILTER_FLAG_NEW_LISTENER: 8,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH: 16, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
} as const;

export const signals = {
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9, SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12,
  SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGSTKFLT: 16, SIGCHLD: 17, SIGCONT: 18, SIGSTOP: 19, SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGURG: 23,
  SIGXCPU: 24, SIGXFSZ: 25, SIGVTALRM: 26, SIGPROF: 27, SIGWINCH: 28, SIGIO: 29, SIGPWR: 30, SIGSYS: 31,
} as const;

export const fcntlCommands = { F_DUPFD: 0, F_GETFD: 1, F_SETFD: 2, F_GETFL: 3, F_SETFL: 4, F_SETPIPE_SZ: 1031, F_GETPIPE_SZ: 1032, F_ADD_SEALS: 1033, F_DUPFD_CLOEXEC: 1030 } as const;
const closeRangeFlags = { CLOSE_RANGE_UNSHARE: 2, CLOSE_RANGE_CLOEXEC: 4 } as const;
export const waitTypes = { P_ALL: 0, P_PID: 1, P_PGID: 2, P_PIDFD: 3 } as const;
export const waitFlags = { WNOHANG: 1, WUNTRACED: 2, WEXITED: 4, WCONTINUED: 8, WNOWAIT: 0x1000000, __WALL: 0x40000000 } as const;
export const mmapProtections = { PROT_READ: 1, PROT_WRITE: 2, PROT_EXEC: 4 } as const;
export const mmapFlags = { MAP_SHARED: 1, MAP_PRIVATE: 2, MAP_FIXED: 16, MAP_ANONYMOUS: 32, MAP_STACK: 0x20000 } as const;
export const memfdFlags = { MFD_CLOEXEC: 1, MFD_ALLOW_SEALING: 2, MFD_NOEXEC_SEAL: 8, MFD_EXEC: 16 } as const;
export const rlimitResources = {
  RLIMIT_CPU: 0, RLIMIT_FSIZE: 1, RLIMIT_DATA: 2, RLIMIT_STACK: 3, RLIMIT_CORE: 4, RLIMIT_RSS: 5, RLIMIT_NPROC: 6, RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8, RLIMIT_AS: 9, RLIMIT_LOCKS: 10, RLIMIT_SIGPENDING: 11, RLIMIT_MSGQUEUE: 12, RLIMIT_NICE: 13, RLIMIT_RTPRIO: 14, RLIMIT_RTTIME: 15,
} as const;
export const ioctlRequests = { TIOCSCTTY: 0x540e, TIOCGPGRP: 0x540f, TIOCSPGRP: 0x5410, TIOCGWINSZ: 0x5413, TIOCSWINSZ: 0x5414, TIOCGPTN: 0x80045430, TIOCSPTLCK: 0x40045431, TIOCGPTPEER: 0x5441, SIOCGIFFLAGS: 0x8913, SIOCSIFFLAGS: 0x8914,
  NS_GET_USERNS: 0xb701, NS_GET_PARENT: 0xb702, NS_GET_NSTYPE: 0xb703, NS_GET_OWNER_UID: 0xb704, NS_GET_ID: 0x8008b70d } as const;
export const addressFamilies = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16, AF_PACKET: 17 } as const;
export const socketTypes = { SOCK_RAW: 3, SOCK_SEQPACKET: 5, SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_NONBLOCK: 0o4000, SOCK_CLOEXEC: 0o2000000 } as const;
export const bpfCommands = { BPF_PROG_LOAD: 5, BPF_PROG_ATTACH: 8 } as const;
export const flockOperations = { LOCK_SH: 1, LOCK_EX: 2, LOCK_NB: 4, LOCK_UN: 8 } as const;
const renameFlags = { RENAME_NOREPLACE: 1, RENAME_EXCHANGE: 2, RENAME_WHITEOUT: 4 } as const;

interface Group {
  readonly values: Readonly<Record<string, number | bigint>>;
  /** The value is one of the names, not a sum of them. */
  readonly exclusive?: boolean;
}

/** How each kind of argument prints. Made when something is printed first: each start of a command would wait for it. */
const makeGroups = () => ({
  clone: { values: cloneFlags }, mount: { values: mountFlags }, mountattr: { values: mountAttrs }, umount: { values: umountFlags }, open: { values: openFlags },
  at: { values: atFlags }, access: { values: accessModes }, accessat: { values: accessFlags }, resolve: { values: resolveFlags }, opentree: { values: openTreeFlags }, movemount: { values: moveMountFlags }, fsopen: { values: fsopenFlags }, fspick: { values: fspickFlags },
  fsmount: { values: fsmountFlags }, fsconfig: { values: fsconfigCommands, exclusive: true }, prctl: { values: prctlOptions, exclusive: true },
  ambient: { values: ambientOptions, exclusive: true }, capability: { values: Object.fromEntries(capabilityNames.map((name, number) => [name, number])), exclusive: true },
  seccompop: { values: seccompOperations, exclusive: true }, seccomp: { values: seccompFlags }, signal: { values: signals, exclusive: true },
  fcntl: { values: fcntlCommands, exclusive: true }, closerange: { values: closeRangeFlags }, waittype: { values: waitTypes, exclusive: true }, wait: { values: waitFlags },
  prot: { values: mmapProtections }, mmap: { values: mmapFlags }, memfd: { values: memfdFlags }, rlimit: { values: rlimitResources, exclusive: true },
  ioctl: { values: ioctlRequests, exclusive: true }, family: { values: addressFamilies, exclusive: true }, socktype: { values: socketTypes }, bpf: { values: bpfCommands, exclusive: true },
  flock: { values: flockOperations }, rename: { values: renameFlags },
}) as const satisfies Record<string, Group>;
let groups: Readonly<Partial<Record<Format, Group>>> | undefined;

/** The flag group of a format; plain kinds have none. */
export function flagGroup(format: Format): Group | undefined {
  groups ??= makeGroups();
  return groups[format];
}

/** The format of an argument: one of the flag groups, or a plain kind. */
export type Format = keyof ReturnType<typeof makeGroups> | 'fd' | 'dirfd' | 'path' | 'string' | 'int' | 'size' | 'pid' | 'id' | 'octal' | 'hex' | 'in' | 'out' | 'argv' | 'pointer' | 'device';
