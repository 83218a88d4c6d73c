/** The text of `hako cap show` and `hako cap predict`: sets in few words, each with what it is for. */
import { differences, setNames, type CredentialsView, type PredictionView, type ProcessView, type SetName } from '../element/cap/view.ts';
import { wrapProse } from './prose.ts';

/** What each set is for; capabilities(7), "Thread capability sets". */
const roles: Readonly<Record<SetName, string>> = {
  bounding: 'the most that it, and any program it starts, can ever get',
  permitted: 'what it may put in force',
  effective: 'what is in force: the kernel asks here',
  inheritable: "what a program's file may take over by its own inheritable set",
  ambient: 'what programs without privileges of their own keep',
};

const label = 14;

/** A field: its name, then text broken to the width. */
function field(name: string, text: string, width: number): string[] {
  return wrapProse(text, width - label - 2).map((line, i) => `  ${(i ? '' : name).padEnd(label)}${line}`);
}

const idsText = ({ uids, gids, groups }: CredentialsView): string => {
  const one = (word: string, { real, effective, saved }: CredentialsView['uids']): string =>
    real === effective && effective === saved ? `${word} ${real}` : `${word} ${real}, effective ${effective}, saved ${saved}`;
  return `${one('uid', uids)}; ${one('gid', gids)}${groups.length ? `; groups ${groups.join(', ')}` : ''}`;
};

function setLines(view: CredentialsView, width: number): string[] {
  return setNames.flatMap((name, i) => {
    const { text } = view.sets[name];
    const like = setNames.slice(0, i).find((other) => view.sets[other].text === text);
    return [...field(name, like !== undefined && text.length > 20 ? `as ${like}` : text, width), ...field('', `(${roles[name]})`, width)];
  });
}

/** A process. @param allows what a capability lets a process do */
export function processText(view: ProcessView, allows: ReadonlyMap<string, string>, width: number): string {
  const { namespace, securebits, noNewPrivileges } = view;
  const lacking = [...allows.keys()].filter((name) => !view.sets.effective.names.includes(name));
  const told = view.sets.effective.names.length <= lacking.length ? view.sets.effective.names : lacking;
  const lines = [
    `process ${view.pid}  ${view.command}`,
    ...field('user', idsText(view), width),
    ...field('namespace', namespaceText(namespace), width),
    ...setLines(view, width),
    ...field(
      'securebits',
      securebits === undefined
        ? 'not known: the kernel tells them to the process alone (prctl)'
        : securebits.join(', ') || 'none: uid 0 is privileged as usual',
      width,
    ),
    ...field('no_new_privs', noNewPrivileges ? 'yes: no program gives it more' : 'no: a program may give it more, by set-ID bits or file capabilities', width),
    ...field(
      'seccomp',
      ['no filter', 'strict: read, write and exit alone', 'a filter decides, whatever the capabilities allow'][view.seccomp] ?? String(view.seccomp),
      width,
    ),
    '',
    ...wrapProse(
      `${abilities(view.sets.effective.names.length, lacking.length)}${namespace.initial === false ? ', over what belongs to its user namespace' : ''}${told.length ? '' : '.'}`,
      width,
    ),
  ];
  for (const name of told) lines.push(...wrapProse(allows.get(name) ?? '', width - 27).map((line, i) => `  ${(i ? '' : name).padEnd(24)} ${line}`));
  return `${lines.join('\n')}\n`;
}

/** What introduces the shorter list: of what it may do, or of what it may not. */
function abilities(held: number, lacking: number): string {
  if (held === 0) return 'It may do nothing that needs a capability';
  if (lacking === 0) return 'It may do everything that needs a capability';
  return held <= lacking ? 'Of what needs a capability it may' : 'It may do everything that needs a capability, but not';
}

function namespaceText({ id, same, initial, uidMap }: ProcessView['namespace']): string {
  if (initial) return `${id}, the machine's first: its capabilities count over everything`;
  const ids = `user ids inside → outside: ${mapText(uidMap)}`;
  if (id === undefined) return `not shown to you: the kernel asks for the right to trace it; ${ids}`;
  return `${id}, ${same ? 'the one that you are in' : 'another than yours'}: its capabilities count over what belongs to it, and nowhere else; ${ids}`;
}

const mapText = (map: readonly { readonly containerID: number; readonly hostID: number; readonly size: number }[]): string =>
  map.map((m) => `${m.containerID}${m.size > 1 ? `-${m.containerID + m.size - 1}` : ''} → ${m.hostID}`).join(', ') || '(none yet)';

/** A prediction: the file, what is before, why what comes, what comes, and what the kernel did. */
export function predictionText(view: PredictionView, width: number): string {
  const { program, before, after, reality } = view;
  const type = [
    ...(program.mode & 0o4000 ? [`set-user-ID ${program.owner}`] : []),
    ...((program.mode & 0o2010) === 0o2010 ? [`set-group-ID ${program.group}`] : []),
    program.capabilities
      ? `capabilities ${program.capabilities.text}${program.capabilities.rootid === undefined ? '' : ` for namespaces whose root is user ${program.capabilities.rootid}`}`
      : 'no capabilities',
    ...(program.nosuid ? ['on a nosuid mount'] : []),
  ];
  const lines = [
    ...(program.chain.length > 1 ? [`${program.chain[0]} is a script: what counts is its interpreter ${program.chain.at(-1)}`] : [program.path]),
    ...field('file', `mode ${program.mode.toString(8)}, owner ${program.owner}:${program.group}, ${type.join(', ')}`, width),
    ...field('executed by', idsText(before), width),
    ...(before.securebits?.length ? field('', before.securebits.join(', '), width) : []),
    ...(before.noNewPrivileges ? field('', 'no_new_privs', width) : []),
    '',
    'Why',
    ...view.reasons.flatMap(({ text }) => wrapProse(text, width - 4).map((line, i) => `  ${i ? '  ' : '- '}${line}`)),
    '',
  ];
  if (after) {
    lines.push('Set            before → after execve', ...field('user', `${idsText(before)} → ${idsText(after)}`, width));
    for (const [i, name] of setNames.entries()) {
      const [from, to] = [before.sets[name].text, after.sets[name].text];
      const like = setNames.slice(0, i).find((other) => before.sets[other].text === from && after.sets[other].text === to);
      lines.push(...field(name, like !== undefined && from.length > 20 ? `as ${like}` : from === to ? `${to} (unchanged)` : `${from} → ${to}`, width));
    }
  } else lines.push(`execve fails with ${view.refused}.`);
  if (reality) {
    const wrong = after && reality.after ? differences(after, reality.after) : [];
    lines.push(
      '',
      view.agrees
        ? 'The kernel did exactly that.'
        : `The kernel did otherwise: ${reality.refused ? `execve failed with ${reality.refused}` : wrong.map((name) => `${name} ${name in roles ? reality.after!.sets[name as SetName].text : ''}`.trim()).join('; ')}.`,
    );
  }
  return `${lines.join('\n')}\n`;
}
