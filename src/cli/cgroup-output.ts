/** What the commands of `hako cgroup` share on this side: the machine's layout, several names in a row, and the text of `show`. */
import type { Procedure } from '../element/interpret.ts';
import { machineCgroups, parseAmount, type CgroupLayout } from '../element/cgroup/machine.ts';
import type { CgroupView, Figure } from '../element/cgroup/show.ts';
import { eachInOrder } from './each.ts';
import { refusal, take } from './element.ts';
import { wrapProse } from './prose.ts';
import { printableLines } from './terminal-text.ts';

/** The machine's hierarchies. @throws CommandError when none is mounted */
export function cgroups(): CgroupLayout {
  try {
    return machineCgroups();
  } catch (error) {
    throw refusal(error);
  }
}

/** Does the same to several cgroups, one after the other, and prints the names of those it was done to. */
export async function eachCgroup(names: readonly string[], explain: string | undefined, act: (name: string) => Procedure<unknown>): Promise<number> {
  if (explain === undefined) return eachInOrder(names, async (name) => void (await take(act(name), explain)));
  for (const name of names) await take(act(name), explain);
  return 0;
}

const width = { name: 27, value: 10 } as const;

/** A view as text: for each controller where it lies, then its numbers with what they mean. */
export function viewText(view: CgroupView, columns: number): string {
  const room = Math.max(columns, 80) - 2 - width.name - width.value - 3;
  const lines = [view.path, ...headLines(view, Math.max(columns, 80)), ''];
  const figureLines = ({ file, key, value, meaning }: Figure): string[] => {
    const name = key === undefined ? file : `${file} ${key}`;
    const short = valueText(value);
    const text = wrapProse(meaning, room);
    // A long name or value takes a line of its own, so that the columns stay.
    const padding = Math.max(width.name + 1 + width.value - name.length, short.length + 1);
    const head = `  ${name}${short.padStart(padding)}`;
    const fits = head.length <= 2 + width.name + 1 + width.value;
    const indent = ' '.repeat(2 + width.name + width.value + 3);
    return fits ? text.map((line, i) => (i ? indent + line : `${head}  ${line}`)) : [head, ...text.map((line) => indent + line)];
  };
  for (const { controller, version, directory, figures } of view.controllers) {
    const title = controller === 'core' ? 'all of version 2' : controller;
    lines.push(`${title}  (version ${version}, ${directory})`);
    lines.push(...(figures.length ? figures.flatMap(figureLines) : ['  no figures: it decides about access, not amounts']), '');
  }
  if (view.without.length)
    lines.push(...wrapProse(`Controllers that it does not have, so that nothing is limited or counted there: ${view.without.join(', ')}.`, columns));
  return printableLines(`${lines.join('\n').trimEnd()}\n`);
}

/** What the kernel writes for no limit at all, and several lines, in little room. */
function valueText(value: string): string {
  if (value === '') return 'none';
  if (parseAmount(value) === Infinity) return 'max';
  return value.replaceAll('\n', '; ');
}

function headLines({ mode, frozen, processes, below }: CgroupView, columns: number): string[] {
  const shown = processes.slice(0, 8).map(({ pid, command }) => `${pid} ${command}`);
  const more = processes.length > shown.length ? `, and ${processes.length - shown.length} more` : '';
  const kind = {
    v1: 'version 1: a tree for each controller',
    v2: 'version 2: one tree for all controllers',
    hybrid: 'hybrid: version 1 trees and a version 2 tree',
  }[mode];
  return [
    `  machine     ${kind}`,
    ...wrapProse(`processes   ${processes.length ? shown.join(', ') + more : 'none'}${frozen ? ' (frozen: they stand still)' : ''}`, columns - 2).map((l, i) =>
      i ? `              ${l}` : `  ${l}`,
    ),
    ...(below.length ? [`  below       ${below.slice(0, 8).join(', ')}${below.length > 8 ? ` and ${below.length - 8} more` : ''}`] : []),
  ];
}
