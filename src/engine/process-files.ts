/** The small files of /proc/PID that more than one part of the engine reads. A process may end at any time: what is gone is undefined. */
import { readFileSync, readlinkSync } from 'node:fs';

/** The text of a file that may be gone by now; undefined then. */
export function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Where a link leads; undefined when it is gone, or not ours to see. */
export function tryLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The rest of a line of /proc/PID/status: `statusField(text, 'Uid')`. */
export function statusField(status: string, name: string): string {
  return new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
}

/** What a process calls itself. */
export const processName = (pid: number): string => tryRead(`/proc/${pid}/comm`)?.trim() ?? '';
