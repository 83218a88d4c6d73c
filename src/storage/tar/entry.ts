/** An entry of a tar archive, as the reader gives it and the writer takes it. Names are byte strings: see kernel/file-at.ts. */
import type { ByteString } from '../../kernel/file-at.ts';

/** What an entry is. Devices carry `major` and `minor`, links `linkTarget`, files content. */
export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** A run of bytes that a sparse file really has; what lies between runs is a hole. */
export interface SparseRun {
  readonly offset: number;
  readonly length: number;
}

/** A point in time: whole seconds since 1970 (may be negative), and nanoseconds to add. */
export interface TarTime {
  readonly seconds: number;
  readonly nsec: number;
}

/** One entry. */
export interface TarEntry {
  readonly type: TarEntryType;
  /** As the archive has it: may begin with `/` or `./`, may hold `..`. The one who uses it decides. */
  readonly path: ByteString;
  /** Of a hard link, the path of an earlier entry; of a symbolic link, its text. Else empty. */
  readonly linkTarget: ByteString;
  /** Permissions with setuid, setgid and sticky (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the file, holes included; 0 for what has no content. */
  readonly size: number;
  readonly mtime: TarTime;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes with their full names (`security.capability`). */
  readonly xattrs: readonly (readonly [name: ByteString, value: Uint8Array])[];
  /** The runs of data, for a file that was stored sparse. */
  readonly sparse?: readonly SparseRun[];
}
