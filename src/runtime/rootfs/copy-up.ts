/**
 * Copies a tree of an image into a file system that is attached nowhere yet: what the option `tmpcopyup` of a tmpfs asks for. All of it
 * goes by descriptors, and no link is followed. Owners, modes, times, extended attributes, hard links and devices are kept.
 * See runtime-spec config.md "Mounts", copy_file_range(2).
 */
import { call } from '../../kernel/call.ts';
import { errno, KernelError } from '../../kernel/errno.ts';
import {
  closeFd,
  openAt,
  readDirectory,
  readLinkAt,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statAt,
  statFd,
  toText,
  tryChmodFd,
  tryChownAt,
  tryChownFd,
  tryLinkAt,
  tryMakeDirectoryAt,
  tryMakeNodeAt,
  trySetTimes,
  trySymlinkAt,
  writeFully,
  type ByteString,
  type FileStatus,
} from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { performNow } from '../../kernel/perform.ts';
import { getXattr, isOverlayXattr, listXattrs, trySetXattr } from '../../kernel/xattr.ts';

const chunk = 1 << 20;

/**
 * Copies what is in one directory into another, and the first one's own attributes onto it.
 * @param from open for reading; its position is moved
 * @throws KernelError with the name that could not be copied
 */
export function copyTree(from: number, to: number): void {
  new Copy(to).directory(from, to, statFd(from), '.');
}

class Copy {
  /** Copied files that have more names, by their identity: their paths in the copy, which nobody else reaches yet. */
  readonly #linked = new Map<string, ByteString>();
  readonly #top: number;
  constructor(top: number) {
    this.#top = top;
  }

  directory(from: number, to: number, status: FileStatus, path: ByteString): void {
    for (const { name } of readDirectory(from)) this.#entry(from, to, name, `${path}/${name}`);
    this.#attributes(from, to, status, path);
  }

  #entry(from: number, to: number, name: ByteString, path: ByteString): void {
    const status = statAt(from, name);
    if (!status) return; // gone meanwhile
    const kind = status.mode & S_IFMT;
    if (kind === S_IFDIR) return this.#into(from, to, { name, path }, status);
    const first = status.nlink > 1 ? this.#linked.get(status.identity) : undefined;
    if (first !== undefined) return must(tryLinkAt(this.#top, first, to, name), 'link', name);
    if (kind === S_IFREG) this.#file(from, to, name, status);
    else {
      if (kind === S_IFLNK) must(trySymlinkAt(readLinkAt(from, name), to, name), 'symlink', name);
      else must(tryMakeNodeAt(to, name, status.mode, status.major, status.minor), 'mknod', name);
      must(tryChownAt(to, name, status.uid, status.gid), 'chown', name);
      must(trySetTimes(to, name, status.mtime, status.mtimeNsec), 'utimensat', name);
    }
    if (status.nlink > 1) this.#linked.set(status.identity, path);
  }

  #into(from: number, to: number, { name, path }: { readonly name: ByteString; readonly path: ByteString }, status: FileStatus): void {
    const source = openAt(from, name, openFlags.O_DIRECTORY);
    try {
      must(tryMakeDirectoryAt(to, name, 0o700), 'mkdir', name);
      const target = openAt(to, name, openFlags.O_DIRECTORY);
      try {
        this.directory(source, target, status, path);
      } finally {
        closeFd(target);
      }
    } finally {
      closeFd(source);
    }
  }

  #file(from: number, to: number, name: ByteString, status: FileStatus): void {
    // What is no longer a file by now would otherwise keep us waiting for somebody who writes.
    const source = openAt(from, name, openFlags.O_NONBLOCK);
    try {
      const target = openAt(to, name, openFlags.O_WRONLY | openFlags.O_CREAT | openFlags.O_EXCL, 0o600);
      try {
        const buffer = new Uint8Array(Math.min(chunk, Math.max(status.size, 1)));
        for (;;) {
          const length = performNow(call('read', [source, buffer, buffer.length]));
          must(length, 'read', name);
          if (length === 0) break;
          writeFully(target, buffer.subarray(0, length), null, name);
        }
        this.#attributes(source, target, status, name);
      } finally {
        closeFd(target);
      }
    } finally {
      closeFd(source);
    }
  }

  /** The owner first: changing it takes set-user-ID and capabilities away. */
  #attributes(from: number, to: number, status: FileStatus, name: ByteString): void {
    must(tryChownFd(to, status.uid, status.gid), 'chown', name);
    must(tryChmodFd(to, status.mode & 0o7777), 'chmod', name);
    for (const attribute of listXattrs(from)) {
      const value = isOverlayXattr(attribute) ? undefined : getXattr(from, attribute);
      const set = value ? trySetXattr(to, attribute, value) : 0;
      // A tmpfs has no attributes of users before Linux 6.6.
      if (set !== -errno.EOPNOTSUPP) must(set, `setxattr ${toText(attribute)}`, name);
    }
    must(trySetTimes(to, null, status.mtime, status.mtimeNsec), 'utimensat', name);
  }
}

function must(value: number, what: string, name: ByteString): void {
  if (value < 0) throw new KernelError(`${what} "${toText(name)}"`, -value);
}
