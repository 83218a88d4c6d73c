/**
 * Which capability a system call asks for, in which case, and in which user namespace: what the kernel's sources check with
 * capable() and ns_capable(), as data. Calls whose capability depends on a file (chown, chmod, open, unlink, …) are judged where
 * the file is known. See capabilities(7), user_namespaces(7) and the man page named with each.
 */
import type { CapabilityName } from './capability-meaning.ts';

/**
 * The user namespace in which the capability must be held: the process's `own`, the `initial` one of the machine, that which
 * owns the process's mount, UTS, IPC, PID or network namespace, or that of another process (`target`).
 */
export type CapabilityPlace = 'own' | 'initial' | 'mnt' | 'uts' | 'ipc' | 'pid' | 'net' | 'target';

export interface CapabilityNeed {
  readonly calls: readonly string[];
  readonly capability: CapabilityName;
  readonly place: CapabilityPlace;
  readonly errno: 'EPERM' | 'EACCES';
  readonly man: string;
  /** In which case, after "when"; absent: always. */
  readonly when?: string;
  /** Whether the arguments are of that case. */
  readonly test?: (args: readonly bigint[]) => boolean;
}

const need = (
  calls: string,
  capability: CapabilityName,
  place: CapabilityPlace,
  man: string,
  when?: string,
  test?: (args: readonly bigint[]) => boolean,
  errno: CapabilityNeed['errno'] = 'EPERM',
): CapabilityNeed => ({ calls: calls.split(' '), capability, place, man, errno, ...(when ? { when } : {}), ...(test ? { test } : {}) });

const NEWUSER = 0x10000000n;
const namespaceBits = 0x20000n | 0x2000000n | 0x4000000n | 0x8000000n | 0x20000000n | 0x40000000n | 0x80n;
const AF_INET = 2n;
const AF_INET6 = 10n;
const AF_PACKET = 17n;
const SOCK_RAW = 3n;
const low32 = (n: bigint | undefined): bigint => BigInt.asUintN(32, n ?? 0n);
const signed32 = (n: bigint | undefined): bigint => BigInt.asIntN(32, n ?? 0n);

