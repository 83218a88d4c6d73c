/**
 * A process in a container, as the engine holds it: its streams, its end, signals to it. It can be written down and
 * taken up again by an engine that is started later, since its monitor holds everything.
 */
import { closeSync, readFileSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { errno } from '../kernel/errno.ts';
import { openProcess, signalProcess, takeDescriptor, type ProcessIdentity } from '../kernel/process.ts';
import { tableDescriptor } from '../kernel/launch/program.ts';
import { resizeTerminal } from './console.ts';
import { decodeStatus, reapMonitor, type ExitStatus } from './monitor.ts';

/** The engine's descriptors of a process's streams. With a terminal, only `terminal`. */
export interface Streams {
  readonly stdin?: number;
  readonly stdout?: number;
  readonly stderr?: number;
  readonly terminal?: number;
}

/** What is written down of a running process. Descriptor numbers are the monitor's. */
export interface ProcessRecord {
  readonly process: ProcessIdentity;
  readonly monitor: ProcessIdentity;
  readonly control: number;
  readonly statusOffset: number;
  readonly held: Streams;
  /** Where in the table the monitor has the number under which it received the terminal. */
  readonly terminalOffset?: number;
}

const statusBytes = 128;
const unknownStatus: ExitStatus = { code: 137, signal: 9 };

/** A process in a container. */
export class ContainerProcess {
  readonly record: ProcessRecord;
  readonly streams: Streams;
  /** Settles when the process has ended. Output may still be in the pipes. */
  readonly exited: Promise<ExitStatus>;
  readonly #pidfd: number;
  readonly #table: number;
  readonly #control: Socket;
  #released = false;

  /**
   * @param pidfd of the process; -1 when it had ended before it could be opened
   * @param table descriptor of the monitor's table
   * @param control our end of the monitor's socket
   */
  constructor(record: ProcessRecord, streams: Streams, pidfd: number, table: number, control: number) {
    this.record = record;
    this.streams = streams;
    this.#pidfd = pidfd;
    this.#table = table;
    this.#control = new Socket({ fd: control, readable: true, writable: true });
    this.#control.on('error', () => {});
    this.exited = new Promise((resolve) => {
      const ended = (): void => resolve(this.#status() ?? unknownStatus);
      this.#control.once('data', ended);
      this.#control.once('close', ended);
    });
    // A status that came while no engine was there to be told.
    const status = this.#status();
    if (status) this.exited = Promise.resolve(status);
  }

  get pid(): number {
    return this.record.process.pid;
  }

  /** Sends a signal; false when the process has ended. */
  signal(signal: number): boolean {
    return this.#pidfd >= 0 && !this.#released && signalProcess(this.#pidfd, signal) !== -errno.ESRCH;
  }

  /** Sets the size of its terminal, in characters. */
  resize(height: number, width: number): void {
    if (this.streams.terminal !== undefined) resizeTerminal(this.streams.terminal, height, width);
  }

  /** Lets the monitor end, once the output has been read to its end. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    const { pid } = this.record.monitor;
    this.#control.once('close', () => collect(pid));
    this.#control.end('x');
    this.#control.resume();
    closeSync(this.#table);
    if (this.#pidfd >= 0) closeSync(this.#pidfd);
  }

  #status(): ExitStatus | undefined {
    if (this.#released) return undefined;
    const bytes = new Uint8Array(statusBytes);
    readSync(this.#table, bytes, 0, statusBytes, this.record.statusOffset);
    return decodeStatus(bytes);
  }
}

/** Collects our child when it has ended: its socket closes a moment before it can be waited for. */
function collect(pid: number): void {
  if (!reapMonitor(pid)) setTimeout(() => collect(pid), 20).unref();
}

/** Takes up a process that an earlier engine started; undefined when its monitor is gone. */
export function recoverProcess(record: ProcessRecord): ContainerProcess | undefined {
  const monitor = openProcess(record.monitor);
  if (monitor === undefined) return undefined;
  const control = takeDescriptor(monitor, record.control);
  const table = takeDescriptor(monitor, tableDescriptor);
  const take = (name: keyof Streams): Partial<Streams> => {
    const fd = record.held[name];
    const taken = fd === undefined ? -1 : takeDescriptor(monitor, fd);
    return taken < 0 ? {} : { [name]: taken };
  };
  const terminal = record.terminalOffset === undefined || table < 0 ? -1 : takeDescriptor(monitor, readInt32(table, record.terminalOffset));
  const streams = { ...take('stdout'), ...take('stderr'), ...(terminal < 0 ? {} : { terminal }) };
  closeSync(monitor);
  if (control < 0 || table < 0) return undefined;
  return new ContainerProcess(record, streams, openProcess(record.process) ?? -1, table, control);
}

function readInt32(fd: number, offset: number): number {
  const bytes = new Uint8Array(4);
  readSync(fd, bytes, 0, 4, offset);
  return new DataView(bytes.buffer).getInt32(0, true);
}

/** A monitor found on this machine, whoever knows of it. */
export interface FoundMonitor {
  readonly pid: number;
  /** The container's or exec's id. */
  readonly name: string;
}

/** The monitors of an engine that are running: for one that was started after a crash. */
export function findMonitors(owner: string, pids: readonly number[]): FoundMonitor[] {
  return pids.flatMap((pid) => {
    try {
      const [program, name, of] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return program === 'hako-monitor' && of === owner && name ? [{ pid, name }] : [];
    } catch {
      return [];
    }
  });
}
