/**
 * Processes as members of namespaces: which ones each is in, read by a descriptor of its directory in /proc, so that all of it is
 * of one process even when its id becomes another's meanwhile. See proc_pid_ns(5).
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { attempt } from '../../kernel/attempt.ts';
import { call } from '../../kernel/call.ts';
import { errno, errnoName } from '../../kernel/errno.ts';
import { closeFd, procPath } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { holdNamespace, namespaceKinds, type HeldNamespace, type NamespaceType } from '../../kernel/namespace.ts';
import { performNow } from '../../kernel/perform.ts';
import { printable } from '../../kernel/printable.ts';
import { ElementError, hiddenBecause, unlessRoot } from '../error.ts';

/** The ids of all processes that this process's /proc shows. */
export const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);

/** Who a process is. */
export interface ProcessFacts {
  readonly pid: number;
  readonly command: string;
  /** Its real user, as our user namespace counts. */
  readonly uid: number;
  /** Its ids, from our PID namespace's down to its own. */
  readonly pids: readonly number[];
}

/** A process's directory in /proc, held: what is read through it is of that process, or fails. */
export class ProcessDirectory {
  readonly pid: number;
  /** Its path, as long as this is open. */
  readonly path: string;
  readonly #fd: number;

  private constructor(pid: number, fd: number) {
    this.pid = pid;
    this.#fd = fd;
    this.path = procPath(fd);
  }

  /** @returns undefined when there is no such process */
  static open(pid: number): ProcessDirectory | undefined {
    const fd = performNow(call('openat', [AT_FDCWD, `/proc/${pid}`, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0]));
    return fd < 0 ? undefined : new ProcessDirectory(pid, fd);
  }

  /** @throws ElementError when there is no such process */
  static of(pid: number): ProcessDirectory {
    const directory = ProcessDirectory.open(pid);
    if (!directory) throw vanished(pid);
    return directory;
  }

  /** What a process calls itself; `ended` when there is none. */
  static commandOf(pid: number): string {
    const directory = ProcessDirectory.open(pid);
    try {
      return directory?.command || 'ended';
    } finally {
      directory?.close();
    }
  }

  close(): void {
    closeFd(this.#fd);
  }

  /** What it calls itself; empty when it is gone. */
  get command(): string {
    return printable(attempt(() => readFileSync(`${this.path}/comm`, 'utf8').trimEnd()) ?? '');
  }

  /** What everyone may see of it, whoever's it is. */
  get identity(): ProcessFacts {
    const status = attempt(() => readFileSync(`${this.path}/status`, 'utf8')) ?? '';
    const numbers = (field: string): number[] => (new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number);
    return { pid: this.pid, command: this.command, uid: numbers('Uid')[0] ?? 0, pids: numbers('NSpid') };
  }

  /** Whether it has ended, and waits for its parent to take notice. */
  get isZombie(): boolean {
    return / [ZX] /.test((attempt(() => readFileSync(`${this.path}/stat`, 'utf8')) ?? '').replace(/^.*\)/s, '').slice(0, 3));
  }

  /** Whether it has ended meanwhile. */
  get gone(): boolean {
    return attempt(() => readFileSync(`${this.path}/stat`)) === undefined;
  }

  /** Its namespaces, by the names of the files in /proc/PID/ns. `undefined` for all where it is another user's. */
  links(directory = 'ns'): Map<string, string> | undefined {
    const links = new Map<string, string>();
    for (const file of files) {
      try {
        links.set(file, readlinkSync(`${this.path}/${directory}/${file}`));
      } catch (error) {
        if (isForbidden(error)) return undefined;
      }
    }
    return links;
  }
}

const files: readonly string[] = [...namespaceKinds.map(({ type }) => type), 'pid_for_children', 'time_for_children'];

/** Whether a read failed because the kernel does not let us. */
export const isForbidden = (error: unknown): boolean => ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Whether a read failed because its process has ended. */
export const isGone = (error: unknown): boolean => ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');

/** The sentence for a process that is not there, or not any more. */
export const vanished = (pid: number): ElementError => new ElementError(`there is no process ${pid} (any more): "ps -e" lists those that there are`);

/** The sentence for a process of which the kernel does not show something: `its namespaces`. */
export const forbidden = (pid: number, what: string): ElementError =>
  new ElementError(`the kernel does not let you see ${what} of process ${pid} (EACCES): ${hiddenBecause()}${unlessRoot('; run hako as root')}`);

/** The sentence for a process that has ended, but that its parent has not waited for yet: it has left its namespaces. */
export const ended = (pid: number): ElementError => new ElementError(`process ${pid} has ended already, and has left its namespaces`);

/**
 * Holds a namespace of a process.
 * @returns undefined where this kernel has no such type
 * @throws ElementError when the process is gone, or another user's
 */
export function holdOf(directory: ProcessDirectory, type: NamespaceType): HeldNamespace | undefined {
  const held = holdNamespace(`${directory.path}/ns/${type}`);
  if (typeof held !== 'number') return held;
  const { pid } = directory;
  if (isRefusal(held)) throw forbidden(pid, 'the namespaces');
  if (directory.gone) throw vanished(pid);
  if (held !== -errno.ENOENT) throw new ElementError(`the ${type} namespace of process ${pid} cannot be opened (${errnoName(-held)})`);
  if (existsSync(`/proc/self/ns/${type}`)) throw ended(pid);
  return undefined;
}

/** Whether a negative errno says that the kernel does not let us. */
export const isRefusal = (returned: number): boolean => returned === -errno.EACCES || returned === -errno.EPERM;
