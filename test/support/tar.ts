/**
 * Tar archives written by hand (POSIX ustar, tar(5)), for tests: every field of a header can be set, also to what no honest
 * archiver would write. Independent of the engine's own archive code, which these archives test.
 */

/** One entry. `type` is the header's type flag: `0` file, `1` hard link, `2` symbolic link, `3` and `4` devices, `5` directory, `6` FIFO. */
export interface TarEntry {
  readonly name: string;
  readonly type?: string;
  readonly contents?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since the epoch. */
  readonly mtime?: number;
  readonly linkname?: string;
  readonly major?: number;
  readonly minor?: number;
  /** The size in the header, where it is to differ from that of the contents. */
  readonly size?: number;
  /** Extended attributes and other pax records, written as a header of type `x` before the entry: `SCHILY.xattr.user.a`. */
  readonly pax?: Readonly<Record<string, string>>;
}

const blockSize = 512;

/** An archive of the entries in this order, with the two empty blocks at its end. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(2 * blockSize)]);
}

function entryBlocks(entry: TarEntry): Buffer[] {
  const contents = Buffer.from(entry.contents ?? '');
  const pax = entry.pax ? entryBlocks({ name: 'PaxHeaders/entry', type: 'x', contents: paxRecords(entry.pax) }) : [];
  const padding = Buffer.alloc((blockSize - (contents.length % blockSize)) % blockSize);
  return [...pax, header(entry, entry.size ?? contents.length), contents, padding];
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, at: number, width: number): number => block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  const type = entry.type ?? '0';
  block.write(entry.name, 0, 100);
  octal(entry.mode ?? (type === '5' ? 0o755 : 0o644), 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(size, 124, 12);
  octal(entry.mtime ?? 1_700_000_000, 136, 12);
  block.write(type, 156, 'latin1');
  block.write(entry.linkname ?? '', 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(entry.major ?? 0, 329, 8);
  octal(entry.minor ?? 0, 337, 8);
  // The checksum counts its own field as eight spaces.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecords(records: Readonly<Record<string, string>>): string {
  return Object.entries(records)
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      let length = rest + String(rest).length;
      if (String(length).length !== String(rest).length) length = rest + String(length).length;
      return `${length} ${key}=${value}\n`;
    })
    .join('');
}
