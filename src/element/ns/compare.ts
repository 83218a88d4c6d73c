/** Two processes side by side: which namespaces they share. */
import { closeFd } from '../../kernel/file-at.ts';
import { namespaceKinds, type NamespaceType } from '../../kernel/namespace.ts';
import { holdOf, ProcessDirectory } from './processes.ts';

/** One type, by the numbers of both processes' namespaces. */
export interface Comparison {
  readonly type: NamespaceType;
  readonly a: number;
  readonly b: number;
  readonly same: boolean;
}

/**
 * Compares. Both namespaces of a type are held while their numbers are: else the one could be gone, and the other have its number.
 * @throws ElementError when a process is gone, or another user's
 */
export function compare(a: number, b: number): Comparison[] {
  const directories = [ProcessDirectory.of(a)];
  try {
    directories.push(ProcessDirectory.of(b));
    return namespaceKinds.flatMap(({ type }) => {
      const held = directories.map((directory) => holdOf(directory, type));
      try {
        const [first, second] = held;
        return first && second ? [{ type, a: first.inode, b: second.inode, same: first.inode === second.inode }] : [];
      } finally {
        for (const each of held) if (each) closeFd(each.fd);
      }
    });
  } finally {
    for (const directory of directories) directory.close();
  }
}
