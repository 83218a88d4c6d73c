/**
 * Reads what an ELF file needs to run: its architecture, program interpreter and shared libraries. 64-bit little-endian only,
 * as both architectures that hakobune runs on are. Reads a few bounded pieces of the file, whatever its headers say.
 * See elf(5) and ld.so(8).
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** What an ELF file says of itself. */
export interface ElfFile {
  /** Of the header, e_machine: 62 is x86-64, 183 is AArch64. */
  readonly machine: number;
  /** The dynamic loader (PT_INTERP); none for shared libraries and static programs. */
  readonly interpreter: string | undefined;
  /** The libraries it is linked with (DT_NEEDED), in order. */
  readonly needed: readonly string[];
  /** Directories in which its libraries and theirs are searched (DT_RPATH, obsolete), unexpanded. */
  readonly rpath: readonly string[];
  /** Directories in which its own libraries are searched (DT_RUNPATH), unexpanded. */
  readonly runpath: readonly string[];
}

/** e_machine of this machine's programs. */
export const nativeMachine: number = process.arch === 'arm64' ? 183 : 62;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_RPATH = 15;
const DT_RUNPATH = 29;

const headerSize = 64;
const programHeaderSize = 56;
const maxProgramHeaders = 256;
const maxDynamicSize = 1 << 16; // 4096 entries
const maxString = 4096;

/** Reads an ELF file; undefined where the file is none (a script, another class or byte order). @throws when it cannot be read, or is malformed */
export function readElf(path: string): ElfFile | undefined {
  const fd = openSync(path, 'r');
  try {
    return parse(fd, path);
  } finally {
    closeSync(fd);
  }
}

interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function parse(fd: number, path: string): ElfFile | undefined {
  const malformed = (what: string): Error => new Error(`${path} is a malformed ELF file: ${what}`);
  const header = readAt(fd, 0, headerSize);
  // Magic, ELFCLASS64, ELFDATA2LSB
  if (header.length < headerSize || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) return undefined;
  const machine = header.readUInt16LE(18);
  const count = header.readUInt16LE(56);
  if (header.readUInt16LE(54) !== programHeaderSize && count > 0) throw malformed('its program headers have an unknown size');
  if (count > maxProgramHeaders) throw malformed(`it has ${count} program headers`);
  const table = readAt(fd, offsetAt(header, 32), count * programHeaderSize);
  const headers: ProgramHeader[] = [];
  for (let at = 0; at + programHeaderSize <= table.length; at += programHeaderSize) {
    headers.push({ type: table.readUInt32LE(at), offset: offsetAt(table, at + 8), address: offsetAt(table, at + 16), size: offsetAt(table, at + 32) });
  }

  const interp = headers.find((h) => h.type === PT_INTERP);
  const interpreter = interp ? readString(fd, interp.offset, interp.size) : undefined;
  if (interp && !interpreter) throw malformed('its interpreter has no name');
  const dynamic = headers.find((h) => h.type === PT_DYNAMIC);
  const empty = { machine, interpreter, needed: [], rpath: [], runpath: [] };
  if (!dynamic) return empty;

  const entries = readDynamic(fd, dynamic);
  const address = entries.find(([tag]) => tag === DT_STRTAB)?.[1];
  if (address === undefined) return empty;
  const segment = headers.find((h) => h.type === PT_LOAD && address >= h.address && address < h.address + h.size);
  if (!segment) throw malformed('its string table is in no segment');
  const strings = segment.offset + address - segment.address;
  const text = (tag: number): string[] =>
    entries
      .filter(([t]) => t === tag)
      .map(([, value]) => {
        const string = readString(fd, strings + value, maxString);
        if (!string) throw malformed('a name in its dynamic section is missing');
        return string;
      });
  const directories = (tag: number): string[] =>
    text(tag)
      .flatMap((s) => s.split(':'))
      .filter((s) => s !== '');
  return { machine, interpreter, needed: text(DT_NEEDED), rpath: directories(DT_RPATH), runpath: directories(DT_RUNPATH) };
}

/** The (tag, value) pairs of a dynamic section, up to DT_NULL. */
function readDynamic(fd: number, { offset, size }: ProgramHeader): [tag: number, value: number][] {
  const bytes = readAt(fd, offset, Math.min(size, maxDynamicSize));
  const entries: [number, number][] = [];
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const tag = offsetAt(bytes, at);
    if (tag === 0) break;
    entries.push([tag, offsetAt(bytes, at + 8)]);
  }
  return entries;
}

/** 64 bits as a number; what is beyond 2^53 lies beyond any file and reads as nothing. */
const offsetAt = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;

function readAt(fd: number, offset: number, length: number): Buffer {
  if (!Number.isSafeInteger(offset + length)) return Buffer.alloc(0);
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, length === 0 ? 0 : readSync(fd, bytes, 0, length, offset));
}

/** A NUL-terminated string of at most `limit` bytes; empty where it is not terminated. */
function readString(fd: number, offset: number, limit: number): string {
  const bytes = readAt(fd, offset, Math.min(limit, maxString));
  const end = bytes.indexOf(0);
  return end < 0 ? '' : bytes.toString('utf8', 0, end);
}
