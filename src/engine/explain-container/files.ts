/**
 * Which layer or mount a file of a running container comes from. The path is resolved in the container's own root, beneath its
 * descriptor; the mount is the one that the kernel names for the opened file. See openat2(2), proc_pid_fdinfo(5).
 */
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import type { FileOrigin, LiveExplanation } from '../../api/schema.ts';
import { closeFd, mountIdOf, toBytes, tryOpenInRoot } from '../../kernel/file-at.ts';
import { errnoMessage } from '../../kernel/errno.ts';
import { openFlags } from '../../kernel/flags.ts';
import { readMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import { readRange } from '../../storage/atomic.ts';
import { LayerStack } from '../../storage/layer-lookup.ts';
import { openLiveRoot } from '../container-root.ts';
import { EngineError } from '../engine.ts';
import { tryLink } from '../process-files.ts';
import { originOf } from './mounts.ts';
import type { Subject } from './subject.ts';

/** Files that are looked up: a process maps as many as it likes, and all this happens on the engine's only thread. */
const mostFiles = 100;
/** Bytes that are read of what it has mapped. */
const mostMaps = 1 << 20;

/** What a look at one file needs of all. */
interface Surroundings {
  readonly subject: Subject;
  /** A descriptor of the container's root. */
  readonly root: number;
  readonly mounts: readonly Mount[];
  readonly layers: readonly Layer[];
  readonly stack: LayerStack;
}

/**
 * The program, its libraries, and what was asked for.
 * @param asked paths in the container
 * @throws EngineError 400 for a path that is not absolute
 */
export function filesOf(subject: Subject, asked: readonly string[]): Pick<LiveExplanation, 'files' | 'moreFiles'> {
  for (const path of asked) if (!path.startsWith('/')) throw new EngineError(400, `${path} is not an absolute path of the container`);
  const root = openLiveRoot(subject.container);
  if (root === undefined) return { files: [], moreFiles: 0 };
  const layers = layersOf(subject);
  const stack = new LayerStack(layers.map(({ directory }) => directory));
  try {
    const around: Surroundings = { subject, root, mounts: readMountinfo(subject.pid), layers, stack };
    const wanted: [path: string, role: string][] = asked.length > 0 ? asked.map((path) => [posix.normalize(path), 'asked']) : ownFiles(subject.pid);
    const files = wanted.slice(0, mostFiles).map(([path, role]) => ({ path, role, ...originOfFile(around, path) }));
    return { files, moreFiles: wanted.length - files.length };
  } finally {
    stack.close();
    closeFd(root);
  }
}

/** What the process has mapped: its program first. Paths as it sees them. */
function ownFiles(pid: number): [string, string][] {
  const program = tryLink(`/proc/${pid}/exe`);
  const mapped = [...mapsOf(pid).matchAll(/^\S+ ..x. \S+ \S+ \d+\s+(\/.*)$/gm)].map(([, path]) => path!);
  const libraries = [...new Set(mapped)].filter((path) => path !== program);
  return [...(program?.startsWith('/') ? [[program, 'program'] as [string, string]] : []), ...libraries.map((path): [string, string] => [path, 'library'])];
}

/** The beginning of /proc/PID/maps; nothing when the process is gone. */
function mapsOf(pid: number): string {
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/maps`, 'r');
    return readRange(fd, 0, mostMaps).toString();
  } catch {
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

interface Layer {
  readonly directory: string;
  readonly words: string;
}

/** The directories of the overlay, the top one first, with what each is. */
function layersOf({ parts, container }: Subject): Layer[] {
  const { image } = container.record;
  const lower = parts.images.lowerDirs(image.chain);
  const { upper } = parts.snapshots.mountOf(container.id, lower);
  const created = layerHistory(parts, image.id);
  return [
    { directory: upper, words: "the container's own writable layer" },
    ...lower.map((directory, i) => {
      const number = lower.length - i;
      const by = created[number - 1];
      return { directory, words: `layer ${number} of ${lower.length} of ${image.reference}${by ? ` (${by})` : ''}` };
    }),
  ];
}

/** What made each layer, from the bottom; nothing where the image is gone. */
function layerHistory(parts: Subject['parts'], id: string): string[] {
  try {
    return (
      parts.images
        .resolve(id)
        .configuration.history?.filter((entry) => !entry.empty_layer)
        .map((entry) => (entry.created_by ?? '').slice(0, 60)) ?? []
    );
  } catch {
    return [];
  }
}

function originOfFile({ subject, root, mounts, layers, stack }: Surroundings, path: string): Omit<FileOrigin, 'path' | 'role'> {
  const fd = tryOpenInRoot(root, toBytes(path.slice(1)), openFlags.O_PATH);
  if (fd < 0) return { real: '', origin: errnoMessage(-fd), place: '' };
  try {
    const real = readlinkSync(`/proc/self/fd/${fd}`);
    const id = mountIdOf(fd);
    const mount = mounts.find((m) => m.id === id);
    if (!mount) return { real, origin: 'a mount that the process does not see', place: '' };
    if (mount.mountPoint !== '/' || mount.type !== 'overlay') {
      const { origin, meaning } = originOf(subject, mount);
      const point = subject.container.record.mounts.find((m) => m.Destination === mount.mountPoint);
      const inside = posix.relative(mount.mountPoint, real);
      return { real, origin: `${origin}: ${meaning}`, place: point?.Source ? posix.join(point.Source, inside) : '' };
    }
    const layer = layers[stack.find(toBytes(real.slice(1)), (found) => found.layer) ?? -1];
    return layer
      ? { real, origin: layer.words, place: posix.join(layer.directory, real) }
      : { real, origin: 'no layer: it was removed while it is open', place: '' };
  } finally {
    closeFd(fd);
  }
}
