/** `hako overlay waste` for people: the figures, the layers with the instruction that made each, and the worst of it as a list or a tree. */
import { alignColumns } from './columns.ts';
import { printable } from './terminal-text.ts';
import { count, ellipsis, humanSize } from './units.ts';
import type { Waste, WastedFile } from '../element/overlay/waste.ts';

export interface WasteTextOptions {
  /** Rows of each list at most. */
  readonly most: number;
  /** By directory, instead of a list. */
  readonly tree: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

/** The text. */
export function wasteText(waste: Waste, options: WasteTextOptions): string {
  return [summary(waste), layers(waste, options.width), worst(waste, options), duplicates(waste, options)].filter(Boolean).join('\n');
}

function summary({ of, bytes, shownBytes, wastedBytes, efficiency, layers: list, files, duplicates: same, duplicateBytes = 0 }: Waste): string {
  const of_ = (how: WastedFile['how']): readonly WastedFile[] => files.filter((file) => file.how === how);
  const told = (how: WastedFile['how']): string =>
    `${humanSize(of_(how).reduce((sum, file) => sum + file.bytes, 0))} ${how} (${count(of_(how).length, 'path')})`;
  const copies = (same ?? []).reduce((sum, { files: those }) => sum + those.length - 1, 0);
  return [
    `${of}: ${count(list.length, 'layer')}, ${humanSize(bytes)}, of which ${humanSize(shownBytes)} is shown: efficiency ${(efficiency * 100).toFixed(1)} %`,
    `wasted ${humanSize(wastedBytes)}: ${told('overwritten')}, ${told('deleted')}`,
    ...(same ? [`there twice ${humanSize(duplicateBytes)}: ${count(copies, 'file')} with the content of another that is shown`] : []),
    '',
  ].join('\n');
}

function layers({ layers: list }: Waste, width: number): string {
  const rows = list.map((l) => [l.layer, humanSize(l.bytes), String(l.files), humanSize(l.wastedBytes), humanSize(l.hidesBytes), instruction(l, width)]);
  return alignColumns([['LAYER', 'SIZE', 'FILES', 'WASTED', 'HIDES', 'MADE BY'], ...rows], { least: 0 });
}

function instruction({ createdBy, layer }: Waste['layers'][number], width: number): string {
  if (createdBy === undefined) return layer === 'upper' ? '(what the container wrote)' : '';
  const text = createdBy
    .replace(/^\/bin\/sh -c (#\(nop\) *)?/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return ellipsis(text, Math.max(width - 42, 20));
}

function worst({ files }: Waste, { most, tree }: WasteTextOptions): string {
  if (files.length === 0) return '';
  if (tree) return treeText(files, most);
  const rows = files.slice(0, most).map((file) => [humanSize(file.bytes), where(file), file.path]);
  return alignColumns([['WASTED', 'WHY', 'PATH'], ...rows], { least: 0 }) + more(files.length - most);
}

/** `overwritten in 3, was in 1, 2`. */
function where(file: WastedFile): string {
  const by = [...new Set(file.in.map(({ hiddenBy }) => hiddenBy))].join(', ');
  const from = [...new Set(file.in.map(({ layer }) => layer))].join(', ');
  return `${file.how} in ${by}, was in ${from}${file.sameContent ? ', same content' : ''}`;
}

const more = (n: number): string => (n > 0 ? `… and ${n} more: -n shows them\n` : '');

function duplicates({ duplicates: list }: Waste, { most }: WasteTextOptions): string {
  if (!list?.length) return '';
  const rows = list.slice(0, most).map(({ bytes, size, files }) => {
    const [first, second, ...others] = files.map(({ layer, path }) => `${path} (${layer})`);
    return [humanSize(bytes), humanSize(size), `${first} = ${second}${others.length ? `, and ${others.length} more` : ''}`];
  });
  return alignColumns([['TWICE', 'EACH', 'FILES (LAYER)'], ...rows], { least: 0 }) + more(list.length - most);
}

interface Branch {
  bytes: number;
  readonly children: Map<string, Branch>;
}

/** Directories with the bytes wasted below each, the worst first; a directory with one child is one line with it. */
function treeText(files: readonly WastedFile[], most: number): string {
  const root: Branch = { bytes: 0, children: new Map() };
  for (const { path, bytes } of files) {
    let branch = root;
    branch.bytes += bytes;
    for (const name of path.slice(1).split('/')) {
      const next = branch.children.get(name) ?? { bytes: 0, children: new Map<string, Branch>() };
      branch.children.set(name, next);
      next.bytes += bytes;
      branch = next;
    }
  }
  // The worst `most` of all branches, each with those above it.
  const all: number[] = [];
  const collect = ({ children }: Branch): void => children.forEach((child) => (all.push(child.bytes), collect(child)));
  collect(root);
  const least = all.sort((a, b) => b - a)[most - 1] ?? 0;
  const lines: string[] = [`${humanSize(root.bytes).padStart(8)}  /`];
  const tell = (branch: Branch, indent: string): void => {
    const shown = [...branch.children].filter(([, { bytes }]) => bytes >= least).sort(([, a], [, b]) => b.bytes - a.bytes);
    shown.forEach(([first, child], i) => {
      let [name, at] = [first, child];
      while (at.children.size === 1) {
        const [only] = at.children as Iterable<[string, Branch]> as [[string, Branch]];
        name += `/${only[0]}`;
        at = only[1];
      }
      const last = i === shown.length - 1;
      lines.push(`${humanSize(at.bytes).padStart(8)}  ${indent}${last ? '└─' : '├─'} ${printable(name)}${at.children.size ? '/' : ''}`);
      tell(at, `${indent}${last ? '  ' : '│ '} `);
    });
  };
  tell(root, '');
  return `${lines.join('\n')}\n`;
}
