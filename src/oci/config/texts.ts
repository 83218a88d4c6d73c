/** The kinds of text that config.json has in many places: paths, lines, lists of CPUs. */
import { matching, quoted, text, textOrEmpty, type Schema } from './schema.ts';

/** A path from the root. */
export const absolutePath: Schema<string> = text((path) => (path.startsWith('/') ? undefined : `must be an absolute path, not ${quoted(path)}`));

/** A text that fits in one line of a file. */
export const line: Schema<string> = text((value) => (hasControl(value) ? `must be one line without control characters, not ${quoted(value)}` : undefined));
export const lineOrEmpty: Schema<string> = textOrEmpty((value) =>
  value.includes('\n') || value.includes('\r') ? `must be one line, not ${quoted(value)}` : undefined,
);

/** CPUs or memory nodes, as cpuset(7) has them. */
export const cpuList: Schema<string> = matching(/^\d{1,6}(-\d{1,6})?(:\d+\/\d+)?(,\d{1,6}(-\d{1,6})?(:\d+\/\d+)?)*\n?$/, 'a list such as 0-2,7');

/** A name of the host or of its domain: what sethostname(2) takes. */
export const hostName: Schema<string> = text((name) => {
  if (Buffer.byteLength(name) > 64) return `must be at most 64 bytes long, not ${Buffer.byteLength(name)}`;
  return hasControl(name) ? `must be a name without control characters, not ${quoted(name)}` : undefined;
});

/** True for characters below the space, and DEL. */
export function hasControl(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
