/** Namespaces as a tree: user namespaces beneath their parents, each with those that it owns. See user_namespaces(7). */
import { namespaceKinds } from '../../kernel/namespace.ts';
import type { Namespace } from './survey.ts';

/** A namespace with what is beneath it. */
export interface Branch<N extends Namespace = Namespace> {
  readonly namespace: N;
  readonly owned: readonly Branch<N>[];
}

/** Builds the tree. At its top: what has no owner that we can see. */
export function tree<N extends Namespace>(namespaces: readonly N[]): Branch<N>[] {
  const users = new Set(namespaces.filter(({ type }) => type === 'user').map(({ inode }) => inode));
  const order = namespaceKinds.map(({ type }) => type);
  // Those that a user namespace owns first, then the user namespaces beneath it.
  const rank = ({ type }: Namespace): number => (type === 'user' ? order.length : order.indexOf(type));
  const sorted = namespaces.toSorted((a, b) => rank(a) - rank(b) || a.inode - b.inode);
  const branch = (namespace: N): Branch<N> => ({
    namespace,
    owned: namespace.type === 'user' ? sorted.filter((other) => other.owner === namespace.inode && other !== namespace).map(branch) : [],
  });
  return sorted.filter(({ owner }) => owner === undefined || !users.has(owner)).map(branch);
}
