/** Interfaces, addresses and routes as steps: what `hako net bridge`, `veth`, `link`, `address` and `route` do. See ip-link(8). */
import { randomBytes } from 'node:crypto';
import { Unknown, type Call, type Known } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { listLinks, type Link } from '../../kernel/netlink/inventory.ts';
import {
  addAddress,
  addRouteBy,
  addVeth,
  deleteAddress,
  deleteLink,
  deleteRoute,
  getLink,
  linkIndex,
  setLink,
  type RoutePath,
} from '../../kernel/netlink/rtnetlink.ts';
import { perform as performCall } from '../../kernel/perform.ts';
import { createBridge } from '../../network/bridge.ts';
import { addressText, broadcastOf, subnetOf, subnetText } from '../../network/subnet.ts';
import { step, type Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { Place } from './place.ts';
import { parseAddress, type Cidr } from './words.ts';
import type { Site } from './site.ts';

/** Of steps that take away what they were told to. */
const asked = 'taking it away is what was asked for';

/**
 * A call that makes something, with the one that takes it back. What was there before (EEXIST) is not ours to take: it is taken back
 * only where the call has made it.
 */
function reversible(make: Call, back: Call): { readonly calls: readonly [Call]; readonly undo: readonly [Call] } {
  let made = false;
  const perform = (): number => {
    const value = performCall(make) as number;
    made = value >= 0;
    return value;
  };
  return { calls: [{ ...make, perform }], undo: [{ ...back, perform: () => (made ? performCall(back) : 0) }] };
}

/** The index of an interface, asked when it is needed: an earlier step may make it. @throws StepError (ENODEV) where there is none */
function* indexOf(site: Site, name: string): Procedure<Known> {
  return yield* step<Known>({
    id: 'net.link.find',
    what: `Find the interface ${name} in ${site.namespace.label}`,
    calls: [site.netlink.route.call([getLink(name)], { answer: linkIndex, label: name })],
    shell: `ip link show ${name}`,
    look: 'ip link',
    undone: 'it only asks',
    result: ([index]) => index!,
    unknown: new Unknown(name),
  });
}

/** An interface as it is now, to leave it so again; undefined where there is none yet, and one is made by an earlier step. */
function current(site: Site, name: string): Link | undefined {
  const place = new Place(site.namespace);
  try {
    return listLinks(place.route).find((l) => l.name === name);
  } finally {
    place.close();
  }
}

/** Makes a bridge, up, with addresses and ports. */
export function* makeBridge(site: Site, name: string, options: { readonly addresses?: readonly Cidr[]; readonly ports?: readonly string[] } = {}): Procedure {
  if (current(site, name)) throw new ElementError(`${site.namespace.label} has an interface ${name} already: "hako net link ${name} --rm" deletes it`);
  // Locally administered; given, since else it would change with the ports.
  const mac = Buffer.concat([Uint8Array.of(2), randomBytes(5)])
    .toString('hex')
    .replace(/(..)(?!$)/g, '$1:');
  yield* createBridge(site.netlink, name, mac, 1500);
  yield* switchLink(site, name, true);
  for (const address of options.addresses ?? []) yield* giveAddress(site, name, address);
  for (const port of options.ports ?? []) yield* plug(site, port, name);
}

/** One end of a veth pair. */
export interface VethEnd {
  readonly name: string;
  /** A descriptor of the namespace that it goes into; absent: the site's own. */
  readonly fd?: Known;
  /** What `ip link … netns` takes. */
  readonly target?: string;
}

/** Makes a pair of interfaces: what goes in at one end comes out at the other. */
export function* makeVeth(site: Site, near: string, far: VethEnd): Procedure {
  yield* step({
    id: 'net.veth',
    what: `Make a pair of interfaces: ${near} in ${site.namespace.label}, ${far.name}${far.target === undefined ? '' : ` in ${far.target}`}`,
    ...reversible(
      site.netlink.route.call([addVeth(near, {}, { name: far.name, ...(far.fd === undefined ? {} : { namespace: far.fd }) })]),
      site.netlink.route.call([deleteLink(near)], { accept: [errno.ENODEV] }),
    ),
    shell: `ip link add ${near} type veth peer name ${far.name}${far.target === undefined ? '' : ` netns ${far.target}`}`,
    look: `ip -d link show ${near}`,
  });
}

/** Switches an interface on or off. */
export function* switchLink(site: Site, name: string, up: boolean): Procedure {
  const word = up ? 'up' : 'down';
  const before = current(site, name)?.up ?? !up;
  yield* step({
    id: `net.link.${word}`,
    what: `Switch ${name} ${up ? 'on' : 'off'}`,
    calls: [site.netlink.route.call([setLink(name, { up })])],
    shell: `ip link set ${name} ${word}`,
    look: `ip link show ${name}`,
    undo: [site.netlink.route.call([setLink(name, { up: before })], { accept: [errno.ENODEV] })],
  });
}

/** Makes an interface a port of a bridge. */
export function* plug(site: Site, port: string, bridge: string): Procedure {
  const master = yield* indexOf(site, bridge);
  const before = current(site, port)?.master ?? 0;
  yield* step({
    id: 'net.link.plug',
    what: `Plug ${port} into ${bridge}`,
    calls: [site.netlink.route.call([setLink(port, { master })])],
    shell: `ip link set ${port} master ${bridge}`,
    look: `ip link show master ${bridge}`,
    undo: [site.netlink.route.call([setLink(port, { master: before })], { accept: [errno.ENODEV] })],
  });
}

/** Takes an interface out of its bridge. */
export function* unplug(site: Site, port: string): Procedure {
  const before = current(site, port)?.master ?? 0;
  yield* step({
    id: 'net.link.unplug',
    what: `Take ${port} out of its bridge`,
    calls: [site.netlink.route.call([setLink(port, { master: 0 })])],
    shell: `ip link set ${port} nomaster`,
    look: `ip link show ${port}`,
    undo: [site.netlink.route.call([setLink(port, { master: before })], { accept: [errno.ENODEV] })],
  });
}

/** Sets the size of the largest packet, in bytes. */
export function* setMtu(site: Site, name: string, mtu: number): Procedure {
  const before = current(site, name)?.mtu ?? mtu;
  yield* step({
    id: 'net.link.mtu',
    what: `Let ${name} carry packets of ${mtu} bytes`,
    calls: [site.netlink.route.call([setLink(name, { mtu })])],
    shell: `ip link set ${name} mtu ${mtu}`,
    look: `ip link show ${name}`,
    undo: [site.netlink.route.call([setLink(name, { mtu: before })], { accept: [errno.ENODEV] })],
  });
}

/** Deletes an interface; a veth's other end goes with it. */
export function* removeLink(site: Site, name: string): Procedure {
  yield* step({
    id: 'net.link.delete',
    what: `Delete the interface ${name}`,
    calls: [site.netlink.route.call([deleteLink(name)])],
    shell: `ip link delete ${name}`,
    look: 'ip link',
    undone: asked,
  });
}

/** Gives an interface an IPv4 address. */
export function* giveAddress(site: Site, name: string, { address, prefix }: Cidr): Procedure {
  // A subnet of one or two addresses has none to spare for that. RFC 3021
  const broadcast = prefix >= 31 ? undefined : broadcastOf(subnetOf(address, prefix));
  const index = yield* indexOf(site, name);
  yield* step({
    id: 'net.address',
    what: `Give ${name} the address ${address}/${prefix}`,
    ...reversible(
      site.netlink.route.call([addAddress(index, address, prefix, broadcast)]),
      site.netlink.route.call([deleteAddress(index, address, prefix)], { accept: [errno.EADDRNOTAVAIL, errno.ENODEV] }),
    ),
    shell: `ip address add ${address}/${prefix}${broadcast === undefined ? '' : ` broadcast ${broadcast}`} dev ${name}`,
    look: `ip address show ${name}`,
  });
}

/** Takes an IPv4 address from an interface. */
export function* takeAddress(site: Site, name: string, { address, prefix }: Cidr): Procedure {
  const index = yield* indexOf(site, name);
  yield* step({
    id: 'net.address.delete',
    what: `Take the address ${address}/${prefix} from ${name}`,
    calls: [site.netlink.route.call([deleteAddress(index, address, prefix)])],
    shell: `ip address delete ${address}/${prefix} dev ${name}`,
    look: `ip address show ${name}`,
    undone: asked,
  });
}

/** A route in words. */
export interface RouteWords {
  /** `default`, or a subnet. */
  readonly destination: string;
  readonly gateway?: string | undefined;
  readonly interface?: string | undefined;
}

/** Adds a route, or takes one away. */
export function* changeRoute(site: Site, words: RouteWords, change: 'add' | 'delete'): Procedure {
  const destination = words.destination === 'default' ? undefined : parseAddress(words.destination);
  const base = destination && subnetOf(destination.address, destination.prefix);
  const path: RoutePath = {
    ...(base ? { destination: { address: addressText(base.base), prefix: base.prefix } } : {}),
    ...(words.gateway === undefined ? {} : { gateway: words.gateway }),
    ...(words.interface === undefined ? {} : { interface: yield* indexOf(site, words.interface) }),
  };
  const text = [base ? subnetText(base) : 'default', words.gateway && `via ${words.gateway}`, words.interface && `dev ${words.interface}`]
    .filter(Boolean)
    .join(' ');
  const adding = change === 'add';
  yield* step({
    id: adding ? 'net.route' : 'net.route.delete',
    what: adding ? `Send packets for ${text.replace('default', 'everywhere else')}` : `Take the route ${text} away`,
    ...(adding
      ? reversible(site.netlink.route.call([addRouteBy(path)]), site.netlink.route.call([deleteRoute(path)], { accept: [errno.ESRCH, errno.ENODEV] }))
      : { calls: [site.netlink.route.call([deleteRoute(path)])], undone: asked }),
    shell: `ip route ${change} ${text}`,
    look: 'ip route',
  });
}
