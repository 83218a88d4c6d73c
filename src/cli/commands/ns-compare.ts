/** `hako ns compare`: which namespaces two processes share. */
import { compare } from '../../element/ns/compare.ts';
import { namespaceKind } from '../../element/ns/kinds.ts';
import { alignColumns } from '../columns.ts';
import { CommandError, defineCommand, isCommandError } from '../command.ts';
import { namedProcess } from '../containers-known.ts';
import { refusal } from '../element.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] A B'],
  description: 'A and B are each a PID, a running container, or "self". The exit code is 0 where they share all, 1 where they do not;\nan error is 125.',
  count: [2, 2],
  completes: ['running'],
  flags: { format: objectFormatFlag },
  async run({ flags, args: [a = '', b = ''] }) {
    const [first, second] = [await namedProcess(a), await namedProcess(b)];
    let compared;
    try {
      compared = compare(first, second);
    } catch (error) {
      const told = refusal(error);
      // 1 is an answer here.
      throw isCommandError(told) ? new CommandError(told.message, { exitCode: 125 }) : told;
    }
    if (flags.format) process.stdout.write(await formatObjects(compared, flags.format));
    else {
      const rows = compared.map(({ type, a: left, b: right, same }) => [
        type,
        String(left),
        same ? '=' : '≠',
        String(right),
        same ? `the same ${namespaceKind(type).separates}` : '',
      ]);
      process.stdout.write(alignColumns([['TYPE', a, '', b, ''], ...rows], { least: 4 }));
    }
    return compared.every(({ same }) => same) ? 0 : 1;
  },
});
