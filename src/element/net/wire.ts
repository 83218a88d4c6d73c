/**
 * The wires below IP: where a frame that leaves an interface comes out. Through veth pairs and bridges, across namespaces, until it
 * is at an interface whose namespace has the address that is looked for. See veth(4), bridge(8).
 */
import type { Port, Scene, Snapshot } from './snapshot.ts';

/** A frame at an interface: on its way out of it, or in. */
export interface Station extends Port {
  readonly way: 'out' | 'in';
}

/** Where a frame for an address comes out. */
export type Carried =
  | { readonly outcome: 'arrived'; readonly stations: readonly Station[] }
  /** Beyond an interface that leads out of this machine, or whose kind is not followed. */
  | { readonly outcome: 'left'; readonly stations: readonly Station[] }
  /** The last station is the interface that is switched off. */
  | { readonly outcome: 'down'; readonly stations: readonly Station[] }
  | { readonly outcome: 'nobody'; readonly stations: readonly Station[] };

/** Sends a frame for the holder of an IPv4 address out of an interface. */
export function carry(snapshot: Snapshot, from: Port, address: string): Carried {
  const open = search(snapshot, from, address, true);
  if (open.arrived) return { outcome: 'arrived', stations: open.arrived };
  const ignoring = search(snapshot, from, address, false);
  if (ignoring.arrived) {
    const stations = ignoring.arrived;
    return { outcome: 'down', stations: stations.slice(0, stations.findIndex((s) => !s.link.up) + 1) };
  }
  if (open.left) return { outcome: 'left', stations: open.left };
  return { outcome: 'nobody', stations: [{ ...from, way: 'out' }] };
}

function search(snapshot: Snapshot, from: Port, address: string, heedState: boolean): { arrived?: readonly Station[]; left?: readonly Station[] } {
  const visited = new Set<string>();
  const queue: Station[][] = [[{ ...from, way: 'out' }]];
  let left: readonly Station[] | undefined;
  for (let way = queue.shift(); way; way = queue.shift()) {
    const at = way.at(-1)!;
    const key = `${at.scene.place.namespace.inode} ${at.link.index} ${at.way}`;
    if (visited.has(key) || (heedState && !at.link.up)) continue;
    visited.add(key);
    // A Linux host answers for any of its addresses, on whatever interface it is asked.
    if (at.way === 'in' && !below(at) && at.scene.addresses.some((a) => a.address === address)) return { arrived: way };
    const next = onward(snapshot, at);
    if (next === 'out of sight') left ??= way;
    else for (const station of next) queue.push([...way, station]);
  }
  return left ? { left } : {};
}

/** Kinds of interfaces that take the frames of those that are part of them; a VRF is none, it only says where to look for routes. */
const takers: ReadonlySet<string | undefined> = new Set(['bridge', 'bond', 'team']);

/** The interface that gets a frame in the place of the one where it comes in: the bridge that this is a port of, the bond. */
export function below({ scene, link }: Port): Port['link'] | undefined {
  const master = link.master === undefined ? undefined : scene.links.find((l) => l.index === link.master);
  return takers.has(master?.kind) ? master : undefined;
}

function onward(snapshot: Snapshot, { scene, link, way }: Station): readonly Station[] | 'out of sight' {
  if (way === 'in') {
    const taker = below({ scene, link });
    if (!taker) return [];
    return taker.kind === 'bridge' ? throughBridge(scene, taker.index, link.index) : [{ scene, link: taker, way }];
  }
  switch (link.kind) {
    case 'bridge':
      return throughBridge(scene, link.index, link.index).filter((s) => s.way === 'out');
    case 'bond':
    case 'team':
      return scene.links.filter((l) => l.master === link.index).map((part) => ({ scene, link: part, way }));
    case 'veth': {
      const peer = snapshot.peerOf({ scene, link });
      return peer ? [{ ...peer, way: 'in' }] : 'out of sight';
    }
    case 'dummy': // takes all, and does nothing
      return [];
    default:
      return link.name === 'lo' ? [] : 'out of sight';
  }
}

/** From a port of a bridge: into the bridge's own interface, and out of the other ports. */
function throughBridge(scene: Scene, bridge: number, from: number): Station[] {
  const own = scene.links.find((l) => l.index === bridge);
  if (!own) return [];
  const ports = scene.links.filter((l) => l.master === bridge && l.index !== from);
  return [{ scene, link: own, way: 'in' as const }, ...ports.map((link) => ({ scene, link, way: 'out' as const }))];
}
