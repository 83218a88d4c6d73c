/** `hako events`: what happens in the engine, as it happens. */
import type { EngineEvent } from '../../api/schema.ts';
import { filterQuery, send } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { jsonLines } from '../json-lines.ts';
import { printable, printableLines } from '../terminal-text.ts';
import { timeFlag } from '../time-flag.ts';
import { nanoTime } from '../units.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: {
    filter: { kind: 'list', short: 'f', placeholder: 'filter', help: 'Filter output based on conditions provided' },
    format: streamFormatFlag,
    since: { kind: 'string', help: 'Show all events created since timestamp' },
    until: { kind: 'string', help: 'Stream events until this timestamp' },
  },
  async run({ flags }) {
    const query = { since: timeFlag('since', flags.since), until: timeFlag('until', flags.until), filters: filterQuery(flags.filter) };
    const textOf = await formatter(flags.format);
    const response = await send('GET', '/events', { query });
    for await (const line of jsonLines(response)) process.stdout.write(`${textOf(line)}\n`);
  },
});

async function formatter(format: string | undefined): Promise<(line: string) => string> {
  if (format === 'json') return (line) => line;
  if (!format) return (line) => printable(eventText(parseEvent(line)));
  const { compileTemplate, TemplateError } = await import('../template.ts');
  const wrap = <T>(make: () => T): T => {
    try {
      return make();
    } catch (error) {
      throw error instanceof TemplateError ? new CommandError(`the template of --format is wrong: ${error.message}`) : error;
    }
  };
  const template = wrap(() => compileTemplate(format));
  return (line) => {
    const event = parseEvent(line);
    // Docker's templates know the fields of its own structure, whose names begin with capitals.
    return wrap(() =>
      printableLines(
        template({
          ...event,
          ID: event.Actor.ID,
          Status: event.Action,
          From: event.from ?? '',
          Scope: event.scope,
          Time: event.time,
          TimeNano: event.timeNano,
        }),
      ),
    );
  };
}

/** Nanoseconds since the epoch are more than a double holds: they are read from the text. */
function parseEvent(line: string): EngineEvent {
  const event = JSON.parse(line) as EngineEvent;
  const digits = /"timeNano":\s*(\d+)/.exec(line)?.[1];
  return { ...event, timeNano: digits ? BigInt(digits) : BigInt(event.time) * 1_000_000_000n };
}

/** `TIME container start ID (image=…, name=…)`. */
function eventText({ timeNano, Type, Action, Actor }: EngineEvent): string {
  const attributes = Object.entries(Actor.Attributes ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  return `${nanoTime(timeNano)} ${Type} ${Action} ${Actor.ID}${attributes.length ? ` (${attributes.join(', ')})` : ''}`;
}
