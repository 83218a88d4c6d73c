/** A cable between two namespaces: a veth pair with its addresses, routes and bridge, built from the steps of links.ts. */
import type { Procedure } from '../../step/step.ts';
import { changeRoute, giveAddress, makeVeth, plug, switchLink } from './links.ts';
import type { NetworkNamespace } from './namespaces.ts';
import { at, openNamespace, type Site } from './site.ts';
import type { Cidr } from './words.ts';

/** One end: where it is, and what it gets. */
export interface End {
  readonly namespace: NetworkNamespace;
  readonly name: string;
  readonly address?: Cidr;
  /** Default route of its namespace. */
  readonly gateway?: string;
  readonly bridge?: string;
}

/** Makes the pair in the first end's namespace, the second end where it belongs, and completes both. */
export function* makeVethPair(near: End, far: End, up: boolean): Procedure {
  const apart = near.namespace.inode !== far.namespace.inode;
  yield* at(near.namespace, function* (site) {
    const fd = apart ? yield* openNamespace(far.namespace) : undefined;
    const target = far.namespace.names[0] ?? String(far.namespace.pids[0] ?? '');
    yield* makeVeth(site, near.name, { name: far.name, ...(fd === undefined ? {} : { fd, target }) });
  });
  // The far end first: a route needs a cable with somebody at its end.
  yield* at(far.namespace, (site) => complete(site, far, up));
  yield* at(near.namespace, (site) => complete(site, near, up));
}

function* complete(site: Site, end: End, up: boolean): Procedure {
  if (end.bridge !== undefined) yield* plug(site, end.name, end.bridge);
  if (end.address) yield* giveAddress(site, end.name, end.address);
  if (up) yield* switchLink(site, end.name, true);
  if (end.gateway !== undefined) yield* changeRoute(site, { destination: 'default', gateway: end.gateway }, 'add');
}
