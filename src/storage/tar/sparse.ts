/**
 * Sparse files in tar archives: a map of the runs of data, and only these as content. GNU tar writes the map in the
 * header (old format), in PAX records (0.0, 0.1) or before the content (1.0). See the GNU tar manual, "Sparse Formats".
 */
import type { SparseRun } from './entry.ts';
import { parsePaxInteger } from './pax.ts';

/** The most runs that are accepted: an archive must not fill the memory. A file of 4 GB with a hole in every other 4 KiB has half of it. */
export const maxSparseRuns = 1_000_000;

/** The most bytes of a map before the content (format 1.0). */
const maxSparseMap = 16 << 20;

/** Reads `offset,length,offset,length…` (PAX 0.0 and 0.1); undefined when it is malformed. */
export function parseSparseList(text: string): SparseRun[] | undefined {
  return text === '' ? [] : pairs(text.split(',').map(parsePaxInteger));
}

/** Reads the map that stands before the content (PAX 1.0), block by block: a count, then offsets and lengths, each a line. */
export class SparseMapBlocks {
  private readonly blocks: Buffer[] = [];
  private lines = 0;
  private wanted = Infinity;

  /** Takes the next block of the content. Returns the runs when the map is complete, undefined while it is not, null when it is malformed. */
  add(block: Buffer): SparseRun[] | undefined | null {
    this.blocks.push(Buffer.from(block));
    if (this.blocks.length === 1) {
      const count = parsePaxInteger(block.toString('latin1', 0, Math.max(0, block.indexOf(0x0a))));
      if (count === undefined || count > maxSparseRuns) return null;
      this.wanted = 1 + 2 * count;
    }
    for (const byte of block) if (byte === 0x0a) this.lines++;
    if (this.lines < this.wanted) return this.blocks.length * block.length < maxSparseMap ? undefined : null;
    const numbers = Buffer.concat(this.blocks).toString('latin1').split('\n').slice(1, this.wanted);
    return pairs(numbers.map(parsePaxInteger)) ?? null;
  }
}

function pairs(numbers: readonly (number | undefined)[]): SparseRun[] | undefined {
  if (numbers.length % 2 || numbers.length / 2 > maxSparseRuns) return undefined;
  const runs: SparseRun[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = numbers[i];
    const length = numbers[i + 1];
    if (offset === undefined || length === undefined) return undefined;
    runs.push({ offset, length });
  }
  return runs;
}

/**
 * Checks a map: the runs ascend, lie within the file and add up to the stored content.
 * @returns undefined, or a string that says what is wrong
 */
export function checkSparse(runs: readonly SparseRun[], size: number, stored: number): string | undefined {
  let end = 0;
  let sum = 0;
  for (const run of runs) {
    if (run.offset < end || run.offset + run.length > size) return 'its sparse map has runs that overlap or lie beyond its size';
    end = run.offset + run.length;
    sum += run.length;
  }
  return sum === stored ? undefined : `its sparse map has ${sum} bytes of data, but ${stored} are stored`;
}