/** Of several that fit a call, each may be the one: a process that lacks all of them lacks the first. */
const capabilityNeeds: readonly CapabilityNeed[] = [
  need('mount umount umount2 fsopen fsmount fspick move_mount mount_setattr pivot_root open_tree_attr', 'CAP_SYS_ADMIN', 'mnt', 'mount(2)'),
  need('open_tree', 'CAP_SYS_ADMIN', 'mnt', 'open_tree(2)', 'OPEN_TREE_CLONE is asked for', (a) => ((a[2] ?? 0n) & 1n) !== 0n),
  need('chroot', 'CAP_SYS_CHROOT', 'own', 'chroot(2)'),
  need('sethostname setdomainname', 'CAP_SYS_ADMIN', 'uts', 'sethostname(2)'),
  need(
    'unshare',
    'CAP_SYS_ADMIN',
    'own',
    'unshare(2)',
    'a namespace other than a user namespace is made',
    (a) => (a[0]! & namespaceBits) !== 0n && (a[0]! & NEWUSER) === 0n,
  ),
  need(
    'clone',
    'CAP_SYS_ADMIN',
    'own',
    'clone(2)',
    'a namespace other than a user namespace is made',
    (a) => (a[0]! & namespaceBits) !== 0n && (a[0]! & NEWUSER) === 0n,
  ),
  need('setns', 'CAP_SYS_ADMIN', 'target', 'setns(2)'),
  need('reboot', 'CAP_SYS_BOOT', 'pid', 'reboot(2)'),
  need('kexec_load kexec_file_load', 'CAP_SYS_BOOT', 'initial', 'kexec_load(2)'),
  need('settimeofday clock_settime stime', 'CAP_SYS_TIME', 'initial', 'settimeofday(2)'),
  need('adjtimex clock_adjtime', 'CAP_SYS_TIME', 'initial', 'adjtimex(2)', 'the clock is changed, not only read'),
  need('init_module finit_module delete_module', 'CAP_SYS_MODULE', 'initial', 'init_module(2)'),
  need('swapon swapoff', 'CAP_SYS_ADMIN', 'initial', 'swapon(2)'),
  need('acct', 'CAP_SYS_PACCT', 'initial', 'acct(2)'),
  need('quotactl quotactl_fd', 'CAP_SYS_ADMIN', 'initial', 'quotactl(2)'),
  need('syslog', 'CAP_SYSLOG', 'initial', 'syslog(2)', 'kernel.dmesg_restrict is set, or more than reading is asked for'),
  need('iopl ioperm', 'CAP_SYS_RAWIO', 'initial', 'iopl(2)'),
  need('bpf', 'CAP_BPF', 'initial', 'bpf(2)'),
  need('perf_event_open', 'CAP_PERFMON', 'initial', 'perf_event_open(2)', 'kernel.perf_event_paranoid forbids it to others', undefined, 'EACCES'),
  need('open_by_handle_at', 'CAP_DAC_READ_SEARCH', 'initial', 'open_by_handle_at(2)'),
  need('fanotify_init', 'CAP_SYS_ADMIN', 'initial', 'fanotify_init(2)', 'more than notification by file id is asked for'),
  need('lookup_dcookie', 'CAP_SYS_ADMIN', 'initial', 'lookup_dcookie(2)'),
  need('vhangup', 'CAP_SYS_TTY_CONFIG', 'own', 'vhangup(2)'),
  need('ptrace', 'CAP_SYS_PTRACE', 'target', 'ptrace(2)', 'it is another that it traces (PTRACE_TRACEME asks for nothing)', (a) => a[0] !== 0n),
  need('process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise', 'CAP_SYS_PTRACE', 'target', 'ptrace(2)'),
  need('kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal', 'CAP_KILL', 'target', 'kill(2)', "the process is another user's"),
  need('setuid setreuid setresuid setfsuid', 'CAP_SETUID', 'own', 'setuid(2)', 'the id is none of its real, effective and saved ones'),
  need('setgid setregid setresgid setfsgid', 'CAP_SETGID', 'own', 'setgid(2)', 'the id is none of its real, effective and saved ones'),
  need('setgroups', 'CAP_SETGID', 'own', 'setgroups(2)'),
  need('capset', 'CAP_SETPCAP', 'own', 'capset(2)', 'a capability that is not permitted is asked for'),
  need('prctl', 'CAP_SETPCAP', 'own', 'PR_CAPBSET_DROP(2const)', 'the bounding set or the securebits are changed', (a) => a[0] === 24n || a[0] === 28n),
  need('prctl', 'CAP_SYS_RESOURCE', 'own', 'PR_SET_MM(2const)', 'the memory map is described anew', (a) => a[0] === 35n),
  need('seccomp', 'CAP_SYS_ADMIN', 'own', 'seccomp(2)', 'no_new_privs is not set', undefined, 'EACCES'),
  need('setpriority', 'CAP_SYS_NICE', 'own', 'setpriority(2)', 'the priority is raised beyond RLIMIT_NICE', undefined, 'EACCES'),
  need(
    'sched_setscheduler sched_setparam sched_setattr',
    'CAP_SYS_NICE',
    'own',
    'sched_setscheduler(2)',
    'a real-time class or a higher priority is asked for',
  ),
  need(
    'sched_setaffinity ioprio_set migrate_pages move_pages',
    'CAP_SYS_NICE',
    'own',
    'sched_setaffinity(2)',
    "the process is another user's, or the class is a real-time one",
  ),
  need('setrlimit prlimit64', 'CAP_SYS_RESOURCE', 'own', 'setrlimit(2)', 'a hard limit is raised'),
  need('mlock mlock2 mlockall shmctl', 'CAP_IPC_LOCK', 'own', 'mlock(2)', 'RLIMIT_MEMLOCK is 0'),
  need(
    'msgget msgctl msgsnd msgrcv semget semctl semop semtimedop shmget shmat shmctl',
    'CAP_IPC_OWNER',
    'ipc',
    'svipc(7)',
    "the object is another user's",
    undefined,
    'EACCES',
  ),
  need(
    'socket',
    'CAP_NET_RAW',
    'net',
    'raw(7)',
    'a raw or packet socket is asked for',
    ([domain, type]) => domain === AF_PACKET || ((domain === AF_INET || domain === AF_INET6) && ((type ?? 0n) & 0xfn) === SOCK_RAW),
  ),
  need('bind', 'CAP_NET_BIND_SERVICE', 'net', 'ip(7)', 'the port is below net.ipv4.ip_unprivileged_port_start', undefined, 'EACCES'),
  need('setsockopt', 'CAP_NET_ADMIN', 'net', 'socket(7)', 'SO_MARK, SO_PRIORITY above 6, a forced buffer size or a packet filter is set'),
  need('setsockopt', 'CAP_NET_RAW', 'net', 'socket(7)', 'SO_BINDTODEVICE changes a binding', (a) => low32(a[2]) === 25n),
  need(
    'ioctl',
    'CAP_NET_ADMIN',
    'net',
    'netdevice(7)',
    'an interface, a route or an ARP entry is changed',
    (a) => low32(a[1]) >= 0x8900n && low32(a[1]) < 0x8a00n,
  ),
  need('ioctl', 'CAP_NET_ADMIN', 'net', 'netdevice(7)', 'a TUN interface is made', (a) => (low32(a[1]) & 0xffffff00n) === 0x40045400n),
  need(
    'ioctl',
    'CAP_SYS_ADMIN',
    'own',
    'TIOCSTI(2const)',
    'input is faked, or the terminal is stolen',
    (a) => low32(a[1]) === 0x5412n || low32(a[1]) === 0x540en,
  ),
  need('netlink', 'CAP_NET_ADMIN', 'net', 'rtnetlink(7)', 'something is changed, not only listed'),
  need('add_key keyctl request_key', 'CAP_SYS_ADMIN', 'own', 'keyctl(2)', 'the key is not its own', undefined, 'EACCES'),
  need('mknod mknodat', 'CAP_MKNOD', 'initial', 'mknod(2)', 'a device node is made', undefined),
  need(
    'userfaultfd',
    'CAP_SYS_PTRACE',
    'initial',
    'userfaultfd(2)',
    'vm.unprivileged_userfaultfd is 0 and faults of the kernel are to be handled',
    (a) => ((a[0] ?? 0n) & 1n) === 0n,
  ),
  need('io_uring_setup', 'CAP_SYS_ADMIN', 'initial', 'io_uring_setup(2)', 'kernel.io_uring_disabled is 1 and the user is not of its group'),
  need('nice', 'CAP_SYS_NICE', 'own', 'nice(2)', 'the priority is raised', (a) => signed32(a[0]) < 0n),
];

/** The rows of a call, those only whose case the arguments are of. */
export function needsOf(name: string, args: readonly bigint[]): CapabilityNeed[] {
  return capabilityNeeds.filter((row) => row.calls.includes(name) && (row.test?.(args) ?? true));
}
