/** Finds where the last n lines of a log begin, from its end backwards, so that the cost depends on n and not on the log. */
import { type FileHandle, open } from 'node:fs/promises';
import type { LogOptions } from './engine.ts';
import { endOfRecords, headerSize, maximalPayload, recordAt, recordBefore, trailerSize } from './logs-record.ts';
import { type LogFiles, logPath, openFlags } from './logs-writer.ts';

/** A place in a log: file, record in the file, byte in the record's payload. */
export interface LogPlace {
  readonly sequence: number;
  readonly offset: number;
  readonly index: number;
}

const newline = 10;
const blockSize = 2 * (headerSize + maximalPayload + trailerSize);

/**
 * Where the last `options.tail` lines of the chosen streams begin, or undefined when there are not more than that.
 * A line counts where it begins; a last line without an end counts too.
 * @param sequences the numbers of the log's files, rising
 */
export async function placeOfTail(directory: string, sequences: readonly number[], options: LogOptions, live?: LogFiles): Promise<LogPlace | undefined> {
  let wanted = options.tail ?? 0;
  for (const sequence of sequences.toReversed()) {
    const file = await openLogFile(directory, sequence);
    if (!file) continue;
    try {
      const end = await endOfFile(file, sequence, live);
      if (wanted === 0) return { sequence, offset: end, index: 0 };
      const found = await searchBackwards(file, end, wanted, options);
      if (typeof found !== 'number') return { sequence, ...found };
      wanted = found;
    } finally {
      await file.close();
    }
  }
  return undefined;
}

/** Opens one of the log's files for reading; undefined when rotation has deleted it. */
export async function openLogFile(directory: string, sequence: number): Promise<FileHandle | undefined> {
  return open(logPath(directory, sequence), openFlags.read).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** How many bytes of a file are whole records: the writer knows it for the file it writes. */
export async function endOfFile(file: FileHandle, sequence: number, live: LogFiles | undefined): Promise<number> {
  if (live && live.sequence === sequence) return live.position;
  const { size } = await file.stat();
  return size === 0 ? 0 : endOfRecords(file.fd, size);
}

/** The place of the wanted-th line from the end, or how many lines are still wanted at the beginning of the file. */
async function searchBackwards(file: FileHandle, end: number, lines: number, options: LogOptions): Promise<number | Pick<LogPlace, 'offset' | 'index'>> {
  let wanted = lines;
  for (let limit = end; limit > 0;) {
    const from = Math.max(0, limit - blockSize);
    const block = Buffer.allocUnsafeSlow(limit - from);
    const { bytesRead } = await file.read(block, 0, block.length, from);
    let at = bytesRead;
    for (let begin = recordBefore(block, at); begin !== undefined; begin = recordBefore(block, at)) {
      at = begin;
      const record = recordAt(block, begin, block.length);
      if (!record || !options[record.stream]) continue;
      const payload = block.subarray(record.start, record.end);
      for (let found = payload.lastIndexOf(newline, -2); payload.length > 1 && found >= 0; found = found > 0 ? payload.lastIndexOf(newline, found - 1) : -1) {
        wanted -= 1;
        if (wanted === 0) return { offset: from + begin, index: found + 1 };
      }
      if (!record.continues) wanted -= 1;
      if (wanted === 0) return { offset: from + begin, index: 0 };
    }
    if (at === bytesRead) return wanted;
    limit = from + at;
  }
  return wanted;
}
