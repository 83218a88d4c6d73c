/** `hako cgroup top`: all cgroups live, as a full screen on a terminal, as tables or JSON lines elsewhere. */
import { cgroupPath, existing } from '../../element/cgroup/name.ts';
import { between, sample, sorted, sortKeys, type Interval, type Sample, type SortKey } from '../../element/cgroup/top.ts';
import { cgroups } from '../cgroup-output.ts';
import { columnsText, screenLines, tableLines, type Screen } from '../cgroup-top-table.ts';
import { defineCommand, UsageError } from '../command.ts';
import { containerNames } from '../containers-known.ts';
import { refusal } from '../element.ts';
import { fullScreen } from '../full-screen.ts';
import { painter } from '../paint.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [NAME...]'],
  description:
    'With names: those cgroups and what is below them. CPU time, throttling, I/O and waiting are\nthose of the interval. On a terminal the line below the table says what the selected numbers mean.',
  count: [0, Infinity],
  flags: {
    'explain-columns': { kind: 'bool', help: 'Say what each column means, and end' },
    format: { kind: 'string', help: "'table', or 'json': one line of JSON for each interval", completes: ['table', 'json'] },
    interval: { kind: 'duration', short: 'i', default: '1s', help: 'Time between two looks (ms|s|m|h)' },
    once: { kind: 'bool', help: 'Print one interval and end' },
    sort: { kind: 'string', default: 'cpu', help: `Order: ${sortKeys.join(', ')}`, completes: sortKeys },
  },
  async run({ flags, args }) {
    if (flags['explain-columns']) {
      process.stdout.write(columnsText());
      return 0;
    }
    const sort = sortKeys.find((key) => key === (flags.sort ?? 'cpu'));
    if (!sort) throw new UsageError(`invalid argument "${flags.sort}" for "--sort" flag: it must be one of ${sortKeys.join(', ')}`);
    const { format = 'table' } = flags;
    if (format !== 'table' && format !== 'json') throw new UsageError(`invalid argument "${format}" for "--format" flag: it must be table or json`);
    const interval = (flags.interval ?? 1e9) / 1e6;
    if (interval < 100) throw new UsageError('an interval of less than 100 ms shows nothing: the kernel counts in steps of milliseconds');
    const top = new Top(args, interval);
    if (format === 'table' && !flags.once && process.stdout.isTTY) return live(top, sort);
    return plain(top, sort, { json: format === 'json', once: flags.once });
  },
});

/** Looks again and again; an interval lies between two looks. */
class Top {
  readonly milliseconds: number;
  readonly #under: readonly string[];
  readonly #layout = cgroups();
  #last: Sample;
  #names: ReadonlyMap<string, string> = new Map();
  #named = -Infinity;

  constructor(names: readonly string[], milliseconds: number) {
    this.milliseconds = milliseconds;
    try {
      for (const name of names) existing(this.#layout, name);
      this.#under = names.length ? names.map(cgroupPath) : [''];
    } catch (error) {
      throw refusal(error);
    }
    this.#last = sample(this.#layout, this.#under);
  }

  get mode(): string {
    return this.#layout.mode;
  }

  /** What happened since the last look. Names of containers are asked for every few seconds: they rarely change. */
  async look(): Promise<Interval> {
    if (performance.now() - this.#named > 3000) {
      this.#named = performance.now();
      this.#names = await containerNames();
    }
    const now = sample(this.#layout, this.#under);
    const interval = between(this.#last, now, this.#names);
    this.#last = now;
    return interval;
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function plain(top: Top, sort: SortKey, { json, once }: { readonly json: boolean; readonly once: boolean }): Promise<number> {
  for (;;) {
    await pause(top.milliseconds);
    const interval = await top.look();
    const rows = sorted(interval.rows, sort);
    const columns = process.stdout.columns || 120;
    if (json) process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...interval, rows })}\n`);
    else process.stdout.write(`${tableLines(rows, { columns, paint: painter() }).join('\n')}\n${once ? '' : '\n'}`);
    if (once) return 0;
  }
}

const sortOf: Readonly<Record<string, SortKey>> = { c: 'cpu', s: 'throttled', m: 'memory', o: 'oom', p: 'pids', i: 'io', w: 'pressure', n: 'name' };

/** The full screen: drawn over itself, so that it does not flicker; keys change order and selection at once. */
async function live(top: Top, sort: SortKey): Promise<number> {
  const screen = fullScreen();
  const state = { sort, path: '', key: true };
  let interval = await top.look();
  const draw = (): void => {
    const rows = sorted(interval.rows, state.sort);
    const selected = Math.max(
      0,
      rows.findIndex((row) => row.path === state.path),
    );
    const size: Screen = { ...screen.size(), paint: painter(), mode: top.mode, sort: state.sort, every: top.milliseconds / 1000, selected, key: state.key };
    screen.draw(screenLines(interval, rows, size));
  };
  const step = (by: number): void => {
    const rows = sorted(interval.rows, state.sort);
    const at = Math.max(
      0,
      rows.findIndex((row) => row.path === state.path),
    );
    state.path = rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.path ?? '';
  };
  try {
    // The first interval is short, so that there is something to see.
    for (let wait = Math.min(250, top.milliseconds); ; wait = top.milliseconds) {
      const ended = await screen.keysFor(wait, (key) => {
        if (key in sortOf) state.sort = sortOf[key]!;
        else if (key === 'k') state.key = !state.key;
        else if (key === 'up') step(-1);
        else if (key === 'down') step(1);
        else return key === 'q';
        draw();
        return false;
      });
      if (ended) return 0;
      interval = await top.look();
      draw();
    }
  } finally {
    screen.leave();
  }
}
