/** The columns of ps(1) that `top` can print: headings and forms are those of procps. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { ProcessFigures } from './top-process.ts';

/** What is looked up for all processes together. */
export interface ColumnContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  userName(uid: number): string;
  groupName(gid: number): string;
}

export interface Column {
  readonly title: string;
  value(process: ProcessFigures, context: ColumnContext): string;
}

type Value = Column['value'];

const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');

/** `[DD-]HH:MM:SS` */
function time(seconds: number): string {
  const days = Math.floor(seconds / 86400);
  return `${days > 0 ? `${two(days)}-` : ''}${two((seconds / 3600) % 24)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** `[[DD-]HH:]MM:SS` */
function elapsed(seconds: number): string {
  return seconds < 3600 ? time(seconds).slice(3) : time(seconds);
}

/** Minutes and seconds. */
const shortTime = (seconds: number): string => `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const clock = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}`;

/** The hour today, the day this year, else the year. */
function startTime(started: number, now: number): string {
  const [at, today] = [new Date(started * 1000), new Date(now)];
  if (at.getFullYear() !== today.getFullYear()) return String(at.getFullYear());
  return at.getMonth() === today.getMonth() && at.getDate() === today.getDate() ? clock(at) : `${months[at.getMonth()]}${two(at.getDate())}`;
}

function longStart(started: number): string {
  const at = new Date(started * 1000);
  return `${days[at.getDay()]} ${months[at.getMonth()]} ${String(at.getDate()).padStart(2)} ${clock(at)}:${two(at.getSeconds())} ${at.getFullYear()}`;
}

/** Per cent of one processor since it started. */
const processorShare = ({ time, elapsed }: ProcessFigures): number => (elapsed > 0 ? Math.min(999, (100 * time) / elapsed) : 0);

/** The name of a terminal by its device number; see include/linux/kdev_t.h and Documentation/admin-guide/devices.txt. */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${minor + (major - 136) * 256}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return major === 5 && minor === 1 ? 'console' : '?';
}

/** The state and what ps(1) adds to it, "PROCESS STATE CODES". */
function fullState(p: ProcessFigures): string {
  const nice = p.nice < 0 ? '<' : p.nice > 0 ? 'N' : '';
  return `${p.state}${nice}${p.locked > 0 ? 'L' : ''}${p.session === p.pid ? 's' : ''}${p.threads > 1 ? 'l' : ''}${p.foreground === p.processGroup ? '+' : ''}`;
}

const kilobytes = (bytes: number): string => String(Math.floor(bytes / 1024));

const values = {
  pid: (p) => String(p.pid),
  parent: (p) => String(p.parent),
  processGroup: (p) => String(p.processGroup),
  session: (p) => String(p.session),
  user: (p, c) => c.userName(p.uid),
  uid: (p) => String(p.uid),
  realUser: (p, c) => c.userName(p.realUid),
  realUid: (p) => String(p.realUid),
  group: (p, c) => c.groupName(p.gid),
  gid: (p) => String(p.gid),
  realGroup: (p, c) => c.groupName(p.realGid),
  realGid: (p) => String(p.realGid),
  name: (p) => p.name,
  command: (p) => p.command,
  share: (p) => processorShare(p).toFixed(1),
  wholeShare: (p) => String(Math.min(99, Math.floor(processorShare(p)))),
  memoryShare: (p) => ((100 * p.resident) / totalmem()).toFixed(1),
  virtual: (p) => kilobytes(p.virtual),
  resident: (p) => kilobytes(p.resident),
  terminal: (p) => terminalName(p.terminal),
  state: (p) => p.state,
  fullState,
  time: (p) => time(p.time),
  shortTime: (p) => shortTime(p.time),
  elapsed: (p) => elapsed(p.elapsed),
  elapsedSeconds: (p) => String(Math.floor(p.elapsed)),
  startTime: (p, c) => startTime(p.started, c.now),
  longStart: (p) => longStart(p.started),
  nice: (p) => String(p.nice),
  priority: (p) => String(39 - p.priority),
  threads: (p) => String(p.threads),
  processor: (p) => String(p.processor),
} satisfies Record<string, Value>;

/** Format specifiers of `-o` with their headings, "STANDARD FORMAT SPECIFIERS" of ps(1). */
const specifiers: readonly (readonly [names: string, title: string, value: Value])[] = [
  ['pid tgid', 'PID', values.pid],
  ['ppid', 'PPID', values.parent],
  ['pgid pgrp', 'PGID', values.processGroup],
  ['sid sess session', 'SID', values.session],
  ['user uname', 'USER', values.user],
  ['euser', 'EUSER', values.user],
  ['uid', 'UID', values.uid],
  ['euid', 'EUID', values.uid],
  ['ruser', 'RUSER', values.realUser],
  ['ruid', 'RUID', values.realUid],
  ['group', 'GROUP', values.group],
  ['egroup', 'EGROUP', values.group],
  ['gid', 'GID', values.gid],
  ['egid', 'EGID', values.gid],
  ['rgroup', 'RGROUP', values.realGroup],
  ['rgid', 'RGID', values.realGid],
  ['comm ucomm', 'COMMAND', values.name],
  ['ucmd', 'CMD', values.name],
  ['args command', 'COMMAND', values.command],
  ['cmd', 'CMD', values.command],
  ['%cpu pcpu', '%CPU', values.share],
  ['c', 'C', values.wholeShare],
  ['%mem pmem', '%MEM', values.memoryShare],
  ['vsz vsize', 'VSZ', values.virtual],
  ['rss rssize rsz', 'RSS', values.resident],
  ['tty tt', 'TT', values.terminal],
  ['tname', 'TTY', values.terminal],
  ['s state', 'S', values.state],
  ['stat', 'STAT', values.fullState],
  ['time cputime', 'TIME', values.time],
  ['bsdtime', 'TIME', values.shortTime],
  ['etime', 'ELAPSED', values.elapsed],
  ['etimes', 'ELAPSED', values.elapsedSeconds],
  ['stime', 'STIME', values.startTime],
  ['start_time bsdstart', 'START', values.startTime],
  ['start lstart', 'STARTED', values.longStart],
  ['ni nice', 'NI', values.nice],
  ['pri', 'PRI', values.priority],
  ['nlwp thcount', 'NLWP', values.threads],
  ['psr', 'PSR', values.processor],
];

const byName: ReadonlyMap<string, Column> = new Map(
  specifiers.flatMap(([names, title, value]) => names.split(' ').map((name) => [name, { title, value }] as const)),
);

/** A column by the name that `-o` knows it by, such as `pid` or `%cpu`. */
export const columnOf = (name: string): Column | undefined => byName.get(name);

/** The names that `-o` knows. */
export const columnNames: readonly string[] = [...byName.keys()];

const layout = (columns: readonly (readonly [title: string, value: Value])[]): Column[] => columns.map(([title, value]) => ({ title, value }));

/** What ps prints without `-o`. */
export const layouts = {
  plain: layout([
    ['PID', values.pid],
    ['TTY', values.terminal],
    ['TIME', values.time],
    ['CMD', values.name],
  ]),
  full: layout([
    ['UID', values.user],
    ['PID', values.pid],
    ['PPID', values.parent],
    ['C', values.wholeShare],
    ['STIME', values.startTime],
    ['TTY', values.terminal],
    ['TIME', values.time],
    ['CMD', values.command],
  ]),
  jobs: layout([
    ['PID', values.pid],
    ['PGID', values.processGroup],
    ['SID', values.session],
    ['TTY', values.terminal],
    ['TIME', values.time],
    ['CMD', values.name],
  ]),
  /** Of `ps ax`. */
  states: layout([
    ['PID', values.pid],
    ['TTY', values.terminal],
    ['STAT', values.fullState],
    ['TIME', values.shortTime],
    ['COMMAND', values.command],
  ]),
  /** Of `ps u`. */
  user: layout([
    ['USER', values.user],
    ['PID', values.pid],
    ['%CPU', values.share],
    ['%MEM', values.memoryShare],
    ['VSZ', values.virtual],
    ['RSS', values.resident],
    ['TTY', values.terminal],
    ['STAT', values.fullState],
    ['START', values.startTime],
    ['TIME', values.shortTime],
    ['COMMAND', values.command],
  ]),
} as const;

/** Names of the host's users and groups; a number that has none stands for itself. The files are read when they are first needed. */
export function columnContext(now: number = Date.now()): ColumnContext {
  let users: ReadonlyMap<string, string> | undefined;
  let groups: ReadonlyMap<string, string> | undefined;
  return {
    now,
    userName: (uid) => (users ??= namesIn('/etc/passwd')).get(String(uid)) ?? String(uid),
    groupName: (gid) => (groups ??= namesIn('/etc/group')).get(String(gid)) ?? String(gid),
  };
}

/** Names by number from passwd(5) or group(5); the first name of a number counts. */
function namesIn(file: string): Map<string, string> {
  const names = new Map<string, string>();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return names;
  }
  for (const entry of text.split('\n')) {
    const [name, , number] = entry.split(':');
    if (name && number && !names.has(number)) names.set(number, name);
  }
  return names;
}
