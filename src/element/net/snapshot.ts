/**
 * What all network namespaces have at one moment, with each interface's peer found wherever it is. An interface names its peer by
 * an index (IFLA_LINK) and a number for the other namespace (IFLA_LINK_NETNSID) that only its own namespace understands.
 */
import { listAddresses, listLinks, listRoutes, type Address, type Link, type Route } from '../../kernel/netlink/inventory.ts';
import { namespaceId } from '../../kernel/netlink/namespace-id.ts';
import type { ElementError } from '../interpret.ts';
import type { NetworkNamespace } from './namespaces.ts';
import { Place } from './place.ts';

/** One namespace's share. */
export interface Scene {
  readonly place: Place;
  readonly links: readonly Link[];
  /** IPv4 and IPv6. */
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
}

/** An interface and where it is. */
export interface Port {
  readonly scene: Scene;
  readonly link: Link;
}

export class Snapshot {
  readonly scenes: readonly Scene[];
  /** Namespaces that could not be looked into, and why. */
  readonly closed: readonly { readonly namespace: NetworkNamespace; readonly reason: string }[];
  /** By the inode of a namespace: its numbers for others, by their inode. */
  readonly #ids = new Map<number, Map<number, number>>();

  constructor(namespaces: readonly NetworkNamespace[]) {
    const scenes: Scene[] = [];
    const closed: { namespace: NetworkNamespace; reason: string }[] = [];
    for (const namespace of namespaces) {
      let place: Place;
      try {
        place = new Place(namespace);
      } catch (error) {
        closed.push({ namespace, reason: (error as ElementError).message });
        continue;
      }
      scenes.push({
        place,
        links: listLinks(place.route),
        addresses: [...listAddresses(place.route), ...listAddresses(place.route, 10)],
        routes: listRoutes(place.route),
      });
    }
    this.scenes = scenes;
    this.closed = closed;
  }

  /** The scene of a namespace; undefined where it could not be looked into. */
  of(namespace: NetworkNamespace): Scene | undefined {
    return this.scenes.find((s) => s.place.namespace.inode === namespace.inode);
  }

  /** The other end of a veth pair, or what a VLAN, macvlan, … is bound to. */
  peerOf({ scene, link }: Port): Port | undefined {
    if (link.peer === undefined || link.peer === 0) return undefined;
    const other = link.peerNamespace === undefined ? scene : this.#byId(scene, link.peerNamespace);
    const peer = other?.links.find((l) => l.index === link.peer);
    return other && peer && peer !== link ? { scene: other, link: peer } : undefined;
  }

  /** The interfaces that have an IPv4 address, in whichever namespace: anybody can give one to an interface of a namespace of their own. */
  holdersOf(address: string): Port[] {
    return this.scenes.flatMap((scene) => {
      const indexes = scene.addresses.filter((a) => a.address === address).map(({ index }) => index);
      return scene.links.filter((l) => indexes.includes(l.index)).map((link) => ({ scene, link }));
    });
  }

  close(): void {
    for (const { place } of this.scenes) place.close();
  }

  #byId(scene: Scene, id: number): Scene | undefined {
    const { inode } = scene.place.namespace;
    let ids = this.#ids.get(inode);
    if (!ids) {
      ids = new Map();
      for (const { place } of this.scenes) {
        const known = namespaceId(scene.place.route, place.fd);
        if (known !== undefined) ids.set(known, place.namespace.inode);
      }
      this.#ids.set(inode, ids);
    }
    const other = ids.get(id);
    return this.scenes.find((s) => s.place.namespace.inode === other);
  }
}
