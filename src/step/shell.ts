/**
 * Words of shell lines. The lines of a procedure's steps, put in order, are a script (src/runtime/script/), and much in them
 * comes from images and users: whatever is put into a line goes through here. See sh(1posix), "Quoting"; docs/decisions/shell-lines.md.
 */

/** A variable's place in a value: `parameter('STATE') + '/upper'` is the word `"$STATE"/upper`. No string of a container has a NUL (src/engine/spec/build.ts refuses it). */
export function parameter(name: string): string {
  return `\0${name}\0`;
}

/** Characters that mean nothing to a shell, wherever they are. */
const plain = /^[\w@%+=:,./-]+$/;

/**
 * A value as one word.
 * @throws Error for a NUL, which no word can have
 */
export function word(value: string): string {
  if (plain.test(value)) return value; // nearly all are
  const parts = value.split('\0');
  // At every second place is a parameter's name.
  if (parts.length % 2 === 0 || parts.some((part, i) => i % 2 === 1 && !/^[A-Z]+$/.test(part))) throw new Error('a NUL has no place in a shell line');
  const words = parts.map((part, i) => (i % 2 === 1 ? `"$${part}"` : part === '' || plain.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`));
  return words.join('') || "''";
}

/** Several words. */
export const words = (values: readonly string[]): string => values.map(word).join(' ');

/** The place of a container's path while its root is not yet the root: `in_root` follows links inside it alone. */
export const inRoot = (path: string): string => `"$(in_root ${word(path)})"`;
