/**
 * Commands that the kernel refuses something, each for another reason, with the gatekeeper that `hako why` is to name for each: its
 * kind, and the fact that tells it from its like. The containers are those of test/why.test.ts.
 */
import { existsSync } from 'node:fs';
import type { Gate } from '../../src/api/schema.ts';

const perl = existsSync('/usr/bin/perl') ? false : 'needs the program perl, of the machine';
/** Of the machine's programs, which lie in /opt. */
export const libraries = `/opt/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

/** A command that fails, and who is to be named. */
export interface Refused {
  readonly title: string;
  readonly in?: 'web' | 'tight' | 'mapped' | 'few' | 'profiled';
  /** A shell's script, or a program with arguments. */
  readonly run: string | readonly string[];
  readonly user?: string;
  readonly kinds: readonly Gate['kind'][];
  readonly facts: Readonly<Record<string, string>>;
  readonly call?: RegExp;
  readonly error?: string;
  readonly signal?: string;
  readonly code?: number;
  readonly evidence?: RegExp;
  readonly skip?: string | false;
}

/** Perl's own socket calls, without modules: those may be absent. */
const withPerl = (script: string): readonly string[] => ['/opt/bin/perl', '-e', script];
const tcp = 'socket(S,2,1,0) or die "socket: $!\\n";';
const address = (port: number, bytes: string): string => `pack("Sna4x8",2,${port},pack("C4",${bytes}))`;

/** Commands that can run side by side. */
export const cases: readonly Refused[] = [
  {
    title: 'mode bits of a file',
    run: 'cat /secret',
    user: '1000',
    kinds: ['permission'],
    facts: { path: '/secret', needs: 'read', mode: '0600', uid: '1000', as: 'group' },
    call: /openat/,
    error: 'EACCES',
    evidence: /Uid: 1000/,
  },
  {
    title: 'a directory on the way',
    run: 'cat /locked/deep/file',
    user: '1000',
    kinds: ['permission'],
    facts: { path: '/locked', needs: 'search', owner: '0:0', capability: 'CAP_DAC_READ_SEARCH' },
  },
  { title: 'a directory that may not be written to', run: 'touch /etc/new', user: '1000', kinds: ['permission'], facts: { path: '/etc', needs: 'change' } },
  {
    title: 'a file that nobody may execute',
    run: '/secret',
    kinds: ['permission'],
    facts: { path: '/secret', needs: 'execute', nobody: 'yes' },
    code: 126,
  },
  {
    title: "another user's file, to change its mode",
    run: 'chmod 666 /secret',
    user: '1000',
    kinds: ['capability'],
    facts: { capability: 'CAP_FOWNER', place: 'own' },
    error: 'EPERM',
  },
  {
    title: 'a file given away',
    run: 'touch /tmp/mine; chown 0 /tmp/mine',
    user: '1000',
    kinds: ['capability'],
    facts: { capability: 'CAP_CHOWN', own: 'no', bounding: 'yes' },
  },
  { title: 'the sticky bit', run: 'rm -f /tmp/roots', user: '1000', kinds: ['capability'], facts: { capability: 'CAP_FOWNER' }, evidence: /owner 0/ },
  {
    title: 'seccomp first, then the capability',
    run: 'mount -t tmpfs none /mnt',
    kinds: ['seccomp', 'capability'],
    facts: { call: 'mount', unlock: 'CAP_SYS_ADMIN' },
    call: /^mount\("none", "\/mnt", "tmpfs"/,
    evidence: /return 0x00050001/,
  },
  {
    title: 'a capability alone',
    in: 'tight',
    run: 'mount -t tmpfs none /mnt',
    kinds: ['capability'],
    facts: { capability: 'CAP_SYS_ADMIN', place: 'mnt', reachable: 'yes' },
    evidence: /CapEff: 0/,
  },
  {
    title: 'a capability in a namespace that is not its own',
    in: 'mapped',
    run: 'date -s 12:00',
    kinds: ['capability'],
    facts: { capability: 'CAP_SYS_TIME', place: 'initial', own: 'yes', reachable: 'no' },
  },
  {
    title: 'a capability that a netlink message needs',
    run: 'ip link set lo down',
    kinds: ['capability'],
    facts: { capability: 'CAP_NET_ADMIN', place: 'net' },
  },
  {
    title: "a signal to another user's process",
    run: 'kill 1',
    user: '1000',
    kinds: ['capability'],
    facts: { capability: 'CAP_KILL', place: 'target' },
    call: /^kill\(1, SIGTERM\)/,
  },
  { title: 'a file of an unmapped owner', in: 'mapped', run: 'cat /host/secret', kinds: ['permission'], facts: { known: 'no', needs: 'search' } },
  {
    title: 'a read-only root',
    in: 'tight',
    run: 'touch /new',
    kinds: ['read-only'],
    facts: { mount: '/', why: 'root' },
    error: 'EROFS',
    evidence: /mountinfo/,
  },
  { title: 'a read-only volume', run: 'touch /opt/new', kinds: ['read-only'], facts: { mount: '/opt', why: 'volume' } },
  { title: "the kernel's settings", run: 'echo x >/proc/sys/kernel/hostname', kinds: ['read-only'], facts: { mount: '/proc/sys', why: 'kernel' } },
  { title: 'noexec', run: 'cp /bin/true /nx/p; /nx/p', kinds: ['no-exec'], facts: { mount: '/nx' }, code: 126 },
  { title: 'the device filter', run: 'mknod /tmp/kmsg c 1 11; cat /tmp/kmsg', kinds: ['device'], facts: { device: 'c 1:11', access: 'r' }, error: 'EPERM' },
  { title: 'a missing file', run: 'cat /nowhere/file', kinds: ['missing'], facts: { path: '/nowhere' }, error: 'ENOENT' },
  { title: 'a file as a directory', run: 'cat /etc/passwd/x', kinds: ['missing'], facts: { path: '/etc/passwd', why: 'not-directory' }, error: 'ENOTDIR' },
  { title: 'a missing interpreter', run: ['/script'], kinds: ['interpreter'], facts: { interpreter: '/no/such', kind: 'script' }, code: 127 },
  { title: 'a missing loader', run: '/unloadable', kinds: ['interpreter'], facts: { path: '/unloadable', kind: 'loader' }, code: 127 },
  { title: "another machine's program", run: ['/foreign'], kinds: ['not-a-program'], facts: { why: 'machine' }, code: 126 },
  { title: 'a program that is not there', run: ['no-such-program'], kinds: ['missing'], facts: { why: 'no-entry' }, code: 127 },
  {
    title: 'a port that is taken',
    run: withPerl(`${tcp} bind(S,${address(7000, '127,0,0,1')}); listen(S,1); socket(T,2,1,0); bind(T,${address(7000, '127,0,0,1')}) or die "bind: $!\\n"`),
    kinds: ['address-in-use'],
    facts: { address: '127.0.0.1:7000' },
    call: /^bind\(/,
    error: 'EADDRINUSE',
    evidence: /perl/,
    skip: perl,
  },
  {
    title: 'a low port',
    run: withPerl(`${tcp} bind(S,${address(80, '0,0,0,0')}) or die "bind: $!\\n"`),
    user: '1000',
    kinds: ['capability'],
    facts: { capability: 'CAP_NET_BIND_SERVICE', port: '80', first: '1024' },
    error: 'EACCES',
    skip: perl,
  },
  {
    title: 'an address that is not here',
    run: withPerl(`${tcp} bind(S,${address(7001, '192,0,2,1')}) or die "bind: $!\\n"`),
    kinds: ['address-not-here'],
    facts: { address: '192.0.2.1' },
    skip: perl,
  },
  {
    title: 'no route',
    run: withPerl(`${tcp} connect(S,${address(80, '192,0,2,1')}) or die "connect: $!\\n"`),
    kinds: ['network-unreachable'],
    facts: { mode: 'none' },
    error: 'ENETUNREACH',
    skip: perl,
  },
  {
    title: 'nobody listens',
    run: withPerl(`${tcp} connect(S,${address(7002, '127,0,0,1')}) or die "connect: $!\\n"`),
    kinds: ['connection-refused'],
    facts: { address: '127.0.0.1:7002' },
    skip: perl,
  },
  {
    title: 'a raw socket',
    in: 'tight',
    run: withPerl('socket(S,2,3,1) or die "socket: $!\\n"'),
    kinds: ['capability'],
    facts: { capability: 'CAP_NET_RAW' },
    skip: perl,
  },
  {
    title: 'a full file system',
    run: 'head -c 1000000 /dev/zero >/small/file',
    kinds: ['space'],
    facts: { mount: '/small', type: 'tmpfs', what: 'bytes' },
    error: 'ENOSPC',
  },
  { title: 'RLIMIT_NOFILE', run: 'ulimit -n 3; cat /etc/passwd', kinds: ['rlimit'], facts: { limit: 'RLIMIT_NOFILE', soft: '3' }, error: 'EMFILE' },
  {
    title: 'RLIMIT_FSIZE',
    run: ['sh', '-c', 'ulimit -f 1; exec head -c 100000 /dev/zero >/tmp/big'],
    kinds: ['rlimit'],
    facts: { limit: 'RLIMIT_FSIZE' },
    signal: 'SIGXFSZ',
  },
  {
    title: 'a profile that answers with an errno',
    in: 'profiled',
    run: 'chmod 700 /tmp',
    kinds: ['seccomp'],
    facts: { own: 'profile' },
    error: 'EINVAL',
    call: /^f?chmod/,
  },
  {
    title: 'a profile that kills',
    in: 'profiled',
    run: ['mkdir', '/tmp/new'],
    kinds: ['seccomp'],
    facts: { own: 'profile' },
    error: 'SIGSYS',
    signal: 'SIGSYS',
  },
  { title: 'a mount point', run: 'rm /etc/hosts', kinds: ['busy'], facts: { mount: '/etc/hosts' }, error: 'EBUSY' },
  {
    title: 'the narrowest capability that the filter follows',
    run: 'dmesg',
    kinds: ['seccomp', 'capability'],
    facts: { call: 'syslog', unlock: 'CAP_SYSLOG' },
  },
  { title: 'an ACL', run: 'cat /listed', user: '1000', kinds: ['permission'], facts: { path: '/listed', needs: 'read', as: 'acl' }, evidence: /and an ACL/ },
  { title: 'a file system of the kernel', run: 'mkdir /proc/new', kinds: ['kernel-files'], facts: { path: '/proc', type: 'proc' }, error: 'ENOENT' },
  {
    title: 'chroot without its capability',
    in: 'tight',
    run: 'chroot / /bin/true',
    kinds: ['capability'],
    facts: { capability: 'CAP_SYS_CHROOT', place: 'own' },
  },
  {
    title: 'RLIMIT_NPROC',
    run: 'prlimit --nproc=1 sh -c "true | true"',
    user: '23456',
    kinds: ['rlimit'],
    facts: { limit: 'RLIMIT_NPROC', soft: '1' },
    error: 'EAGAIN',
  },
  {
    title: 'that a debugger inside finds it traced',
    run: withPerl(`exit(syscall(${process.arch === 'arm64' ? 117 : 101},0,0,0,0) == 0 ? 0 : 1)`),
    kinds: ['tracer'],
    facts: { call: 'ptrace' },
    error: 'EPERM',
    skip: perl,
  },
];

/** One after the other: each uses up what the other needs. */
export const limits: readonly Refused[] = [
  {
    title: 'the memory limit',
    in: 'few',
    run: 'dd if=/dev/zero of=/dev/null bs=100M count=1',
    kinds: ['memory'],
    facts: {},
    code: 137,
    evidence: /oom_kill/,
  },
  {
    title: 'pids.max',
    in: 'few',
    run: 'for i in 1 2 3 4 5 6 7 8 9; do sleep 2 & done; wait',
    kinds: ['pids'],
    facts: { max: '8' },
    error: 'EAGAIN',
    evidence: /pids\.max: 8/,
  },
];

/** Files that the cases need. */
export const prepare = `
echo x >/listed
echo secret >/secret; chmod 600 /secret
mkdir -p /locked/deep; echo x >/locked/deep/file; chmod 700 /locked
echo x >/tmp/roots
printf '#!/no/such\\n' >/script; chmod 755 /script
sed 's/ld-linux/ld-nixux/g' /bin/true >/unloadable; chmod 755 /unloadable
cp /bin/true /foreign; printf '\\025\\000' | dd of=/foreign bs=1 seek=18 conv=notrunc 2>/dev/null
`;

/** Two calls refused, each another way; EINVAL is mostly an answer, and no refusal. */
export const seccompProfile = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [
    { names: ['chmod', 'fchmodat', 'fchmodat2'], action: 'SCMP_ACT_ERRNO', errnoRet: 22 },
    { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_KILL_PROCESS' },
  ],
};
