/**
 * Traces a process and all that it starts, from before its program begins until it ends: every system call that fails is kept with
 * its arguments and errno, and attributed while the thread still stands. The traced processes keep their confinement: nothing is
 * changed in them, and they are let go when the first one has ended. See ptrace(2).
 */
import { constants } from 'node:os';
import type { WhyReport } from '../../api/schema.ts';
import { errno, errnoName } from '../../kernel/errno.ts';
import {
  detach,
  eventMessage,
  goOnToSyscall,
  interrupt,
  listen,
  seccompFilters,
  seize,
  signalInfo,
  syscallInfo,
  traceEvents,
  traceOptions,
  waitForStop,
  type WaitStatus,
} from '../../kernel/ptrace.ts';
import { native } from '../seccomp/native.ts';
import { isAnswer } from './answers.ts';
import { moved, readCounters, type Counters } from './counters.ts';
import { entryName, type Entry, type Filters, type Followed } from './followed.ts';
import { Gathered } from './gather.ts';
import { seccompGate } from './gate-seccomp.ts';
import { Judgement } from './judgement.ts';
import { NetlinkSockets } from './netlink-sockets.ts';
import { reportOf, type Ended } from './observed.ts';
import { netlinkRefusal, stringsWritten } from './payload.ts';
import type { RefusedCall, WhyContext } from './refused-call.ts';
import { filterRefusal, isOfFilter, limitRefusal, memoryRefusal, type SignalRefusal } from './signals.ts';
import { TracedThread } from './thread.ts';

const options =
  traceOptions.PTRACE_O_TRACESYSGOOD |
  traceOptions.PTRACE_O_TRACEFORK |
  traceOptions.PTRACE_O_TRACEVFORK |
  traceOptions.PTRACE_O_TRACECLONE |
  traceOptions.PTRACE_O_TRACEEXEC;
const { SIGTRAP, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGKILL, SIGSYS } = constants.signals;
/** How PTRACE_O_TRACESYSGOOD has a stop at a call look. */
const syscallStop = SIGTRAP | 0x80;
const stopSignals: ReadonlySet<number> = new Set([SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU]);
const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/**
 * Milliseconds for the others to stop and be let go when the first process has ended. One that waits for what it started by vfork(2)
 * does not stop before that has ended, if ever: it is let go by the tracer's end, as the kernel does with all that is traced.
 */
const lettingGo = 1000;

export class SyscallTrace {
  readonly #context: WhyContext;
  readonly #threads = new Map<number, Followed>();
  readonly #gathered = new Gathered();
  readonly #netlink = new NetlinkSockets();
  readonly #judgement: Judgement;
  readonly #before: Counters;
  #lastFilters: Filters = [];
  #main = 0;
  #mainEnded: Ended | undefined;
  /** When the others are waited for no longer, by performance.now(). */
  #end: number | undefined;
  #blind = false;

  constructor(context: WhyContext) {
    this.#context = context;
    this.#before = readCounters(context);
    this.#judgement = new Judgement(context, this.#before);
  }

  /** Takes hold of the process and has it stop at its next system call. @returns 0 or a negative errno */
  begin(pid: number): number {
    const seized = seize(pid, options);
    if (seized < 0) return seized;
    this.#main = pid;
    this.#threads.set(pid, { begun: false });
    interrupt(pid);
    const stop = waitForStop(pid);
    if (stop?.kind !== 'stopped') return -errno.ESRCH;
    // A signal that came before the interruption is still to be delivered.
    return goOnToSyscall(pid, stop.event === 0 ? stop.signal : 0);
  }

