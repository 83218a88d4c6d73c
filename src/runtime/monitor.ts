/**
 * The monitor: a static ELF of some hundred bytes, the parent of a container's first process. It walks a syscall
 * table that it maps from a descriptor: clones the process (which walks its own section up to execve), holds the
 * ends of its pipes so that they outlive the engine, waits for it, leaves its exit status in the table, tells the
 * engine, and ends when the engine says so. A restarted engine takes the descriptors back with pidfd_getfd(2).
 * The new process never has the engine's memory or its executable in reach (CVE-2019-5736): it is a copy of this.
 */
import { closeSync, readSync } from 'node:fs';
import { call, type Call } from '../kernel/call.ts';
import { describeCall } from '../kernel/describe.ts';
import { KernelError } from '../kernel/errno.ts';
import { atFlags, fcntlCommands, memfdFlags, signals, waitFlags } from '../kernel/flags.ts';
import { unblockSignals, vforkTable } from '../kernel/launch/child.ts';
import { monitorProgram, sealedProgram, tableDescriptor } from '../kernel/launch/program.ts';
import { refusedRows, resultOf, rows, type RewriteTable, type Row, type Table } from '../kernel/launch/table.ts';
import { must, performNow } from '../kernel/perform.ts';
import { identify, type ProcessIdentity } from '../kernel/process.ts';
import { socketPair } from '../kernel/unix-socket.ts';
import { failureSentence } from '../step/apply.ts';
import type { RanCall, Step, Verdict } from '../step/step.ts';
import { monitorRoom, monitorTable, statusBytes, type ControlSocket, type MonitorPlan, type MonitorTable } from './monitor-table.ts';
import { nullDevice } from './null-device.ts';
import { isClockRow, timeOf } from './step-rows.ts';

/** A monitor that has been started. */
export interface Monitor {
  readonly pid: number;
  readonly tableFd: number;
  /** Our end of the socket between engine and monitor: one byte comes when the process has ended. -1 for one that does not stay. */
  readonly control: number;
  /** The process's id; undefined when it was not cloned. */
  processId(): number | undefined;
  /** The first call that failed, of the monitor or of the new process up to execve. */
  failure(): TableFailure | undefined;
  /** Why the process ended by itself before its program: what a step's calls came to together. */
  verdict(): Verdict | undefined;
  /** Why the process has gone, where it was for want of memory. */
  outOfMemory(): string | undefined;
  /** What each execve returned: all failed if the process ended before it began. */
  execResults(): readonly number[];
  /** The value that a call of the table returned. */
  valueOf(call: Call): number | undefined;
  /** What the monitor and the process did of their steps, up to now. */
  ran(): readonly RanCall[];
  /** Whether the process stops before a step, for somebody to decide about it. */
  readonly hasGate: (step: Step<unknown>) => boolean;
  /** Has the process pass over the step before which it stands. */
  skip(step: Step<unknown>): void;
  /** Gives the memory of the process's part of the table back, once its program has begun. */
  forgetProcess(): void;
  /** How the process ended, once it has. */
  exitStatus(): ExitStatus | undefined;
  /** Where the status lies in the table's file, for an engine that is started later. */
  readonly statusOffset: number;
  /** Where the number lies under which the monitor received a descriptor. */
  readonly receivedOffset: number;
}

/** The monitor's own part in the step that starts it. */
const cloning = { id: 'process.clone', what: 'Start the process', shell: '', look: '' };

/** A row that failed. */
export interface TableFailure {
  readonly step: Step<unknown> | undefined;
  readonly call: Call;
  readonly errno: number;
  /** What the kernel said beside it. */
  readonly detail?: string | undefined;
}

/** How a process ended: by exit with a code, or by a signal. */
export interface ExitStatus {
  /** As a shell counts: 128 + the signal's number when a signal ended it. */
  readonly code: number;
  readonly signal?: number;
}

let programFd: number | undefined;

function program(): number {
  programFd ??= sealedProgram('hako-monitor', monitorProgram());
  return programFd;
}

/** Starts a monitor, which starts the process. Returns at once; the rendezvous socket tells how far the process has come. */
export function startMonitor(plan: MonitorPlan, rewrite?: RewriteTable): Monitor {
  const [control, controlPeer] = plan.parent === 'monitor' ? socketPair() : [];
  const opened = control === undefined ? [] : [control];
  try {
    const tableFd = must(call('memfd_create', ['hako-table', memfdFlags.MFD_CLOEXEC]));
    opened.push(tableFd);
    return beginMonitor(plan, tableFd, control === undefined ? undefined : { control, controlPeer: controlPeer! }, rewrite);
  } catch (error) {
    opened.forEach((fd) => closeSync(fd));
    throw error;
  } finally {
    if (controlPeer !== undefined) closeSync(controlPeer);
  }
}

