/**
 * The text of `hako cgroup top`: a table that fits the terminal, what its columns mean, and one cgroup's numbers as sentences.
 * Pure: it is given numbers and a size, and gives lines.
 */
import { bytesText, timeText } from '../element/cgroup/meanings.ts';
import type { Interval, Machine, Row, SortKey } from '../element/cgroup/top.ts';
import type { Painter } from './paint.ts';
import { wrapProse } from './prose.ts';
import { printable } from './terminal-text.ts';

/** How much room there is, and how it may look. */
export interface Canvas {
  readonly columns: number;
  readonly paint: Painter;
}

interface TopColumn {
  readonly title: string;
  readonly width: number;
  readonly cell: (row: Row) => string;
  /** Whether the cell is to be seen first. */
  readonly alarm?: (row: Row) => boolean;
  /** After the title: what the number means, in a few words. */
  readonly meaning: string;
  /** And in more, for `--explain-columns`. */
  readonly more?: string;
  /** `both`, or only where the table is wide, or only where it is not. */
  readonly shown: 'both' | 'wide' | 'narrow';
}

const none = '-';
const percent = (value: number | undefined): string => (value === undefined ? none : value < 9.95 ? value.toFixed(1) : String(Math.round(value)));

/** Bytes in at most six characters: `1.2M`. */
function short(bytes: number | undefined): string {
  if (bytes === undefined) return none;
  const units = ['', 'K', 'M', 'G', 'T', 'P'];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${unit > 0 && bytes < 9.95 ? bytes.toFixed(1) : Math.round(bytes)}${units[unit]}`;
}

const waited = (row: Row): [letter: string, value: number] | undefined =>
  (
    [
      ['c', row.pressure?.cpu],
      ['m', row.pressure?.memory],
      ['i', row.pressure?.io],
    ] as const
  )
    .flatMap(([letter, value]): [string, number][] => (value === undefined ? [] : [[letter, value]]))
    .toSorted((a, b) => b[1] - a[1])[0];

const high = 50; // percent: half of the time

const columns: readonly TopColumn[] = [
  { title: 'CPU%', width: 5, shown: 'both', cell: (r) => percent(r.cpu), meaning: 'processor time, 100 = one processor' },
  {
    title: 'OF%',
    width: 4,
    shown: 'both',
    cell: (r) => (r.cpuCeiling === undefined ? none : String(Math.round(r.cpuCeiling))),
    meaning: 'its ceiling',
    more: ', in the same unit: cpu.max, or cpu.cfs_quota_us by cpu.cfs_period_us',
  },
  {
    title: 'STOP%',
    width: 5,
    shown: 'both',
    cell: (r) => (r.throttled === undefined ? none : String(Math.round(r.throttled))),
    alarm: (r) => (r.throttled ?? 0) >= high,
    meaning: 'of its periods it used the ceiling up and stood still',
    more: ' until the next one: throttling, nr_throttled of nr_periods in cpu.stat',
  },
  {
    title: 'MEM',
    width: 5,
    shown: 'both',
    cell: (r) => short(r.memory),
    meaning: 'memory used, with file cache',
    more: ', which the kernel drops when memory gets short',
  },
  {
    title: 'OF',
    width: 5,
    shown: 'both',
    cell: (r) => short(r.memoryLimit),
    alarm: (r) => (r.memory ?? 0) > 0.9 * (r.memoryLimit ?? Infinity),
    meaning: 'its limit',
  },
  {
    title: 'OOM',
    width: 4,
    shown: 'both',
    cell: (r) => (r.oomKills === undefined ? none : String(r.oomKills)),
    alarm: (r) => (r.oomKills ?? 0) > 0,
    meaning: 'killed for want of memory',
    more: ': processes that the kernel ended since the cgroup was made, because its memory was used up',
  },
  {
    title: 'PIDS',
    width: 5,
    shown: 'both',
    cell: (r) => (r.pids === undefined ? none : String(r.pids)),
    alarm: (r) => r.pidsLimit !== undefined && (r.pids ?? 0) >= r.pidsLimit,
    meaning: 'processes and threads',
  },
  { title: 'OF', width: 5, shown: 'wide', cell: (r) => (r.pidsLimit === undefined ? none : String(r.pidsLimit)), meaning: 'their limit' },
  {
    title: 'I/O/s',
    width: 5,
    shown: 'narrow',
    cell: (r) => (r.read === undefined ? none : short(r.read + (r.written ?? 0))),
    meaning: 'bytes read and written',
    more: ' on block devices, all of them together',
  },
  { title: 'READ/s', width: 6, shown: 'wide', cell: (r) => short(r.read), meaning: 'bytes read', more: ' from block devices' },
  { title: 'WRITE/s', width: 7, shown: 'wide', cell: (r) => short(r.written), meaning: 'written' },
  {
    title: 'WAIT%',
    width: 5,
    shown: 'narrow',
    cell: (r) => (waited(r) ? `${Math.round(waited(r)![1])}${waited(r)![1] >= 0.5 ? waited(r)![0] : ''}` : none),
    alarm: (r) => (waited(r)?.[1] ?? 0) >= high,
    meaning: 'of the time a process waited: c processor, m memory, i I/O',
    more: ' (pressure, PSI: some process wanted it and could not go on; the worst of the three)',
  },
  {
    title: 'WAITcpu',
    width: 7,
    shown: 'wide',
    cell: (r) => percent(r.pressure?.cpu),
    alarm: (r) => (r.pressure?.cpu ?? 0) >= high,
    meaning: '% of the time a process waited for a processor',
    more: ' (pressure, PSI: it wanted one and could not go on)',
  },
  { title: 'mem', width: 4, shown: 'wide', cell: (r) => percent(r.pressure?.memory), alarm: (r) => (r.pressure?.memory ?? 0) >= high, meaning: 'for memory' },
  { title: 'I/O', width: 4, shown: 'wide', cell: (r) => percent(r.pressure?.io), alarm: (r) => (r.pressure?.io ?? 0) >= high, meaning: 'for block I/O' },
];

const wideFrom = 108;
/** The columns that have room; where there is little, the last ones are left out. */
function shownAt(width: number): readonly TopColumn[] {
  let room = width - leastName;
  return columns
    .filter(({ shown }) => shown === 'both' || shown === (width >= wideFrom ? 'wide' : 'narrow'))
    .filter((column) => (room -= column.width + 1) >= 0);
}

/** What a cgroup's name takes at least, with its mark. */
const leastName = 12;

/** Which columns mean what, wrapped to the width. */
export function keyLines({ columns: width }: Canvas): string[] {
  return wrapProse(
    shownAt(width)
      .map(({ title, meaning }) => `${title} ${meaning}`)
      .join(' · '),
    width,
  );
}

/** The same, one column a line, for `--explain-columns`. */
export function columnsText(): string {
  const line = (title: string, meaning: string): string =>
    wrapProse(meaning, 68)
      .map((text, i) => `${(i ? '' : title).padEnd(10)}${text}\n`)
      .join('');
  const named = line('CGROUP', "the cgroup's path below the root of each hierarchy, or a container's name; (frozen) when its processes stand still");
  return `${named}${columns.map(({ title, meaning, more = '' }) => line(title, meaning + more)).join('')}`;
}

/** The heading and a line for each row. The selected one is marked. */
export function tableLines(rows: readonly Row[], canvas: Canvas, selected?: number): string[] {
  const shown = shownAt(canvas.columns);
  const mark = selected === undefined ? '' : ' ';
  const room = Math.max(canvas.columns - mark.length - shown.reduce((total, { width }) => total + width + 1, 0), 1);
  const heading = `${mark}${'CGROUP'.padEnd(room)}${shown.map(({ title, width }) => ` ${title.padStart(width)}`).join('')}`;
  const lines = rows.map((row, i) => {
    const label = nameCell(row, room);
    const name = row.container === undefined ? label : canvas.paint('cyan', label);
    const cells = shown.map((column) => {
      const text = ` ${column.cell(row).padStart(column.width)}`;
      return column.alarm?.(row) ? canvas.paint('red', text) : text;
    });
    return `${i === selected ? canvas.paint('bold', '>') : mark}${name}${cells.join('')}`;
  });
  return [canvas.paint('inverse', heading), ...lines];
}

/** Ids are told apart by their first digits, as everywhere. */
const brief = (path: string): string => printable(path).replace(/[0-9a-f]{32,}/g, (id) => id.slice(0, 12));

function nameCell({ container, path, frozen }: Row, room: number): string {
  const name = `${container ?? brief(path)}${frozen ? ' (frozen)' : ''}`;
  // The end of a path tells more than its beginning.
  return (name.length > room ? `…${name.slice(name.length - room + 1)}` : name).padEnd(room);
}

/** One line about the whole machine. */
function machineText({ processors, cpu, memoryTotal, memoryAvailable, pressure }: Machine): string {
  const waits = (['cpu', 'memory', 'io'] as const).flatMap((resource) =>
    pressure[resource] === undefined ? [] : [`${waitNames[resource]} ${Math.round(pressure[resource])}%`],
  );
  const used = `mem ${short(memoryTotal - memoryAvailable)} of ${short(memoryTotal)}`;
  return `the machine: cpu ${Math.round(cpu)}% of ${processors * 100}% · ${used}${waits.length ? ` · waiting: ${waits.join(', ')}` : ''}`;
}

const waitNames = { cpu: 'cpu', memory: 'mem', io: 'I/O' } as const;

/** The numbers of one cgroup in sentences. */
export function rowText(row: Row): string {
  const name = row.container === undefined ? brief(row.path) : `${row.container} (${brief(row.path)})`;
  return [row.frozen ? `${name} is frozen: its processes stand still.` : `${name}:`, cpuText(row), memoryText(row), restText(row)].filter(Boolean).join(' ');
}

function cpuText(row: Row): string {
  if (row.cpu === undefined) return '';
  const used = `it used ${percent(row.cpu)}% of one processor`;
  if (row.cpuCeiling === undefined) return `${used}, and has no ceiling.`;
  const ceiling = `its ceiling is ${Math.round(row.cpuCeiling)}% (${row.cpuCeilingFiles})`;
  if (!row.throttled) return `${used}; ${ceiling}, and it was not stopped by it.`;
  const stood = timeText((row.throttledTime ?? 0) * 1e6);
  return `${used}; ${ceiling}: in ${Math.round(row.throttled)}% of the periods it had used that up and was stopped, and its processors stood still ${stood} of each second.`;
}

function memoryText(row: Row): string {
  if (row.memory === undefined) return '';
  const cache = row.cache ? `, of which ${bytesText(row.cache)} are file cache that can be dropped` : '';
  const limit = row.memoryLimit === undefined ? 'no limit' : `its limit is ${bytesText(row.memoryLimit)}, which it reached ${row.limitHits} times`;
  const killed = row.oomKills ? `; ${row.oomKills} of its processes were killed because memory was used up` : '';
  return `Memory: ${bytesText(row.memory)}${cache}; ${limit}${killed}.`;
}

function restText(row: Row): string {
  const pids = row.pids === undefined ? '' : `${row.pids} processes and threads${row.pidsLimit === undefined ? '' : `, at most ${row.pidsLimit}`}.`;
  const worst = waited(row);
  const resource = { c: 'a processor', m: 'memory', i: 'block I/O' }[worst?.[0] ?? 'c'];
  const waits = worst && worst[1] >= 0.5 ? ` ${Math.round(worst[1])}% of the time some process of it waited for ${resource}.` : '';
  return `${pids}${waits}`;
}

/** What a whole screen is made of. */
export interface Screen extends Canvas {
  readonly lines: number;
  readonly mode: string;
  readonly sort: SortKey;
  readonly every: number;
  readonly selected: number;
  readonly key: boolean;
}

/** A full screen: heading, table, the selected cgroup in sentences, what the columns mean. Exactly as many lines as there are, none too long. */
export function screenLines({ machine }: Interval, rows: readonly Row[], screen: Screen): string[] {
  const dim = (text: string): string => screen.paint('dim', text);
  const sentence =
    screen.lines >= 16 && rows[screen.selected]
      ? wrapProse(rowText(rows[screen.selected]!), screen.columns)
          .slice(0, 5)
          .map((line) => line.slice(0, screen.columns))
      : [];
  const told = screen.lines >= 16 ? ['', ...sentence, ...Array.from({ length: 5 - sentence.length }, () => '')] : [];
  const key = screen.key && screen.lines >= 24 ? keyLines(screen).map(dim) : [];
  const help = dim('q quit · ↑↓ select · sort: c cpu s stop m mem o oom p pids i I/O w wait · k key'.slice(0, screen.columns));
  const head = [
    `hako cgroup top · ${screen.mode} · ${rows.length} cgroups by ${screen.sort} · every ${screen.every} s`.slice(0, screen.columns),
    machineText(machine).slice(0, screen.columns),
  ];
  const room = Math.max(screen.lines - head.length - 1 - told.length - key.length - 1, 1);
  const first = Math.max(0, Math.min(screen.selected - room + 1, rows.length - room));
  const table = tableLines(rows.slice(first, first + room), screen, screen.selected - first);
  const fill = Array.from({ length: Math.max(room + 1 - table.length, 0) }, () => '');
  return [...head, ...table, ...fill, ...told, ...key, help].slice(0, screen.lines);
}
