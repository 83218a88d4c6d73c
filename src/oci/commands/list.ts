/** `hako-oci list`: all containers below the root, as a table or in JSON. */
import { defineCommand } from '../command.ts';
import { containerState, type ContainerState } from '../container-state.ts';
import { OciError } from '../error.ts';
import { print } from '../print.ts';
import { StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: '',
  description: 'A container whose state is damaged is left out, with a warning.',
  count: [0, 0],
  flags: {
    format: { kind: 'string', short: 'f', placeholder: 'table|json', help: 'the form of the list', default: 'table' },
    quiet: { kind: 'bool', short: 'q', help: 'the ids alone' },
  },
  run({ flags }, { root, log }) {
    const format = flags.format ?? 'table';
    if (format !== 'table' && format !== 'json') throw new OciError(`invalid value "${format}" of --format: use table or json`);
    const store = new StateStore(root);
    const states = store.ids().flatMap((id) => {
      try {
        const record = store.read(id);
        return [containerState(record, store.status(record))];
      } catch (error) {
        if (!(error instanceof OciError)) throw error;
        log.warn(error.message);
        return [];
      }
    });
    if (flags.quiet) print(states.map(({ id }) => `${id}\n`).join(''));
    else print(format === 'json' ? `${JSON.stringify(states)}\n` : table(states));
  },
});

/** In runc's columns: at least 12 wide, with three blanks between. */
function table(states: readonly ContainerState[]): string {
  const rows = [
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
    ...states.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(12, ...rows.map((row) => row[column]!.length + 3)));
  return rows.map((row) => `${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join('')}\n`).join('');
}
