/**
 * Reading the control groups' files: their few formats, and waiting for their events. Nothing here writes.
 * A cgroup may vanish at any moment, so a file that is not there (any more) is an answer, `undefined`, not an error.
 * Formats: Documentation/admin-guide/cgroup-v2.rst, "Format"; see cgroups(7).
 */
import { closeSync, openSync, readFileSync, readSync, readdirSync, watch, type FSWatcher } from 'node:fs';

/** Errors of a read that mean "the cgroup or the file is gone, or the kernel has no such figure"; EINVAL: the file is only for writing. */
const gone = new Set(['ENOENT', 'ENODEV', 'ENOTDIR', 'EOPNOTSUPP', 'EINVAL']);

/** One buffer for all reads: they are synchronous, and most files fit. */
const buffer = Buffer.allocUnsafe(16384);

/**
 * The text of a file without its last newline; undefined when it is not there.
 * @throws the error of node:fs for anything else, such as EACCES
 */
export function readText(path: string): string | undefined {
  try {
    const fd = openSync(path, 'r');
    try {
      const length = readSync(fd, buffer, 0, buffer.length, 0);
      const text = length < buffer.length ? buffer.toString('latin1', 0, length) : readFileSync(path, 'latin1');
      return text.endsWith('\n') ? text.slice(0, -1) : text;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (gone.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** What cgroup v1 shows for "no limit" is the largest multiple of the page size; half of it can only mean the same. */
const unlimited = 2 ** 62;

/** A file with one number. `max`, and v1's huge number for the same, are Infinity. */
export function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseAmount(text);
}

/** A number as cgroup files have it; see {@link readNumber}. */
export function parseAmount(text: string): number | undefined {
  if (text === 'max') return Infinity;
  const value = Number.parseInt(text, 10);
  if (Number.isNaN(value)) return undefined;
  return value >= unlimited ? Infinity : value;
}

/** A flat keyed file, one `KEY VALUE` a line: memory.stat, cpu.stat, cgroup.events. */
export function readKeyed(path: string): Record<string, number> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const values: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) values[line.slice(0, space)] = Number(line.slice(space + 1));
  }
  return values;
}

/** A nested keyed file, one `KEY SUBKEY=VALUE …` a line: io.stat, the pressure files. */
export function readNested(path: string): Record<string, Record<string, number>> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const rows: Record<string, Record<string, number>> = {};
  for (const line of text.split('\n')) {
    const [key, ...pairs] = line.split(' ');
    if (!key) continue;
    rows[key] = Object.fromEntries(pairs.map((pair) => pair.split('=')).map(([name, value]) => [name, Number(value)]));
  }
  return rows;
}

/** A file with numbers separated by blanks or newlines: cgroup.procs, cpuacct.usage_percpu. */
export function readNumbers(path: string): number[] | undefined {
  const text = readText(path);
  return text === undefined ? undefined : text.split(/\s+/).filter(Boolean).map(Number);
}

/** The directories below a cgroup, each before its own children, the given one first; empty when it is not there. */
export function cgroupTree(directory: string): string[] {
  try {
    const children = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [directory, ...children.flatMap((entry) => cgroupTree(`${directory}/${entry.name}`))];
  } catch (error) {
    if (gone.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/**
 * Waits until `reached()` holds. The kernel tells of changes of cgroup.events by inotify; v1 files tell of nothing, so
 * there is a look at growing intervals too (1 ms to 50 ms), which also serves when no inotify watch can be had.
 * @param path the file to watch, or undefined where the kernel has no event for it
 * @param timeout in milliseconds
 * @returns whether it came to hold in time
 */
export async function awaitChange(path: string | undefined, reached: () => boolean, timeout: number): Promise<boolean> {
  if (reached()) return true;
  const deadline = process.uptime() * 1000 + timeout;
  let wake = (): void => {};
  let watcher: FSWatcher | undefined;
  try {
    if (path !== undefined) watcher = watch(path, () => wake()).on('error', () => {});
  } catch {
    // No more watches, or the file is gone: the intervals below find out.
  }
  try {
    for (let interval = watcher ? 20 : 1; process.uptime() * 1000 < deadline; interval = Math.min(interval * 2, 50)) {
      if (reached()) return true;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, interval);
        wake = () => (clearTimeout(timer), resolve());
      });
    }
    return reached();
  } finally {
    watcher?.close();
  }
}
