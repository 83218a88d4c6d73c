/** Aligned columns, as Docker prints its tables: three spaces between them, none shorter than ten characters. */
import { printable, withoutPaint } from './terminal-text.ts';

/**
 * @param lines cells of each line; the last cell is not padded
 * @returns the text, each line ended
 */
export function alignColumns(lines: readonly (readonly string[])[], options: { readonly least?: number } = {}): string {
  const { least = 10 } = options;
  const safe = lines.map((cells) => cells.map(printable));
  const widths: number[] = [];
  for (const cells of safe) for (const [i, cell] of cells.entries()) widths[i] = Math.max(widths[i] ?? least, displayWidth(cell) + 3);
  return safe
    .map((cells) => `${cells.map((cell, i) => (i === cells.length - 1 ? cell : cell + ' '.repeat(widths[i]! - displayWidth(cell)))).join('')}\n`)
    .join('');
}

/** Columns that a terminal uses: two for the wide characters of East Asia, one for others. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of withoutPaint(text))
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
      character,
    )
      ? 2
      : 1;
  return width;
}
