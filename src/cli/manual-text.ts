/** The manual on a terminal: one page, or the list of all steps. */
import type { Example, Manual } from '../manual/manual.ts';
import { labels, parts, phases, type Language, type Page, type Phase } from '../manual/page.ts';
import { alignColumns } from './columns.ts';
import { stepFields } from './explain.ts';
import { unpainted, type Painter, type TextOptions } from './paint.ts';
import { wrapProse } from './prose.ts';

/** What the manual knows of one step. */
export interface Entry {
  readonly page: Page;
  readonly example: Example;
}

const words = {
  en: {
    example: 'The step itself, as an example',
    man: 'Manual pages',
    usage: 'A page: hako explain STEP, such as hako explain mount.pivot. All steps of one run: hako run --explain IMAGE.',
    phases: {
      limits: 'The engine: a cgroup, and limits on it',
      files: 'The engine: layers and mounts',
      network: 'The engine: the network',
      process: 'The engine: pipes, and the new process',
      inside: 'The new process, by itself, until it is the program',
      accompany: 'Meanwhile the engine, which the new process waits for',
      exec: 'hako exec: one more process in a container',
      alive: 'While it runs: pause, unpause, update',
      end: 'The end, in which everything is given back',
      element: 'Commands that need no engine',
    },
  },
  ja: {
    example: '実際の手順の例',
    man: 'マニュアルページ',
    usage: '1 つの手順のページ: hako explain STEP (例: hako explain mount.pivot)。ある run の全手順: hako run --explain IMAGE。',
    phases: {
      limits: 'エンジン: cgroup を作り、制限をかける',
      files: 'エンジン: レイヤーとマウント',
      network: 'エンジン: ネットワーク',
      process: 'エンジン: パイプと新しいプロセス',
      inside: '新しいプロセスが自分で行う。プログラムになるまで',
      accompany: 'その間にエンジンが行う (新しいプロセスは待っている)',
      exec: 'hako exec: コンテナの中にもう 1 つのプロセス',
      alive: '動いている間: pause、unpause、update',
      end: '終わり: すべてを返す',
      element: 'エンジンの要らないコマンド',
    },
  },
} as const satisfies Record<Language, { readonly phases: Readonly<Record<Phase, string>>; readonly [key: string]: unknown }>;

/** One page. */
export function pageText({ page, example }: Entry, manual: Manual, language: Language, options: TextOptions): string {
  const { paint } = options;
  const out: string[] = [`${paint('bold', page.id)}  ${page.title}`, ''];
  for (const part of parts) {
    if (part !== 'does') out.push(paint('bold', labels[language][part]));
    const indent = part === 'does' ? '' : '  ';
    for (const block of page[part]) out.push(...blockLines(block, indent, options));
    out.push('');
  }
  out.push(paint('bold', words[language].example), ...stepFields(example, '  ', options), '');
  if (example.man.length) out.push(paint('bold', words[language].man), ...wrapProse(example.man.join(', '), options.width - 2).map((line) => `  ${line}`), '');
  const titles = new Map(manual.pages[language].map(({ id, title }) => [id, title]));
  out.push(paint('bold', labels[language].see), ...titled(page.see.map((id) => [id, titles.get(id) ?? ''])));
  return `${out.join('\n')}\n`;
}

/** A paragraph, an item of a list, or a line of code. */
function blockLines(block: string, indent: string, { width, paint }: TextOptions): string[] {
  if (block.startsWith('    ')) return [`${indent}  ${paint('cyan', block.trim())}`];
  const isItem = block.startsWith('- ');
  const lines = wrapProse(isItem ? block.slice(2) : block, width - indent.length - (isItem ? 2 : 0));
  return lines.map((line, i) => `${indent}${isItem ? (i ? '  ' : '- ') : ''}${line}`).map((line) => paintCode(line, paint));
}

/** On a terminal, what is in backquotes is told by its colour. A piece that is broken over two lines keeps its quotes. */
const paintCode = (line: string, paint: Painter): string =>
  paint === unpainted ? line : line.replaceAll(/`([^`]+)`/g, (_, code: string) => paint('cyan', code));

/** All steps in the order of a run, grouped. */
export function listOfSteps(entries: readonly Entry[], language: Language, options: TextOptions): string {
  const { paint } = options;
  const out = phases.flatMap((phase) => {
    const own = entries.filter(({ example }) => example.phase === phase);
    return own.length ? [paint('bold', words[language].phases[phase]), ...titled(own.map(({ page }) => [page.id, page.title])), ''] : [];
  });
  return `${[...out, ...wrapProse(words[language].usage, options.width).map((line) => paint('dim', line))].join('\n')}\n`;
}

/** Lines `  mount.pivot              Make the new tree the root`, ids in one column for all lists. */
function titled(rows: readonly (readonly [id: string, title: string])[]): string[] {
  return alignColumns(rows, { least: 30 })
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
}

/** The name of a phase, for programs' lists. */
export const phaseTitle = (phase: Phase, language: Language): string => words[language].phases[phase];
