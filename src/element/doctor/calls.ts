/** System calls and filters that the engine cannot do without, each made once by a child. See syscalls(2), seccomp(2), bpf(2). */
import { call, result } from '../../kernel/call.ts';
import { loadDeviceFilter } from '../../kernel/bpf/program.ts';
import { assembleDeviceFilter } from '../../kernel/bpf/device-filter.ts';
import { encodeProgram, opcodes, sockFprog } from '../../kernel/bpf/classic.ts';
import { AT_FDCWD, mountAttrs, openFlags, prctlOptions, seccompOperations } from '../../kernel/flags.ts';
import { makeFilesystem, openHow, setAttributes } from '../../runtime/rootfs/mount-steps.ts';
import { apart, attempt, failureText, refused, tried, type Check, type Failure } from './check.ts';

const farDescriptor = 0x7fff_ff00;
/** SECCOMP_RET_ALLOW */
const allow = 0x7fff_0000;

/** Each call, and what of Linux has it. */
function trials(): Record<string, { readonly since: string; readonly failure: Failure | undefined }> {
  const tmpfs = makeFilesystem('tmpfs', 'hako', []);
  return {
    // By clone3 every child here is made: one that does nothing shows it.
    clone3: { since: '5.5', failure: attempt([]) },
    openat2: { since: '5.6', failure: attempt([call('openat2', [AT_FDCWD, '.', openHow(openFlags.O_PATH), 24])]) },
    pidfd_open: { since: '5.3', failure: attempt([call('pidfd_open', [process.pid, 0])]) },
    close_range: { since: '5.9', failure: attempt([call('close_range', [farDescriptor, farDescriptor, 0])]) },
    fsopen: { since: '5.2', failure: attempt([...apart(), ...tmpfs]) },
    mount_setattr: { since: '5.12', failure: attempt([...apart(), ...tmpfs, setAttributes(result(tmpfs.at(-1)!), { set: mountAttrs.MOUNT_ATTR_RDONLY })]) },
  };
}

/** One check for all of them: what is missing of them is named. */
export function systemCalls(): Check {
  const all = Object.entries(trials());
  const failed = all.filter(([, { failure }]) => failure !== undefined);
  const names = all.map(([name]) => name).join(', ');
  const facts = Object.fromEntries(all.map(([name, { failure }]) => [name, failure?.code ?? 'ok']));
  const about = { id: 'calls', name: { en: 'system calls', ja: 'システムコール' }, essential: true, how: 'tried', facts } as const;
  if (failed.length === 0) return { ...about, status: 'ok', found: { en: names, ja: names } };
  const kernel = failed.some(([, { failure }]) => failure!.code === 'ENOSYS');
  const reasons = failed.map(([name, { since, failure }]) => `${name} (Linux ${since}): ${failureText(failure!)}`).join('; ');
  return {
    ...about,
    status: failed.every(([, { failure }]) => refused(failure!)) ? 'limited' : 'missing',
    found: { en: `not ${failed.map(([name]) => name).join(', ')}`, ja: `使えない: ${failed.map(([name]) => name).join('、')}` },
    reason: { en: reasons, ja: reasons },
    remedy: kernel
      ? { en: 'a kernel of 5.12 or later, and no seccomp filter around this', ja: 'Linux 5.12 以降にする。外側に seccomp フィルターがあれば外す' }
      : {
          en: 'ask again as root; a seccomp filter or security module may forbid it',
          ja: 'root で確かめる。seccomp フィルターかセキュリティモジュールが禁じていることもある',
        },
  };
}

/** A filter that allows everything, on a child. */
export const seccomp = (): Check =>
  tried(
    { id: 'seccomp', name: { en: 'seccomp filters', ja: 'seccomp フィルター' }, essential: true, found: { en: 'installed one', ja: '取りつけられた' } },
    attempt([
      call('prctl', [prctlOptions.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]),
      call('seccomp', [seccompOperations.SECCOMP_SET_MODE_FILTER, 0, sockFprog(encodeProgram([{ code: opcodes.RET_K, jt: 0, jf: 0, k: allow }]))]),
    ]),
    { en: 'needs a kernel with CONFIG_SECCOMP_FILTER', ja: 'CONFIG_SECCOMP_FILTER のあるカーネルが要る' },
  );

/** Loads a device filter and throws it away; it is attached to no cgroup. */
export const deviceFilter = (): Check =>
  tried(
    {
      id: 'ebpf-devices',
      name: { en: 'eBPF for devices', ja: 'デバイス用 eBPF' },
      essential: false,
      found: { en: 'loaded a filter for cgroups', ja: 'cgroup 用のフィルターを読み込めた' },
    },
    attempt([loadDeviceFilter(assembleDeviceFilter([]))]),
    {
      en: 'needs CONFIG_CGROUP_BPF and CAP_BPF or CAP_SYS_ADMIN; the devices controller of cgroup v1 serves as well',
      ja: 'CONFIG_CGROUP_BPF と、CAP_BPF か CAP_SYS_ADMIN が要る。cgroup v1 の devices コントローラーでも代われる',
    },
  );
