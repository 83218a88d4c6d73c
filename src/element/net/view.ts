/** What `hako net show` tells of a network namespace, as plain data: for JSON, for the tree (tree.ts), and for comparing. */
import { errno, KernelError } from '../../kernel/errno.ts';
import { ipv4Text } from '../../kernel/netlink/attribute.ts';
import { readRuleset, type Ruleset } from '../../kernel/netlink/nft-ruleset.ts';
import { chainText, countedRuleText } from '../../kernel/netlink/nft-text.ts';
import { ElementError } from '../interpret.ts';
import type { Port, Scene, Snapshot } from './snapshot.ts';

export interface InterfaceView {
  readonly index: number;
  readonly name: string;
  /** `bridge`, `veth`, …; empty for a physical one. */
  readonly kind: string;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly carrier: boolean;
  /** The bridge that it is a port of. */
  readonly bridge?: string;
  /** What else it is a part of: a bond, a VRF, … */
  readonly partOf?: string;
  readonly peer?: { readonly namespace: string; readonly interface: string };
  /** With the length of the prefix: `10.0.0.1/24`. */
  readonly addresses: readonly string[];
}

export interface RouteView {
  /** `default`, or `10.0.0.0/24`. */
  readonly destination: string;
  readonly gateway?: string;
  readonly interface?: string;
  readonly source?: string;
  readonly metric: number;
  /** `unicast`, `blackhole`, … */
  readonly type: string;
}

export interface ChainView {
  /** `ip filter FORWARD` */
  readonly chain: string;
  readonly hook?: string;
  readonly priority?: number;
  readonly type?: string;
  readonly policy?: string;
  readonly rules: readonly string[];
}

export interface NamespaceView {
  readonly name: string;
  readonly inode: number;
  readonly names: readonly string[];
  readonly container?: string;
  readonly pids: readonly number[];
  readonly files: readonly string[];
  readonly forwarding: boolean;
  readonly interfaces: readonly InterfaceView[];
  /** Of the main table, and of tables that administrators made. */
  readonly routes: readonly RouteView[];
  readonly chains: readonly ChainView[];
  /** What is published: `tcp 8080 -> 10.0.0.2:80`. */
  readonly published: readonly string[];
  /** Why its packet filter is not known: then {@link chains} and {@link published} are empty. */
  readonly filterUnread?: string;
}

/** Reads what one namespace has. */
export function viewOf(snapshot: Snapshot, scene: Scene): NamespaceView {
  const { place } = scene;
  const { namespace } = place;
  let ruleset: Ruleset = { tables: [], chains: [], sets: [] };
  let filterUnread: string | undefined;
  try {
    ruleset = rulesetOf(scene);
  } catch (error) {
    if (!(error instanceof ElementError)) throw error;
    filterUnread = error.message;
  }
  return {
    name: namespace.label,
    inode: namespace.inode,
    names: namespace.names,
    ...(namespace.container === undefined ? {} : { container: namespace.container }),
    pids: namespace.pids,
    files: namespace.files,
    forwarding: place.sysctl(['ipv4', 'ip_forward']) === '1',
    interfaces: scene.links.map((link) => interfaceView(snapshot, { scene, link })),
    routes: routesOf(scene),
    chains: chainViews(ruleset),
    published: publishedOf(ruleset),
    ...(filterUnread === undefined ? {} : { filterUnread }),
  };
}

/** The packet filter of a namespace; empty where the kernel has none. @throws ElementError where it is not for this user to read */
export function rulesetOf(scene: Scene): Ruleset {
  for (let attempts = 3; ; attempts--) {
    try {
      return readRuleset(scene.place.netfilter);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      // No part of the kernel is there that would know such a request.
      if (error.errno === errno.EINVAL) return { tables: [], chains: [], sets: [] };
      if (error.errno === errno.EPERM)
        throw new ElementError(`the packet filter of ${scene.place.namespace.label} cannot be read: that needs CAP_NET_ADMIN (EPERM); run hako as root`);
      // A set that was listed went away before its elements were.
      if (error.errno !== errno.ENOENT || attempts === 0) throw error;
    }
  }
}

/** One interface. */
export function interfaceView(snapshot: Snapshot, port: Port): InterfaceView {
  const { scene, link } = port;
  const master = scene.links.find((l) => l.index === link.master);
  const peer = snapshot.peerOf(port);
  return {
    index: link.index,
    name: link.name,
    kind: link.kind ?? '',
    mac: link.address,
    mtu: link.mtu,
    up: link.up,
    carrier: link.carrier,
    ...(master ? { [master.kind === 'bridge' ? 'bridge' : 'partOf']: master.name } : {}),
    ...(peer ? { peer: { namespace: peer.scene.place.namespace.label, interface: peer.link.name } } : {}),
    addresses: scene.addresses.filter((a) => a.index === link.index).map((a) => `${a.address}/${a.prefix}`),
  };
}

const localTable = 255;

/** The routes that somebody decided on; what follows from addresses alone (the table `local`) is left out. */
export function routesOf(scene: Scene): RouteView[] {
  return scene.routes
    .filter((r) => r.table !== localTable)
    .map((r) => {
      const name = scene.links.find((l) => l.index === r.interface)?.name;
      return {
        destination: r.prefix === 0 ? 'default' : r.prefix === 32 ? r.destination : `${r.destination}/${r.prefix}`,
        ...(r.gateway === undefined ? {} : { gateway: r.gateway }),
        ...(name === undefined ? {} : { interface: name }),
        ...(r.source === undefined ? {} : { source: r.source }),
        metric: r.metric,
        type: r.type,
      };
    });
}

function chainViews(ruleset: Ruleset): ChainView[] {
  return ruleset.chains.map((chain) => ({
    chain: chainText(chain),
    ...(chain.hook ? { hook: chain.hook.name, priority: chain.hook.priority, type: chain.hook.type, policy: chain.hook.policy } : {}),
    rules: chain.rules.map((rule) => countedRuleText(ruleset, chain, rule)),
  }));
}

const protocolNames: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' };
const port = (bytes: Uint8Array): number => (bytes[0]! << 8) | bytes[1]!;

/** What the maps of published ports hold (src/network/rules.ts): the engine's, and those of `hako net publish`. */
export function publishedOf(ruleset: Ruleset, table?: string): string[] {
  return ruleset.sets
    .filter((s) => (s.name === 'published' || s.name === 'published_on_address') && (table === undefined || s.table === table))
    .flatMap((s) =>
      s.elements.map(({ key, data }) => {
        const [address, rest] = s.name === 'published' ? ['', key] : [`${ipv4Text(key)}:`, key.subarray(4)];
        const to = data ?? new Uint8Array(8);
        return `${protocolNames[rest[0]!] ?? rest[0]} ${address}${port(rest.subarray(4))} -> ${ipv4Text(to)}:${port(to.subarray(4))}`;
      }),
    );
}
