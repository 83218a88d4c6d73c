/**
 * Markdown on a terminal, as course/markdown.ts parses it. Each line fits the width, whatever the script; code is never broken. A table
 * that is too wide for its lines is shown as cells one below the other.
 */
import { parseMarkdown, parseSpans, type Block } from '../course/markdown.ts';
import { displayWidth } from './columns.ts';
import { unpainted, type Painter, type TextOptions } from './paint.ts';
import { wrapProse } from './prose.ts';

/** Lines of a text. */
export const markdownLines = (markdown: string, options: TextOptions): string[] =>
  parseMarkdown(markdown).flatMap((group, i) => [...(i > 0 ? [''] : []), ...group.flatMap((block) => blockLines(block, options))]);

function blockLines(block: Block, options: TextOptions): string[] {
  if (block.kind === 'paragraph') return prose(block.text, '', '', options);
  if (block.kind === 'code') return block.lines.map((line) => `${block.indent}    ${options.paint('cyan', line)}`);
  if (block.kind === 'table') return rowsLines(block.rows, options);
  const mark = `${block.indent}${/\d/.test(block.mark) ? block.mark : '-'} `;
  return prose(block.text, mark, ' '.repeat(mark.length), options);
}

function prose(text: string, first: string, rest: string, options: TextOptions): string[] {
  return wrapProse(text, options.width - rest.length).map((line, i) => emphasized(`${i === 0 ? first : rest}${line}`, options.paint));
}

/** On a terminal, marks become colours; a piece that is broken over two lines keeps its marks. */
function emphasized(line: string, paint: Painter): string {
  if (paint === unpainted) return line;
  return parseSpans(line)
    .map(({ kind, text }) => (kind === 'text' ? text : paint(kind === 'code' ? 'cyan' : 'bold', text)))
    .join('');
}

/** Rows of cells, the first of which is their head. */
export function rowsLines([head = [], ...rows]: readonly (readonly string[])[], { width, paint }: TextOptions): string[] {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((cells) => displayWidth(plain(cells[i] ?? '')))));
  const pad = (text: string, to: number): string => text + ' '.repeat(Math.max(0, to - displayWidth(text)));
  if (widths.reduce((sum, w) => sum + w + 3, 0) - 3 <= width) {
    const line = (cells: readonly string[], style: (text: string, column: number) => string): string =>
      cells
        .map((cell, i) => style(pad(plain(cell), i === cells.length - 1 ? 0 : widths[i]!), i))
        .join('   ')
        .trimEnd();
    return [line(head, (text) => paint('bold', text)), ...rows.map((cells) => line(cells, (text) => text))];
  }
  const label = Math.max(...head.map((cell) => displayWidth(cell)));
  return rows.flatMap((cells, n) => [
    ...(n > 0 ? [''] : []),
    ...cells.flatMap((cell, i) =>
      wrapProse(plain(cell), width - label - 2).map((line, j) => `${j === 0 ? paint('dim', pad(head[i] ?? '', label)) : ' '.repeat(label)}  ${line}`),
    ),
  ]);
}

const plain = (cell: string): string => cell.replaceAll('`', '').replaceAll('**', '');
