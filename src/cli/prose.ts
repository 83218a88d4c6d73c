/**
 * Prose on a terminal: paragraphs broken to a width, in any script. Between the characters of Japanese a line may end anywhere but
 * where a mark would begin the next one, or an opening bracket be left alone (JIS X 4051, kinsoku).
 */
import { displayWidth } from './columns.ts';
import { printablePainted } from './terminal-text.ts';

const wide = /[\u2e80-\ua4cf\uff00-\uff60]/;
const notFirst = /^[、。，．・：；！？）」』】〉》ーぁぃぅぇぉっゃゅょァィゥェォッャュョ,.!?:;)\]}]/;
const notLast = /[（「『【〈《([{]$/;

/** What a line is made of: words with the space behind them, and single wide characters; code in backquotes stays whole. */
function pieces(text: string): string[] {
  const all: string[] = [];
  for (const [piece] of text.matchAll(/`[^`]*`|[^\s`\u2e80-\ua4cf\uff00-\uff60]+|[\u2e80-\ua4cf\uff00-\uff60]|\s+/g)) {
    const last = all.at(-1);
    const joins = last !== undefined && !/\s$/.test(last) && (notFirst.test(piece) || notLast.test(last) || !(wide.test(piece) || wide.test(last.at(-1)!)));
    if (joins || (last !== undefined && /^\s+$/.test(piece))) all[all.length - 1] += piece;
    else all.push(piece);
  }
  return all;
}

/** Breaks a paragraph into lines of at most so many columns, where its words let it; not where a name in it has a line break. */
export function wrapProse(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces(printablePainted(text).replaceAll('\n', ' '))) {
    if (line !== '' && displayWidth(line + piece.trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += piece;
  }
  if (line.trim() !== '') lines.push(line.trimEnd());
  return lines;
}
