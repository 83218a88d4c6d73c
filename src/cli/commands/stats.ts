/** `hako stats`: what containers use, now or live. */
import type { ContainerSummary, StatsSample } from '../../api/schema.ts';
import { get, segment, send } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { listFormatFlag } from '../format-flag.ts';
import { jsonLines } from '../json-lines.ts';
import { listText } from '../list-output.ts';
import { statsList, statsRow, type StatsRow } from '../stats-row.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [CONTAINER...]'],
  count: [0, Infinity],
  completes: ['running'],
  flags: {
    all: { kind: 'bool', short: 'a', help: 'Show all containers (default shows just running)' },
    format: listFormatFlag,
    'no-stream': { kind: 'bool', help: 'Disable streaming stats and only pull the first result' },
    'no-trunc': { kind: 'bool', help: 'Do not truncate output' },
  },
  run({ flags, args }) {
    const list = statsList(!flags['no-trunc']);
    const text = (rows: readonly StatsRow[]): Promise<string> => listText(rows, list, flags);
    return flags['no-stream'] ? once(args, flags.all, text) : live(args, flags.all, text);
  },
});

type RowsText = (rows: readonly StatsRow[]) => Promise<string>;

async function once(names: readonly string[], all: boolean, text: RowsText): Promise<void> {
  const wanted = names.length ? names : (await get<ContainerSummary[]>('/containers/json', { all })).map((c) => c.Id);
  const rows = await Promise.all(wanted.map(async (name) => statsRow(await get<StatsSample>(`/containers/${segment(name)}/stats`, { stream: '0' }))));
  process.stdout.write(await text(rows));
}

/** One stream for each container; with every second's samples the table is drawn again. Containers that start later join. */
async function live(names: readonly string[], all: boolean, text: RowsText): Promise<number> {
  const rows = new Map<string, StatsRow | undefined>();
  const gone = new AbortController();
  let failure: CommandError | undefined;
  const follow = async (name: string): Promise<void> => {
    if (rows.has(name)) return;
    rows.set(name, undefined);
    try {
      const response = await send('GET', `/containers/${segment(name)}/stats`, { query: { stream: '1' }, signal: gone.signal });
      for await (const line of jsonLines(response)) rows.set(name, statsRow(JSON.parse(line) as StatsSample));
    } catch (error) {
      if (gone.signal.aborted) return;
      if (names.length && error instanceof CommandError) failure = error;
    }
    rows.delete(name);
  };
  const refresh = async (): Promise<void> => {
    if (names.length) return;
    for (const { Id } of await get<ContainerSummary[]>('/containers/json', { all })) void follow(Id);
  };
  await refresh();
  for (const name of names) void follow(name);
  const home = process.stdout.isTTY ? '\x1b[H' : '';
  if (process.stdout.isTTY) process.stdout.write('\x1b[2J');
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (failure) throw failure;
    if (names.length && rows.size === 0) return 0;
    const body = await text([...rows.values()].filter((row) => row !== undefined));
    // Each line is cut at its end and the rest of the screen is cleared, so that nothing of the last table stays.
    process.stdout.write(home + (home ? `${body.replaceAll('\n', '\x1b[K\n')}\x1b[J` : body));
    await refresh();
  }
}
