/** Markdown of the lessons as HTML. Blocks for the other form of cgroups are folded beside those of this machine's. */
import { parseMarkdown, parseSpans, type Block } from '../markdown.ts';
import type { Form } from '../lesson.ts';
import { markup, type Html } from './html.ts';
import type { BookWords } from './words.ts';

/** For whom it is shown. */
export interface Reader {
  /** Of the machine that the book was made on. */
  readonly form: Form;
  readonly words: BookWords;
}

/** A text of several blocks. */
export function proseHtml(markdown: string, reader: Reader): Html {
  return markup`${partsOf(parseMarkdown(markdown).flat(), reader)}`;
}

/** Pieces of one line. */
export const spansHtml = (text: string): Html[] =>
  parseSpans(text).map((span) => {
    if (span.kind === 'code') return markup`<code>${span.text}</code>`;
    if (span.kind === 'strong') return markup`<strong>${span.text}</strong>`;
    return span.kind === 'emphasis' ? markup`<em>${span.text}</em>` : markup`${span.text}`;
  });

/** A block of code. It can be scrolled by keys where it is wider than the page. */
export const codeHtml = (text: string): Html => markup`<pre tabindex="0"><code>${text}</code></pre>\n`;

/** What only readers with the other form of cgroups type. */
export const otherForm = (form: Form, content: Html, { words }: Reader): Html =>
  markup`<details class="form"><summary>${words.onForm(form)}</summary>\n${content}</details>\n`;

type Code = Extract<Block, { kind: 'code' }>;
type Item = Extract<Block, { kind: 'item' }>;

const formOfBlock = (block: Block | undefined): Form | undefined =>
  block?.kind === 'code' ? (/^sh (v[12])$/.exec(block.info)?.[1] as Form | undefined) : undefined;

function partsOf(blocks: readonly Block[], reader: Reader): Html[] {
  const out: Html[] = [];
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i]!;
    if (block.kind === 'paragraph') out.push(markup`<p>${spansHtml(block.text)}</p>\n`);
    else if (block.kind === 'table') out.push(tableHtml(block.rows));
    else if (block.kind === 'code' && formOfBlock(block) === undefined) out.push(codeHtml(block.lines.join('\n')));
    else {
      const end = block.kind === 'code' ? endOfForms(blocks, i) : endOfList(blocks, i);
      const run = blocks.slice(i, end);
      out.push(block.kind === 'code' ? formsHtml(run as Code[], reader) : listHtml(run, reader));
      i = end - 1;
    }
  }
  return out;
}

/** Blocks for both forms stand one behind the other. */
function endOfForms(blocks: readonly Block[], from: number): number {
  const first = formOfBlock(blocks[from]);
  const next = formOfBlock(blocks[from + 1]);
  return next !== undefined && next !== first ? from + 2 : from + 1;
}

function formsHtml(blocks: readonly Code[], reader: Reader): Html {
  const text = (block: Code): string => block.lines.join('\n');
  const own = blocks.find((block) => formOfBlock(block) === reader.form);
  const other = blocks.find((block) => formOfBlock(block) !== reader.form);
  const folded = other && (!own || text(own) !== text(other)) ? otherForm(formOfBlock(other)!, codeHtml(text(other)), reader) : undefined;
  return markup`${own && codeHtml(text(own))}${folded}`;
}

const depth = ({ indent }: { readonly indent: string }): number => indent.length;
const isOrdered = ({ mark }: Item): boolean => /\d/.test(mark);

/** A list goes on with items as far in as its first, with what is further in, and with code that is indented. */
function endOfList(blocks: readonly Block[], from: number): number {
  const first = blocks[from] as Item;
  let end = from + 1;
  for (; end < blocks.length; end++) {
    const block = blocks[end]!;
    const goesOn =
      block.kind === 'item'
        ? depth(block) > depth(first) || (depth(block) === depth(first) && isOrdered(block) === isOrdered(first))
        : block.kind === 'code' && depth(block) > depth(first);
    if (!goesOn) break;
  }
  return end;
}

function listHtml(blocks: readonly Block[], reader: Reader): Html {
  const first = blocks[0] as Item;
  const starts = blocks.flatMap((block, i) => (block.kind === 'item' && depth(block) === depth(first) ? [i] : []));
  const items = starts.map((start, i) => {
    const inner = blocks.slice(start + 1, starts[i + 1]);
    return markup`<li>${spansHtml((blocks[start] as Item).text)}${inner.length > 0 ? ['\n', ...partsOf(inner, reader)] : undefined}</li>\n`;
  });
  return isOrdered(first) ? markup`<ol start="${Number.parseInt(first.mark, 10)}">\n${items}</ol>\n` : markup`<ul>\n${items}</ul>\n`;
}

/** A table that may be wider than the page. @param rows the first is the head */
export function tableHtml([head = [], ...rows]: readonly (readonly string[])[]): Html {
  const heads = head.map((cell) => markup`<th scope="col">${spansHtml(cell)}</th>`);
  const lines = rows.map((cells) => markup`<tr>${cells.map((cell) => markup`<td>${spansHtml(cell)}</td>`)}</tr>\n`);
  return markup`<div class="table" tabindex="0"><table>\n<thead><tr>${heads}</tr></thead>\n<tbody>\n${lines}</tbody>\n</table></div>\n`;
}