function beginMonitor(plan: MonitorPlan, tableFd: number, socket: ControlSocket | undefined, rewrite?: RewriteTable): Monitor {
  const { table, inherited, ...sections } = monitorTable(plan, socket, rewrite);
  for (const { start, end } of table.sections) must(call('pwrite64', [tableFd, table.bytes.subarray(start, end), end - start, start]));
  const enter: Row[] = [
    ...rows([unblockSignals(), ...firstDescriptors(plan), ...inherited.map((fd) => call('fcntl', [fd, fcntlCommands.F_SETFD, 0]))]),
    ...rows([
      call('dup3', [tableFd, tableDescriptor, 0]),
      call('execveat', [program(), '', ['hako-monitor', plan.name, plan.owner], [], atFlags.AT_EMPTY_PATH]),
    ]),
    { call: call('exit_group', [125]) },
  ];
  if (inherited.includes(tableDescriptor)) throw new Error(`descriptor ${tableDescriptor} can't be handed to a monitor`);
  rewrite?.(enter);
  const child = vforkTable(enter, 0);
  const [refused] = refusedRows(child.table, 0, enter, child.bytes);
  if (refused) {
    performNow(call('wait4', [child.pid, null, waitFlags.__WALL, null]));
    throw new KernelError(describeCall(refused.row.call), refused.errno);
  }
  return new StartedMonitor(child.pid, tableFd, socket?.control ?? -1, table, { ...sections, plan });
}

/**
 * Descriptors 0 to 2, which must stay taken: Node closes them at execve, and what the steps open would take their place. A process
 * that is lent its caller's streams keeps them: to make a null device takes some milliseconds.
 */
const firstDescriptors = ({ parent, inherit }: MonitorPlan): Call[] =>
  [0, 1, 2].map((fd) => (parent === 'caller' && inherit.length ? call('fcntl', [fd, fcntlCommands.F_SETFD, 0]) : call('dup3', [nullDevice(), fd, 0])));

type Sections = Omit<MonitorTable, 'table' | 'inherited'> & { readonly plan: MonitorPlan };

class StartedMonitor implements Monitor {
  readonly pid: number;
  readonly tableFd: number;
  readonly control: number;
  readonly #table: Table;
  readonly #sections: Sections;
  #rowOf: ReadonlyMap<Call, Row> | undefined;

  constructor(pid: number, tableFd: number, control: number, table: Table, sections: Sections) {
    this.pid = pid;
    this.tableFd = tableFd;
    this.control = control;
    this.#table = table;
    this.#sections = sections;
  }

  #read(): Uint8Array {
    const bytes = new Uint8Array(this.#table.bytes.length);
    readSync(this.tableFd, bytes, 0, bytes.length, 0);
    return bytes;
  }

  processId(): number | undefined {
    const at = this.#table.offsetOfBytes(this.#sections.pidBytes);
    const bytes = new Uint8Array(4);
    readSync(this.tableFd, bytes, 0, 4, at);
    return new DataView(bytes.buffer).getInt32(0, true) || undefined;
  }

