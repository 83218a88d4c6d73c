/** `hako root propagation`: how mounts travel from and to a mount; shows it, or changes it. */
import { resolve } from 'node:path';
import { modes, readPropagation, setPropagation, type Mode } from '../../element/root/propagation.ts';
import { defineCommand, UsageError } from '../command.ts';
import { namedProcess } from '../containers-known.ts';
import { explainFlag, refusal, take } from '../element.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';

const meanings: Readonly<Record<string, string>> = {
  private: 'mounts made here stay here, and none come in',
  shared: 'mounts made here appear in the whole peer group, and theirs here',
  slave: 'mounts made in its master appear here, and none go out',
  'shared and slave': 'takes from its master, and shares with its own peer group',
  unbindable: 'private, and it cannot be bound elsewhere',
};

export const command = defineCommand({
  usage: ['[OPTIONS] PATH [private|shared|slave|unbindable]'],
  description: 'Without a mode: shows it. In the mount namespace that hako runs in, or in that of a process or a container.',
  count: [1, 2],
  completes: ['file', Object.keys(modes)],
  flags: {
    in: { kind: 'string', placeholder: 'pid|container', help: 'Work in the mount namespace of this process or container' },
    recursive: { kind: 'bool', short: 'R', help: 'Change all mounts below it, too' },
    format: streamFormatFlag,
    explain: explainFlag,
  },
  async run({ flags, args: [path = '', mode] }) {
    const pid = flags.in === undefined ? undefined : await namedProcess(flags.in);
    const at = pid === undefined ? resolve(path) : path;
    if (mode !== undefined) {
      if (!Object.hasOwn(modes, mode)) throw new UsageError(`unknown mode "${mode}": it must be ${Object.keys(modes).join(', ')}`);
      await take(setPropagation(at, mode as Mode, { recursive: flags.recursive, ...(pid === undefined ? {} : { pid }) }), flags.explain);
      return;
    }
    try {
      const found = readPropagation(at, pid ?? 'self');
      process.stdout.write(flags.format ? await formatObjects([{ path: at, ...found }], flags.format) : `${found.mode}: ${meanings[found.mode]}\n`);
    } catch (error) {
      throw refusal(error);
    }
  },
});
