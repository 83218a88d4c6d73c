/** `hako ns ls`: the namespaces that there are, beneath the user namespaces that own them. */
import { namespaceKinds } from '../../element/ns/kinds.ts';
import { survey, type Namespace } from '../../element/ns/survey.ts';
import { tree, type Branch } from '../../element/ns/tree.ts';
import { alignColumns } from '../columns.ts';
import { defineCommand, UsageError } from '../command.ts';
import { containerProcesses } from '../container-processes.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { fitted, hiddenText, holdersText } from '../namespace-text.ts';
import { formatObjects } from '../object-output.ts';

const types = namespaceKinds.map(({ type }) => type as string);

type Listed = Namespace & { readonly containers: readonly string[] };

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description:
    'A namespace lives as long as a process is in it, it is mounted somewhere, a descriptor of it is open, or another one is\nbeneath it: all of these are looked at. * marks those that this command itself is in.',
  count: [0, 0],
  flags: {
    format: streamFormatFlag,
    type: { kind: 'list', short: 't', placeholder: 'type', help: `Only namespaces of this type: ${types.join(', ')}`, completes: types },
  },
  async run({ flags }) {
    const unknown = flags.type.find((type) => !types.includes(type));
    if (unknown !== undefined) throw new UsageError(`invalid argument "${unknown}" for "--type" flag: it must be one of ${types.join(', ')}`);
    const containers = await containerProcesses();
    const { namespaces, hidden } = survey();
    const listed = namespaces
      .filter(({ type }) => flags.type.length === 0 || flags.type.includes(type))
      .map((namespace): Listed => {
        // One that is the host's is no container's own.
        const its = namespace.own ? [] : containers.filter(({ pid }) => namespace.members.some((member) => member.pid === pid));
        return { ...namespace, containers: its.map(({ name }) => name) };
      });
    if (flags.format) process.stdout.write(await formatObjects(flatten(tree(listed)), flags.format));
    else
      process.stdout.write(
        fitted(alignColumns([['NAMESPACE', 'PROCESSES', 'WHO IS IN IT, OR KEEPS IT'], ...lines(tree(listed))], { least: 6 }), process.stdout),
      );
    process.stderr.write(hiddenText(hidden));
  },
});

function flatten(branches: readonly Branch<Listed>[]): Listed[] {
  return branches.flatMap(({ namespace, owned }) => [namespace, ...flatten(owned)]);
}

function lines(branches: readonly Branch<Listed>[], indent = '', top = true): string[][] {
  return branches.flatMap(({ namespace, owned }, i) => {
    const last = i === branches.length - 1;
    const [own, below] = top ? ['', ''] : last ? ['└─ ', '   '] : ['├─ ', '│  '];
    const { type, inode, members, ownerUid } = namespace;
    const by = ownerUid ? `made by user ${ownerUid}; ` : '';
    const name = `${indent}${own}${type.padEnd(6)} ${inode}${namespace.own ? '*' : ''}`;
    return [[name, String(members.length), `${by}${holdersText(namespace)}`], ...lines(owned, indent + below, false)];
  });
}