  /** Follows until the process has ended; then lets go of what it left running. */
  follow(): Omit<WhyReport, 'command' | 'exitCode'> {
    for (let status = waitForStop(-1); status; status = waitForStop(-1, this.#end)) {
      if (status.kind === 'stopped') this.#stopped(status.pid, status.signal, status.event);
      else this.#gone(status);
    }
    return reportOf(this.#gathered.observed(this.#mainEnded, moved(this.#before, readCounters(this.#context))));
  }

  /** Whatever cannot be read of a thread, it goes on: it may have been killed while it was looked at. */
  #look(look: () => void): void {
    try {
      look();
    } catch (error) {
      // Said once: a container must not fill the engine's log.
      if (!this.#blind) process.stderr.write(`a call of a traced process could not be looked at: ${(error as Error).message}\n`);
      this.#blind = true;
    }
  }

  #stopped(pid: number, signal: number, event: number): void {
    let followed = this.#threads.get(pid);
    if (!followed) {
      // Its parent's event may come after.
      followed = { begun: true };
      this.#threads.set(pid, followed);
    }
    const known = followed;
    if (this.#mainEnded) {
      detach(pid, event === 0 && signal !== syscallStop ? signal : 0);
      this.#threads.delete(pid);
    } else if (event === traceEvents.PTRACE_EVENT_STOP && stopSignals.has(signal)) listen(pid);
    else if (event !== 0) {
      this.#look(() => this.#happened(pid, known, event));
      goOnToSyscall(pid);
    } else if (signal === syscallStop) {
      this.#look(() => this.#syscall(pid, known));
      goOnToSyscall(pid);
    } else {
      this.#look(() => this.#signalled(pid, known, signal));
      goOnToSyscall(pid, signal);
    }
  }

  /** A thread or process was made, or a program begins. */
  #happened(pid: number, followed: Followed, event: number): void {
    const { PTRACE_EVENT_EXEC, PTRACE_EVENT_CLONE, PTRACE_EVENT_STOP } = traceEvents;
    if (event === PTRACE_EVENT_EXEC) {
      // A thread that runs a program takes the id of its process.
      const former = eventMessage(pid);
      const { path } = this.#threads.get(former) ?? followed;
      if (former !== pid) this.#threads.delete(former);
      if (pid === this.#main) followed.begun = true;
      followed.filters = undefined;
      if (path !== undefined) this.#gathered.found(path);
    } else if (event === PTRACE_EVENT_CLONE) {
      const made = eventMessage(pid);
      if (new TracedThread(made).field('Tgid') === String(made)) this.#gathered.process();
    } else if (event !== PTRACE_EVENT_STOP) this.#gathered.process();
  }

  #syscall(pid: number, followed: Followed): void {
    const info = syscallInfo(pid);
    const thread = new TracedThread(pid);
    if (info.kind === 'entry') {
      this.#gathered.call();
      followed.entry = info;
      if (followed.begun) followed.filters ??= this.#filtersOf(pid);
      followed.path = entryName(info) === 'execve' ? thread.string(info.args[0] ?? 0n) : undefined;
      return;
    }
    const { entry } = followed;
    if (info.kind !== 'exit' || !entry) return;
    followed.entry = undefined;
    followed.last = { entry, value: info.value };
    if (!info.failed) {
      if (followed.begun) this.#done(thread, followed, entry, info.value);
      return;
    }
    const call = this.#call(thread, followed, entry, entryName(entry), -info.value, errnoName(-info.value));
    if (!followed.begun && !call.name.startsWith('execve')) return;
    // A profile may refuse with any error, also with one that is an answer.
    if (!isAnswer(call.name, call.error) || seccompGate(call)?.answers.includes(call.error))
      this.#gathered.refused(this.#judgement.ofCall(call, followed.begun));
  }

  /** What of a call that was done matters later. */
  #done(thread: TracedThread, followed: Followed, { args, ...entry }: Entry, value: number): void {
    const name = entryName(entry);
    this.#netlink.done(thread, name, args, value);
    switch (name) {
      case 'open':
      case 'openat':
        this.#gathered.found(thread.string(args[name === 'open' ? 0 : 1] ?? 0n));
        break;
      case 'write':
      case 'writev':
        if (args[0] === 2n) this.#gathered.said(thread.tid, stringsWritten(thread, name, args, value));
        break;
      case 'recvmsg':
      case 'recvfrom':
        if (this.#netlink.has(thread, args[0] ?? 0n)) this.#netlinkAnswer(thread, followed, args, name, value);
        break;
      case 'landlock_restrict_self':
        this.#judgement.landlocked = true;
        break;
      case 'seccomp':
      case 'prctl':
        followed.filters = undefined;
        break;
    }
  }

