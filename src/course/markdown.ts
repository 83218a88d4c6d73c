/**
 * Markdown, as much of it as lessons use: paragraphs, lists, code, tables, and in prose code, strong and emphasized pieces. Parsed once;
 * a terminal (src/cli/markdown-text.ts) and the book (book/prose.ts) show it each in its way. What is not of this is text as it stands.
 */

/** What stands between two empty lines, or closer. */
export type Block =
  | { readonly kind: 'paragraph'; readonly text: string }
  /** @property info what stands behind the fence: `sh v1` @property lines without the fence's own indent */
  | { readonly kind: 'code'; readonly indent: string; readonly info: string; readonly lines: readonly string[] }
  /** @property mark `-`, `*` or a number with its dot */
  | { readonly kind: 'item'; readonly indent: string; readonly mark: string; readonly text: string }
  /** The first row is the head. */
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] };

/** Blocks, in groups that empty lines part. */
export function parseMarkdown(markdown: string): Block[][] {
  return joinedCode(markdown.trim().split(/\n{2,}/)).map((group) => blocksOf(group.split('\n')));
}

/** Blocks of code may have empty lines in them. */
function joinedCode(groups: readonly string[]): string[] {
  const joined: string[] = [];
  let open = false;
  for (const group of groups) {
    if (open) joined[joined.length - 1] += `\n\n${group}`;
    else joined.push(group);
    if ((group.match(/^ *```/gm)?.length ?? 0) % 2 === 1) open = !open;
  }
  return joined;
}

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const flush = (): void => {
    if (paragraph.length > 0) blocks.push({ kind: 'paragraph', text: joinedLines(paragraph) });
    paragraph = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const [, fenceIndent, info] = /^( *)```(.*)$/.exec(line) ?? [];
    if (fenceIndent !== undefined) {
      flush();
      const code: string[] = [];
      for (i++; i < lines.length && !lines[i]!.trim().startsWith('```'); i++) code.push(lines[i]!.slice(fenceIndent.length));
      blocks.push({ kind: 'code', indent: fenceIndent, info: info!.trim(), lines: code });
      continue;
    }
    if (line.startsWith('|')) {
      flush();
      const table: string[] = [];
      for (; i < lines.length && lines[i]!.startsWith('|'); i++) table.push(lines[i]!);
      i--;
      blocks.push({ kind: 'table', rows: table.filter((row) => !/^\|[\s:|-]+\|$/.test(row)).map(tableCells) });
      continue;
    }
    const [, indent, mark, first] = /^( *)([-*]|\d+\.) +(.*)$/.exec(line) ?? [];
    if (indent === undefined) {
      paragraph.push(line.trim());
      continue;
    }
    flush();
    const words = [first!];
    // An item goes on in lines that are indented.
    while (i + 1 < lines.length && /^ +\S/.test(lines[i + 1]!) && !/^ *(?:[-*]|\d+\.) |^ *```/.test(lines[i + 1]!)) words.push(lines[++i]!.trim());
    blocks.push({ kind: 'item', indent, mark: mark!, text: joinedLines(words) });
  }
  flush();
  return blocks;
}

/** Lines of one paragraph as one: a line break between two Japanese characters is no space. */
const joinedLines = (lines: readonly string[]): string =>
  lines.reduce(
    (text, line) =>
      text === '' ? line : /[\u2e80-\ua4cf\uff00-\uff60]$/.test(text) && /^[\u2e80-\ua4cf\uff00-\uff60]/.test(line) ? text + line : `${text} ${line}`,
    '',
  );

/** The cells of a table's row; a `|` in a cell is written `\|`. */
export const tableCells = (row: string): string[] =>
  row
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));

/** A piece of prose, without its marks. */
export interface Span {
  readonly kind: 'text' | 'code' | 'strong' | 'emphasis';
  readonly text: string;
}

/** The pieces of a paragraph, an item or a cell, or of a line of one. */
export function parseSpans(text: string): Span[] {
  const spans: Span[] = [];
  let end = 0;
  for (const found of text.matchAll(/`([^`]+)`|\*\*([^*`]+)\*\*|(?<!\*)\*([^*`\s][^*`]*)\*(?!\*)/g)) {
    if (found.index > end) spans.push({ kind: 'text', text: text.slice(end, found.index) });
    const [whole, code, strong, emphasis] = found;
    spans.push({ kind: code ? 'code' : strong ? 'strong' : 'emphasis', text: (code ?? strong ?? emphasis)! });
    end = found.index + whole.length;
  }
  if (end < text.length) spans.push({ kind: 'text', text: text.slice(end) });
  return spans;
}
