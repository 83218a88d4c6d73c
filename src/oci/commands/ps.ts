/** `hako-oci ps`: the processes of a container, as ps(1) shows them or as a list of ids. */
import { spawnSync } from 'node:child_process';
import { defineCommand } from '../command.ts';
import { processesOf } from '../container-processes.ts';
import { OciError } from '../error.ts';
import { print } from '../print.ts';
import { StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: 'CONTAINER [PS OPTIONS]',
  description: "The table is that of ps(1), by default with -ef, less the processes that are not the container's.",
  count: [1, Infinity],
  ownsRest: true,
  flags: { format: { kind: 'string', short: 'f', placeholder: 'table|json', help: 'the form of the list', default: 'table' } },
  run({ flags, args: [id, ...options] }, { root }) {
    const format = flags.format ?? 'table';
    if (format !== 'table' && format !== 'json') throw new OciError(`invalid value "${format}" of --format: use table or json`);
    const pids = processesOf(new StateStore(root).read(id!));
    print(format === 'json' ? `${JSON.stringify(pids)}\n` : table(pids, options.length > 0 ? options : ['-ef']));
  },
});

function table(pids: readonly number[], options: readonly string[]): string {
  const ps = spawnSync('ps', options, { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] });
  if (ps.error)
    throw new OciError(
      `ps(1) cannot be run: ${(ps.error as NodeJS.ErrnoException).code === 'ENOENT' ? 'executable file not found in $PATH' : ps.error.message}; --format json does without it`,
    );
  if (ps.status !== 0) throw new OciError(`ps ${options.join(' ')} failed: ${ps.stderr.trim().split('\n')[0] || `exit status ${ps.status}`}`);
  const [header = '', ...rows] = ps.stdout.replace(/\n$/, '').split('\n');
  const column = header.trim().split(/\s+/).indexOf('PID');
  if (column < 0)
    throw new OciError(`ps ${options.join(' ')} shows no column PID, by which the container's processes are told from others: choose options that do`);
  const own = new Set(pids.map(String));
  return [header, ...rows.filter((row) => own.has(row.trim().split(/\s+/)[column]!))].map((row) => `${row}\n`).join('');
}
