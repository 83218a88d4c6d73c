/** `hako ns enter`: runs a command in namespaces that are there. */
import { enterNamespaces } from '../../element/ns/enter.ts';
import { defineCommand, UsageError } from '../command.ts';
import { namedProcess } from '../containers-known.ts';
import { explainFlag, take } from '../element.ts';
import { namespaceFlags, namespaceTypes } from '../namespace-flags.ts';
import { ownEnvironment } from '../own-environment.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] PID|CONTAINER|FILE [COMMAND] [ARG...]'],
  description:
    'Of a process or a container: those of its namespaces that are named, or else all that are not our own. A FILE, written with a slash or\n' +
    'a dot in front, is a namespace that is kept by a bind mount, or a file of /proc/PID/ns; more can be given by --file.\n\n' +
    'Without a command: sh. Exits with the code of the command.',
  count: [1, Infinity],
  ownsRest: true,
  completes: ['running'],
  flags: {
    ...namespaceFlags('Enter the'),
    file: { kind: 'list', short: 'f', help: 'Enter the namespace that this file is, too', completes: 'file' },
    explain: explainFlag,
  },
  async run({ flags, args: [target = '', ...rest] }) {
    const isFile = /^[./]/.test(target);
    const types = namespaceTypes(flags);
    if (isFile && types.size > 0) throw new UsageError(`types of namespaces are of a process's: the file ${target} is one namespace, whatever its type`);
    const words = rest[0] === '--' ? rest.slice(1) : rest;
    const entry = {
      ...(isFile ? {} : { process: { pid: await namedProcess(target), types } }),
      files: [...(isFile ? [target] : []), ...flags.file],
      args: words.length ? words : ['sh'],
      env: ownEnvironment(),
    };
    return (await take(enterNamespaces(entry), flags.explain)) ?? 0;
  },
});
