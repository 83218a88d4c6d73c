/** `hako ns keep`: keeps a namespace alive by a bind mount, when no process is in it any more. */
import { keepNamespace } from '../../element/ns/keep.ts';
import { namespaceKinds } from '../../element/ns/kinds.ts';
import { defineCommand, UsageError } from '../command.ts';
import { namedProcess } from '../containers-known.ts';
import { explainFlag, take } from '../element.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] PID|CONTAINER|self TYPE PATH'],
  description: `TYPE is one of ${namespaceKinds.map(({ type }) => type).join(', ')}. PATH is a file, which is made where it is not there. "hako ns enter PATH" enters it, "hako ns release PATH" lets it go.`,
  count: [3, 3],
  completes: ['running', namespaceKinds.map(({ type }) => type), 'file'],
  flags: { explain: explainFlag },
  async run({ flags, args: [word = '', name = '', path = ''] }) {
    const kind = namespaceKinds.find(({ type, option }) => type === name || option === name);
    if (!kind) throw new UsageError(`unknown type of namespace "${name}": it must be one of ${namespaceKinds.map(({ type }) => type).join(', ')}`);
    const pid = await namedProcess(word);
    await take(keepNamespace(pid, kind.type, path), flags.explain);
  },
});
