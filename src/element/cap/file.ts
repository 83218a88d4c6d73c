/** `hako cap file`: reading, giving and taking away the capabilities of a file. See capabilities(7), "File capabilities"; setxattr(2). */
import { call } from '../../kernel/call.ts';
import { errno, errnoMessage, errnoName } from '../../kernel/errno.ts';
import { capabilityAttribute, encodeFileCapabilities, type FileCapabilities } from '../../kernel/file-capability.ts';
import { closeFd, S_IFMT, S_IFREG, statFd, toText, tryOpenAt, type ByteString } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { performNow } from '../../kernel/perform.ts';
import { walkLayer } from '../../storage/layer-walk.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { fileCapabilities } from './program.ts';
import { fileText } from './text.ts';

/** A file and its capabilities. */
export interface CapableFile {
  readonly path: string;
  readonly capabilities?: FileCapabilities;
}

/** Reads a file. @throws ElementError when it is not there, or its attribute is not understood */
export function readFile(path: string): CapableFile {
  const fd = performNow(call('openat', [AT_FDCWD, path, openFlags.O_PATH | openFlags.O_CLOEXEC, 0]));
  if (fd < 0) throw cannotOpen(path, -fd);
  try {
    const capabilities = fileCapabilities(fd, path);
    return { path, ...(capabilities ? { capabilities } : {}) };
  } finally {
    closeFd(fd);
  }
}

/**
 * The files with capabilities below a directory, links not followed. What is renamed or swapped meanwhile leads nowhere else: each
 * file is opened by one name below an open directory.
 * @param unread is told of each file or directory that could not be read, which is left out
 * @throws ElementError when the directory itself cannot be read
 */
export function filesBelow(directory: string, unread: (why: string) => void): CapableFile[] {
  const found: CapableFile[] = [];
  const top = performNow(call('openat', [AT_FDCWD, directory, openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0]));
  if (top < 0) throw cannotOpen(directory, -top);
  const nameOf = (path: ByteString): string => `${directory.replace(/\/+$/, '')}/${toText(path)}`;
  try {
    for (const { path, name, parent, status } of walkLayer(top, '', ({ message }) => unread(`below ${directory}: ${message}`))) {
      if ((status.mode & S_IFMT) !== S_IFREG) continue;
      const fd = tryOpenAt(parent, name, openFlags.O_PATH);
      if (fd === -errno.ENOENT) continue; // it went away
      try {
        if (fd < 0) throw cannotOpen(nameOf(path), -fd);
        const capabilities = fileCapabilities(fd, nameOf(path));
        if (capabilities) found.push({ path: nameOf(path), capabilities });
      } catch (error) {
        unread((error as Error).message);
      } finally {
        if (fd >= 0) closeFd(fd);
      }
    }
  } finally {
    closeFd(top);
  }
  return found;
}

const cannotOpen = (path: string, number: number): ElementError => new ElementError(`cannot open ${path}: ${errnoMessage(number)} (${errnoName(number)})`);

/**
 * Gives a file capabilities, in place of those it has.
 * @param rootid the user id that is root in the user namespace for which they are to count; absent: the namespace of the writer
 */
export function* setFile(path: string, wanted: Omit<FileCapabilities, 'revision'>, rootid?: number): Procedure {
  const before = regular(path);
  const capabilities: FileCapabilities = { ...wanted, revision: rootid === undefined ? 2 : 3, ...(rootid === undefined ? {} : { rootid }) };
  const bytes = encodeFileCapabilities(capabilities);
  const text = fileText(capabilities);
  yield* step({
    id: 'capability.file-set',
    what: `Give the file ${path} the capabilities ${text}${rootid === undefined ? '' : `, for namespaces whose root is user ${rootid}`}`,
    calls: [call('setxattr', [path, capabilityAttribute, bytes, bytes.length, 0])],
    shell: `setcap ${rootid === undefined ? '' : `-n ${rootid} `}${word(text)} ${word(path)}`,
    look: `getcap -n ${word(path)}`,
    undo: [restoring(path, before)],
  });
}

/** Takes a file's capabilities away. @throws ElementError when it has none */
export function* removeFile(path: string): Procedure {
  const before = regular(path);
  if (!before) throw new ElementError(`${path} has no capabilities`);
  yield* step({
    id: 'capability.file-remove',
    what: `Take the file ${path} its capabilities (${fileText(before)})`,
    calls: [call('removexattr', [path, capabilityAttribute])],
    shell: `setcap -r ${word(path)}`,
    look: `getcap ${word(path)}`,
    undo: [restoring(path, before)],
  });
}

function restoring(path: string, before: FileCapabilities | undefined): ReturnType<typeof call> {
  if (!before) return call('removexattr', [path, capabilityAttribute], { accept: [errno.ENODATA] });
  const bytes = encodeFileCapabilities(before);
  return call('setxattr', [path, capabilityAttribute, bytes, bytes.length, 0]);
}

/** What a regular file has now. @throws ElementError for anything else: execve takes no others */
function regular(path: string): FileCapabilities | undefined {
  const fd = performNow(call('openat', [AT_FDCWD, path, openFlags.O_PATH | openFlags.O_CLOEXEC, 0]));
  if (fd < 0) throw cannotOpen(path, -fd);
  try {
    if ((statFd(fd).mode & S_IFMT) !== S_IFREG) throw new ElementError(`${path} is no regular file, and only those have capabilities`);
    return fileCapabilities(fd, path);
  } finally {
    closeFd(fd);
  }
}
