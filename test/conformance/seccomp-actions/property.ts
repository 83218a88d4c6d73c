/** What a seccomp filter does with system calls. */
import assert from 'node:assert/strict';
import type { Bench } from '../suite/bench.ts';
import type { Fields } from '../suite/config.ts';
import type { Outcome } from '../suite/runtime.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxSeccomp';
const names = ['mkdir', 'mkdirat'];

/** Makes a directory under a filter, and says how that went. */
function makeDirectory(bench: Bench, rule: Fields, more: Fields = {}): Promise<Outcome> {
  const script = 'mkdir /new; echo $?; test -d /new && echo made; true';
  return bench.run({ script, linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, ...rule }], ...more } } });
}

/** What a shell and the runtimes' last steps before it need. */
const needed = `access alarm arch_prctl brk capget capset chdir clone clone3 close close_range dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait eventfd2
  execve execveat exit exit_group faccessat faccessat2 fchdir fchown fcntl fstat fstatfs futex get_robust_list getcwd getdents64 getegid geteuid getgid
  getgroups getpgid getpgrp getpid getppid getrandom getresgid getresuid getrlimit gettid getuid ioctl kill lseek madvise mmap mprotect mremap munmap
  nanosleep newfstatat open openat openat2 pipe pipe2 poll ppoll prctl pread64 prlimit64 pselect6 read readlink readlinkat readv rseq rt_sigaction
  rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield set_robust_list set_tid_address setgid setgroups setresgid setresuid setsid setuid
  sigaltstack stat statfs statx tgkill umask uname vfork wait4 waitid write writev`.split(/\s+/);

export default {
  'SCMP_ACT_ERRNO refuses, by default with EPERM': {
    spec,
    must: 'The call fails; the error is EPERM unless errnoRet says another.',
    check: async (bench) => {
      const { stdout, stderr } = await makeDirectory(bench, { action: 'SCMP_ACT_ERRNO' });
      assert.equal(stdout, '1\n');
      assert.match(stderr, /Operation not permitted/);
    },
  },
  'errnoRet is the error': {
    spec,
    must: 'errnoRet is the errno that the call fails with.',
    check: async (bench) => {
      const ENOSPC = 28;
      const { stdout, stderr } = await makeDirectory(bench, { action: 'SCMP_ACT_ERRNO', errnoRet: ENOSPC });
      assert.equal(stdout, '1\n');
      assert.match(stderr, /No space left on device/);
    },
  },
  'SCMP_ACT_ALLOW and SCMP_ACT_LOG let it be': {
    spec,
    must: 'The call is made.',
    check: async (bench) => {
      for (const action of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG']) assert.equal((await makeDirectory(bench, { action })).stdout, '0\nmade\n', action);
    },
  },
  'SCMP_ACT_KILL, its variants and SCMP_ACT_TRAP end the program by SIGSYS': {
    spec,
    must: 'The call is not made, and its thread or process ends.',
    check: async (bench) => {
      for (const action of ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP']) {
        assert.equal((await makeDirectory(bench, { action })).stdout, '159\n', action);
      }
    },
  },
  'SCMP_ACT_TRACE without a tracer fails with ENOSYS': {
    spec,
    must: 'The call is the tracer’s to decide; the kernel refuses it where there is none.',
    check: async (bench) => {
      assert.match((await makeDirectory(bench, { action: 'SCMP_ACT_TRACE', errnoRet: 1 })).stderr, /Function not implemented/);
    },
  },
  'defaultAction is for all others': {
    spec,
    must: 'Calls that no rule matches get defaultAction, with defaultErrnoRet.',
    check: async (bench) => {
      const ENOSPC = 28;
      const seccomp = { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: ENOSPC, syscalls: [{ names: needed, action: 'SCMP_ACT_ALLOW' }] };
      const { stdout, stderr } = await bench.run({ script: 'mkdir /new; echo $?; test -d /new && echo made; true', linux: { seccomp } });
      assert.equal(stdout, '1\n');
      assert.match(stderr, /No space left on device/);
    },
  },
  'architectures are taken': {
    spec,
    must: 'architectures are those of libseccomp; the filter holds for the program’s own in any case.',
    check: async (bench) => {
      const architectures = process.arch === 'arm64' ? ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] : ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];
      assert.equal((await makeDirectory(bench, { action: 'SCMP_ACT_ERRNO' }, { architectures })).stdout, '1\n');
    },
  },
  'flags are taken': {
    spec,
    must: 'flags are those of seccomp(2).',
    check: async (bench) => {
      const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'];
      assert.equal((await makeDirectory(bench, { action: 'SCMP_ACT_ERRNO' }, { flags })).stdout, '1\n');
    },
  },
  'a user without privileges has it, too': {
    spec,
    must: 'The filter is set whatever the user and the capabilities of the program are.',
    check: async (bench) => {
      const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }] };
      const process = { user: { uid: 1000, gid: 1000 }, capabilities: {} };
      const { stdout, stderr } = await bench.run({ script: 'grep ^Seccomp: /proc/self/status; mkdir /tmp/new', process, linux: { seccomp } });
      assert.equal(stdout, 'Seccomp:\t2\n');
      assert.match(stderr, /Operation not permitted/);
    },
  },
} satisfies Property;
