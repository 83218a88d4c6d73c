/**
 * A process as /proc shows it to the host: what `top` prints. Nothing of the container is run for it, and no file of the
 * container is read: names of users are the host's. See proc_pid_stat(5), proc_pid_status(5), proc_pid_cmdline(5).
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { printable } from '../kernel/printable.ts';

/** Times in seconds, sizes in bytes. */
export interface ProcessFigures {
  readonly pid: number;
  readonly parent: number;
  readonly processGroup: number;
  readonly session: number;
  /** Device number of its terminal; 0 for none. */
  readonly terminal: number;
  readonly state: string;
  /** Processor time it has used. */
  readonly time: number;
  /** Since the epoch. */
  readonly started: number;
  readonly elapsed: number;
  readonly nice: number;
  readonly priority: number;
  readonly threads: number;
  readonly processor: number;
  /** Of its controlling terminal, the foreground process group. */
  readonly foreground: number;
  readonly uid: number;
  readonly realUid: number;
  readonly gid: number;
  readonly realGid: number;
  readonly resident: number;
  readonly virtual: number;
  readonly locked: number;
  /** At most 15 bytes; the process may have set it. */
  readonly name: string;
  /** Its arguments, with blanks between; the name in brackets when it has none. */
  readonly command: string;
}

/** USER_HZ: what /proc counts time in, on every architecture that we run on. */
const ticksPerSecond = 100;
/** Bytes of arguments that are read: a process may have megabytes of them. */
const maximumArguments = 4096;

/** What all processes are measured by, read once. */
export interface Clock {
  /** Seconds since boot. */
  readonly uptime: number;
  /** When the machine booted, in seconds since the epoch. */
  readonly boot: number;
}

export function readClock(): Clock {
  const uptime = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
  return { uptime, boot: Date.now() / 1000 - uptime };
}

/** Reads a process; undefined when it is gone. */
export function readProcess(pid: number, clock: Clock): ProcessFigures | undefined {
  try {
    return parseProcess(pid, clock, readFileSync(`/proc/${pid}/stat`, 'latin1'), readFileSync(`/proc/${pid}/status`, 'latin1'), readArguments(pid));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function readArguments(pid: number): string {
  const fd = openSync(`/proc/${pid}/cmdline`, 'r');
  try {
    const bytes = Buffer.alloc(maximumArguments);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, maximumArguments, 0));
  } finally {
    closeSync(fd);
  }
}

function parseProcess(pid: number, clock: Clock, stat: string, status: string, argumentText: string): ProcessFigures {
  // The name, in parentheses, may contain anything; fields are counted from behind it.
  const end = stat.lastIndexOf(')');
  const name = printable(Buffer.from(stat.slice(stat.indexOf('(') + 1, end), 'latin1').toString('utf8'));
  const fields = stat.slice(end + 2).split(' ');
  /** A field by its number in proc_pid_stat(5). */
  const field = (number: number): number => Number(fields[number - 3]);
  const ids = (key: string): number[] => line(status, key).split('\t').map(Number);
  const kilobytes = (key: string): number => (Number.parseInt(line(status, key), 10) || 0) * 1024;
  const [realUid = 0, uid = 0] = ids('Uid');
  const [realGid = 0, gid = 0] = ids('Gid');
  const sinceBoot = field(22) / ticksPerSecond;
  const words = printable(argumentText.replace(/\0+$/, '').replaceAll('\0', ' '));
  return {
    pid,
    parent: field(4),
    processGroup: field(5),
    session: field(6),
    terminal: field(7),
    foreground: field(8),
    state: fields[0] ?? '?',
    time: (field(14) + field(15)) / ticksPerSecond,
    started: clock.boot + sinceBoot,
    elapsed: Math.max(0, clock.uptime - sinceBoot),
    priority: field(18),
    nice: field(19),
    threads: field(20),
    processor: field(39),
    uid,
    realUid,
    gid,
    realGid,
    resident: kilobytes('VmRSS'),
    virtual: kilobytes('VmSize'),
    locked: kilobytes('VmLck'),
    name,
    command: words.trim() === '' ? `[${name}]` : words,
  };
}

/** The rest of the line of /proc/PID/status that begins with the key. */
const line = (status: string, key: string): string => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