  failure(): TableFailure | undefined {
    const bytes = this.#read();
    const { plan, monitor, init, clone } = this.#sections;
    const find = (number: number, section: readonly Row[], steps: readonly Step<unknown>[]): TableFailure | undefined => {
      for (const { row, errno } of refusedRows(this.#table, number, section, bytes)) {
        if (row.call.accept?.includes(errno) || isClockRow(row)) continue;
        // Where the table goes on elsewhere, that is the answer to it; but not where that only asks for the reason.
        if (row.onError && row.onError !== section.at(-1) && row.onError.call !== row.call.reason) continue;
        // execve has a judge of its own. Of the others, one that failed otherwise than it may is why a later one could not but fail.
        if (plan.exec.calls.includes(row.call)) continue;
        return { step: steps.find((s) => s.calls.includes(row.call)), call: row.call, errno, detail: this.#reason(row, bytes) };
      }
      return undefined;
    };
    return find(0, monitor.slice(0, monitor.indexOf(clone) + 1), plan.before) ?? find(1, init, plan.init);
  }

  /** What the process read of why a call failed: a line for each message, with its severity before it (fsopen(2), "e tmpfs: …"). */
  #reason({ call: { reason }, onError }: Row, bytes: Uint8Array): string | undefined {
    const length = reason && onError?.call === reason ? resultOf(this.#table, onError, bytes) : undefined;
    if (length === undefined || length <= 0) return undefined;
    const at = this.#table.offsetOfBytes(reason!.args[1] as Uint8Array);
    return Buffer.from(bytes.subarray(at, at + length))
      .toString('utf8')
      .replace(/^[ewi] /, '')
      .trim();
  }

  verdict(): Verdict | undefined {
    const bytes = this.#read();
    for (const { calls, verdict } of this.#sections.plan.init) {
      const failure = verdict?.(calls.map((c) => this.#returned(c, bytes)));
      if (failure) return failure;
    }
    return undefined;
  }

  readonly outOfMemory = (): string | undefined => this.#sections.plan.outOfMemory?.();

  execResults(): readonly number[] {
    const bytes = this.#read();
    return this.#sections.plan.exec.calls.flatMap((c) => this.#returned(c, bytes) ?? []);
  }

  valueOf(wanted: Call): number | undefined {
    return this.#returned(wanted, this.#read());
  }

  #returned(made: Call, bytes: Uint8Array): number | undefined {
    const { monitor, init } = this.#sections;
    // A search in a long PATH has thousands of calls.
    this.#rowOf ??= new Map([...monitor, ...init].map((row) => [row.call, row]));
    const row = this.#rowOf.get(made);
    return row && resultOf(this.#table, row, bytes);
  }

  ran(): readonly RanCall[] {
    const bytes = this.#read();
    const { beforeSteps, clone, cloned, initSteps, plan } = this.#sections;
    const result = resultOf(this.#table, clone, bytes);
    const ended = cloned && timeOf(cloned, this.#table, bytes);
    return [
      ...beforeSteps.ran(this.#table, bytes, 'monitor'),
      ...(result === undefined
        ? []
        : [
            {
              step: { ...cloning, calls: [clone.call] },
              call: clone.call,
              lane: 'monitor' as const,
              // The child writes its zero into the same row.
              returned: result < 0 ? result : (this.processId() ?? result),
              ...(ended === undefined ? {} : { ended }),
            },
          ]),
      ...initSteps.ran(this.#table, bytes, 'process', plan.clockAhead),
    ];
  }

  readonly hasGate = (step: Step<unknown>): boolean => this.#sections.beforeSteps.hasGate(step) || this.#sections.initSteps.hasGate(step);

  skip(step: Step<unknown>): void {
    const { beforeSteps, initSteps, plan } = this.#sections;
    (plan.before.includes(step) ? beforeSteps : initSteps).skip(step, this.#table, this.tableFd);
  }

  forgetProcess(): void {
    performNow(call('ftruncate', [this.tableFd, monitorRoom]));
  }

  exitStatus(): ExitStatus | undefined {
    const bytes = new Uint8Array(statusBytes);
    readSync(this.tableFd, bytes, 0, statusBytes, this.#table.offsetOfBytes(this.#sections.status));
    return decodeStatus(bytes);
  }

  get statusOffset(): number {
    return this.#table.offsetOfBytes(this.#sections.status);
  }

  get receivedOffset(): number {
    const numberInMessage = 16; // behind cmsghdr
    return this.#table.offsetOfBytes(this.#sections.ancillary) + numberInMessage;
  }
}

/** Reads a siginfo_t as waitid(2) fills it in; undefined while it is empty. */
export function decodeStatus(siginfo: Uint8Array): ExitStatus | undefined {
  const view = new DataView(siginfo.buffer, siginfo.byteOffset);
  if (view.getInt32(0, true) !== signals.SIGCHLD) return undefined;
  const CLD_EXITED = 1;
  const status = view.getInt32(24, true);
  return view.getInt32(8, true) === CLD_EXITED ? { code: status } : { code: 128 + status, signal: status };
}

/** The sentence for a row that failed. */
export function describeFailure(failure: TableFailure): string {
  // What belongs to no step of its own is done by the monitor before it clones.
  return failureSentence(failure.step ?? cloning, failure.call, failure.errno, failure.detail ?? failure.call.failureDetail?.(failure.errno));
}

/** The process of a monitor; undefined before it is made, and once the monitor has collected it: then its id may be another's. */
export function processOf(monitor: Pick<Monitor, 'processId' | 'exitStatus'>): ProcessIdentity | undefined {
  const pid = monitor.processId();
  const found = pid === undefined ? undefined : identify(pid);
  // In this order: who is not collected yet was not when it was looked at.
  return monitor.exitStatus() === undefined ? found : undefined;
}

/** Collects a monitor that has ended, if it has. */
export function reapMonitor(pid: number): boolean {
  return performNow(call('wait4', [pid, null, waitFlags.WNOHANG | waitFlags.__WALL, null])) !== 0;
}