  #netlinkAnswer(thread: TracedThread, followed: Followed, args: readonly bigint[], name: string, value: number): void {
    const refusal = netlinkRefusal(thread, name, args, value);
    if (!refusal || isAnswer('netlink', refusal.error)) return;
    const call = this.#call(thread, followed, { arch: native.arch, number: 0, args: [] }, 'netlink', refusal.errno, refusal.error);
    // The filter has let the call: it is the message that was refused.
    this.#gathered.refused(this.#judgement.of({ ...call, filters: [] }, { text: refusal.text, man: 'rtnetlink(7)', path: '', program: thread.program }));
  }

  #call(thread: TracedThread, followed: Followed, entry: Pick<Entry, 'arch' | 'number' | 'args'>, name: string, errno: number, error: string): RefusedCall {
    followed.filters ??= this.#filtersOf(thread.tid);
    const { number, arch, args } = entry;
    return { thread, name, number, arch, args, error, errno, filters: followed.filters, context: this.#context };
  }

  /** A signal is about to be delivered. */
  #signalled(pid: number, followed: Followed, signal: number): void {
    const thread = new TracedThread(pid);
    const info = signalInfo(pid) ?? { signal, code: 0 };
    if (signal === SIGSYS) followed.sigsys = true;
    if (isOfFilter(info)) this.#filtered(thread, followed);
    const refusal = limitRefusal(thread, followed, info);
    if (refusal) this.#keep(thread, refusal);
  }

  /** The filter answers a call with SIGSYS. */
  #filtered(thread: TracedThread, followed: Followed): void {
    const entry = followed.entry ?? followed.last?.entry;
    if (!entry) return;
    const filters = followed.filters ?? this.#lastFilters;
    const refuses = seccompGate({ ...this.#call(thread, { ...followed, filters }, entry, entryName(entry), 0, 'SIGSYS'), filters });
    if (refuses) this.#keep(thread, filterRefusal(entry, refuses));
  }

  #keep(thread: TracedThread, refusal: SignalRefusal): void {
    this.#gathered.refused(this.#judgement.ofSignal(thread, refusal));
  }

  /** A thread has ended; killed, the reason may be a limit or the filter. */
  #gone(status: Exclude<WaitStatus, { readonly kind: 'stopped' }>): void {
    const { pid } = status;
    const followed = this.#threads.get(pid);
    this.#threads.delete(pid);
    const signal = status.kind === 'killed' ? status.signal : 0;
    const thread = new TracedThread(pid);
    this.#look(() => {
      if (signal === SIGKILL) this.#killed(thread);
      // A filter's KILL is not delivered as a signal: the thread is gone at once.
      if (signal === SIGSYS && followed && !followed.sigsys) this.#filtered(thread, followed);
    });
    const ended = this.#gathered.ended(pid, status.kind === 'killed' ? 128 + signal : status.code, signalNames.get(signal));
    if (pid !== this.#main) return;
    this.#mainEnded = ended;
    this.#end = performance.now() + lettingGo;
    for (const other of this.#threads.keys()) interrupt(other);
  }

  #killed(thread: TracedThread): void {
    const now = readCounters(this.#context);
    const refusal = memoryRefusal(thread.tid, this.#judgement.counters, now);
    if (!refusal) return;
    this.#judgement.counters = now;
    this.#keep(thread, refusal);
  }

  #filtersOf(pid: number): Filters {
    const filters = seccompFilters(pid);
    if (filters === -errno.EACCES || filters === -errno.EPERM) return this.#recordedFilters(pid);
    if (typeof filters === 'number') return this.#lastFilters;
    this.#lastFilters = filters;
    return filters;
  }

  /** Who is not the machine's root is shown no filter: the one that the container was started with is there, if any is. */
  #recordedFilters(pid: number): Filters {
    const { recordedFilter } = this.#context;
    if (recordedFilter && new TracedThread(pid).field('Seccomp') === '2') this.#lastFilters = [recordedFilter];
    return this.#lastFilters;
  }
}
