/** Signals that are refusals: the filter's SIGSYS, those of resource limits, and the end by the kernel for want of memory. */
import { constants } from 'node:os';
import { errno } from '../../kernel/errno.ts';
import type { SignalInfo } from '../../kernel/ptrace.ts';
import { moved, type Counters } from './counters.ts';
import { entryName, type Entry, type Followed } from './followed.ts';
import { manOf } from './calls.ts';
import { gate, type JudgedGate } from './refused-call.ts';
import type { TracedThread } from './thread.ts';

/** A refusal by a signal. */
export interface SignalRefusal {
  readonly text: string;
  readonly signal: string;
  readonly man: string;
  readonly gate: JudgedGate;
}

const { SIGSYS, SIGXFSZ, SIGXCPU } = constants.signals;
/** si_code, include/uapi/asm-generic/siginfo.h */
const [SYS_SECCOMP, SI_KERNEL] = [1, 0x80];

/** Whether a signal that is about to be delivered is a seccomp filter's, and not one that a process has sent. */
export const isOfFilter = ({ signal, code }: SignalInfo): boolean => signal === SIGSYS && code === SYS_SECCOMP;

/** The limit that a signal tells of, which is about to be delivered; undefined where it tells of none. */
export function limitRefusal(thread: TracedThread, { last }: Followed, { signal, code }: SignalInfo): SignalRefusal | undefined {
  // The kernel sends SIGXFSZ in the name of the process itself: the call that it comes with tells it from kill(2).
  if (signal === SIGXFSZ && last?.value === -errno.EFBIG) return ofLimit(thread, 'SIGXFSZ', 'RLIMIT_FSIZE', 'fsize', 'file size');
  return signal === SIGXCPU && code === SI_KERNEL ? ofLimit(thread, 'SIGXCPU', 'RLIMIT_CPU', 'cpu', 'cpu time') : undefined;
}

function ofLimit(thread: TracedThread, signal: string, limit: string, option: string, line: string): SignalRefusal {
  const text = new RegExp(`^Max ${line}.*$`, 'm').exec(thread.limits)?.[0].replace(/\s+/g, ' ') ?? '';
  const [soft = ''] = /\d+|unlimited/.exec(text) ?? [];
  const evidence = [`/proc/${thread.tid}/limits: ${text}`];
  return {
    text: signal,
    signal,
    man: 'getrlimit(2)',
    gate: gate('rlimit', [signal], { limit, soft, hard: '', use: '' }, evidence, { option: `--ulimit ${option}=NUMBER` }),
  };
}

/** @param refuses what the filter says of the call */
export function filterRefusal(entry: Entry, refuses: JudgedGate): SignalRefusal {
  const name = entryName(entry);
  const args = entry.args.slice(0, 3).map((arg) => `0x${arg.toString(16)}`);
  return { text: `${name}(${args.join(', ')}, …)`, signal: 'SIGSYS', man: manOf(name), gate: refuses };
}

/** A SIGKILL that the kernel has counted for want of memory; undefined where it has counted none. */
export function memoryRefusal(pid: number, before: Counters, now: Counters): SignalRefusal | undefined {
  const kills = moved(before, now).find(({ name, before: then, after }) => name.endsWith('oom_kill') && after > then);
  if (!kills) return undefined;
  const evidence = [`${kills.file}: ${kills.name.split(' ')[1]} went from ${kills.before} to ${kills.after}`];
  return { text: 'SIGKILL', signal: 'SIGKILL', man: 'cgroups(7)', gate: gate('memory', ['SIGKILL'], { pid }, evidence, { option: '--memory BYTES' }) };
}
