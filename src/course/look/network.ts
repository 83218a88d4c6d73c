/**
 * The network namespaces of a lab, as conditions see them: the lab's own, those that processes are in, and those that live by a name or
 * another bind mount. Each is read at once and let go: interfaces with their other ends, bridges with what they have learned, addresses,
 * routes, and the packet filter with its counters. See network_namespaces(7), veth(4), rtnetlink(7).
 */
import { call } from '../../kernel/call.ts';
import { closeFd, toBytes, tryOpenInRoot } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { holdNamespace, holdPlace, parseNamespace, type HeldNamespace } from '../../kernel/namespace.ts';
import { performNow } from '../../kernel/perform.ts';
import type { Address, Link, Route } from '../../kernel/netlink/inventory.ts';
import { listForwarding, listNeighbours, type Forwarding, type Neighbour } from '../../kernel/netlink/neighbour.ts';
import { readRuleset, type Chain, type Ruleset } from '../../kernel/netlink/nft-ruleset.ts';
import { Snapshot, type Scene } from '../../element/net/snapshot.ts';
import { namesDirectory } from '../../element/net/namespaces.ts';
import { attempt } from '../../kernel/attempt.ts';
import type { LabProcess } from '../../lab/processes.ts';
import type { Look, Ran } from './look.ts';

/** The routing table `main`: what `ip route` shows. */
const mainTable = 254;

/** An interface with what belongs to it. */
export interface LabLink extends Link {
  readonly namespace: LabNetwork;
  /** IPv4 and IPv6. */
  readonly addresses: readonly Address[];
}

/** Where a namespace was found, and by what it is entered. */
interface Finding {
  readonly held: HeldNamespace;
  readonly path: string;
  readonly names: string[];
  readonly processes: LabProcess[];
}

/** One network namespace of the lab's. */
export class LabNetwork {
  readonly inode: number;
  /** It is the lab's own: of what the course calls the host. */
  readonly isHost: boolean;
  /** Names in /run/netns. */
  readonly names: readonly string[];
  readonly processes: readonly LabProcess[];
  /** As the lab enters it: `nsenter --net=PATH`. */
  readonly path: string;
  readonly links: readonly LabLink[];
  /** The routing table `main`. */
  readonly routes: readonly Route[];
  readonly neighbours: readonly Neighbour[];
  /** What its bridges know. */
  readonly forwarding: readonly Forwarding[];
  readonly ruleset: Ruleset;
  /** `net.ipv4.ip_forward`: it passes packets on. */
  readonly forwards: boolean;

  constructor(scene: Scene, { names, processes, path }: Finding, isHost: boolean) {
    const { place } = scene;
    this.inode = place.namespace.inode;
    this.isHost = isHost;
    this.names = names;
    this.processes = processes;
    this.path = path;
    this.links = scene.links.map((link) => ({ ...link, namespace: this, addresses: scene.addresses.filter(({ index }) => index === link.index) }));
    this.routes = scene.routes.filter(({ table }) => table === mainTable);
    this.neighbours = listNeighbours(place.route);
    this.forwarding = listForwarding(place.route);
    this.ruleset = attempt(() => readRuleset(place.netfilter)) ?? { tables: [], chains: [], sets: [] };
    this.forwards = place.sysctl(['ipv4', 'ip_forward']) === '1';
  }

  /** How a sentence names it: `lab`, its own name, or the process in it. */
  get label(): string {
    const [process] = this.processes;
    return this.isHost ? 'lab' : (this.names[0] ?? (process ? `pid ${process.labPid} (${process.name})` : this.path));
  }

  link(name: string): LabLink | undefined {
    return this.links.find((link) => link.name === name);
  }

  get loopback(): LabLink | undefined {
    return this.link('lo');
  }

  /** Its interfaces but for the loopback. */
  get wires(): readonly LabLink[] {
    return this.links.filter(({ name }) => name !== 'lo');
  }

  /** IPv4 addresses of its interfaces, without 127.0.0.0/8. */
  get addresses(): readonly Address[] {
    return this.wires.flatMap(({ addresses }) => addresses.filter(({ address }) => !address.includes(':')));
  }

  get defaultRoute(): Route | undefined {
    return this.routes.find(({ destination, prefix, type }) => destination === '0.0.0.0' && prefix === 0 && type === 'unicast');
  }

  /** The interfaces that are plugged into a bridge. */
  portsOf(bridge: Link): readonly LabLink[] {
    return this.links.filter(({ master }) => master === bridge.index);
  }

  /** Chains that packets meet, of a type (`nat`, `filter`) and at a hook (`postrouting`). */
  chainsAt(type: string, hook: string): readonly Chain[] {
    return this.ruleset.chains.filter((chain) => chain.hook?.type === type && chain.hook.name === hook);
  }
}

/** The whole of it at one moment. */
export class LabNetworks {
  readonly all: readonly LabNetwork[];
  readonly #ends = new Map<LabLink, LabLink>();

  constructor(look: Look) {
    const found = findings(look);
    const described = [...found].map(([inode, { held, path, names, processes }]) => ({
      inode,
      own: false,
      names,
      container: undefined,
      pids: processes.map(({ pid }) => pid),
      files: [],
      path,
      held,
      label: names[0] ?? path,
    }));
    const snapshot = new Snapshot(described);
    try {
      const home = look.host.namespaces.net;
      this.all = snapshot.scenes.map((scene) => {
        const { inode } = scene.place.namespace;
        return new LabNetwork(scene, found.get(inode)!, inode === home);
      });
      for (const scene of snapshot.scenes)
        for (const link of scene.links) {
          const peer = snapshot.peerOf({ scene, link });
          const [here, there] = [this.#linkOf(scene, link.index), peer && this.#linkOf(peer.scene, peer.link.index)];
          if (here && there) this.#ends.set(here, there);
        }
    } finally {
      snapshot.close();
      for (const { held } of found.values()) closeFd(held.fd);
    }
  }

  /** The lab's own: what the course calls the host. */
  get host(): LabNetwork | undefined {
    return this.all.find(({ isHost }) => isHost);
  }

  /** All but the lab's own and those of the names given, which the scene was set with. */
  others(...planted: readonly string[]): readonly LabNetwork[] {
    return this.all.filter(({ isHost, names }) => !isHost && !names.some((name) => planted.includes(name)));
  }

  of({ namespaces }: LabProcess): LabNetwork | undefined {
    return this.all.find(({ inode }) => inode === namespaces.net);
  }

  named(name: string): LabNetwork | undefined {
    return this.all.find(({ names }) => names.includes(name));
  }

  /** The other end of a veth pair, wherever in the lab that is. */
  peerOf(link: LabLink): LabLink | undefined {
    return link.kind === 'veth' ? this.#ends.get(link) : undefined;
  }

  #linkOf(scene: Scene, index: number): LabLink | undefined {
    return this.all.find(({ inode }) => inode === scene.place.namespace.inode)?.links.find((link) => link.index === index);
  }
}

const looked = new WeakMap<Look, LabNetworks>();

/** The network namespaces as this look sees them; read once for each look. */
export function networksOf(look: Look): LabNetworks {
  const known = looked.get(look) ?? new LabNetworks(look);
  looked.set(look, known);
  return known;
}

/** Runs a program of the lab's in one of its network namespaces, as the lab's root. */
export const runIn = (look: Look, network: LabNetwork, args: readonly string[], timeout = 5000): Promise<Ran> =>
  look.run(network.isHost ? args : ['nsenter', `--net=${network.path}`, ...args], { timeout });

/**
 * Connects by TCP from a network namespace and reads what the server says before it hangs up.
 * @returns its words, trimmed; undefined where there was no connection or no words in time
 * @param seconds how long to wait
 */
export async function wordsFrom(look: Look, network: LabNetwork, address: string, port: number, seconds = 2): Promise<string | undefined> {
  const dialogue = ['bash', '-c', 'exec 3<>"/dev/tcp/$1/$2" && cat <&3', 'bash', address, String(port)];
  const { code, stdout } = await runIn(look, network, ['timeout', String(seconds), ...dialogue], (seconds + 3) * 1000);
  return code === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

/** The namespaces by inode; each is held, and is the caller's to close. */
function findings(look: Look): Map<number, Finding> {
  const found = new Map<number, Finding>();
  const take = (held: HeldNamespace | number, path: string): Finding | undefined => {
    if (typeof held === 'number') return undefined;
    const known = held.type === 'net' ? found.get(held.inode) : undefined;
    if (known || held.type !== 'net') {
      closeFd(held.fd);
      return known;
    }
    const fresh = { held, path, names: [], processes: [] };
    found.set(held.inode, fresh);
    return fresh;
  };
  const tables = new Set<number | undefined>();
  for (const process of look.processes) {
    const { net } = process.namespaces;
    if (net === undefined) continue; // it has ended
    const path = `/proc/${process.labPid}/ns/net`;
    (found.get(net) ?? take(holdNamespace(`/proc/${process.pid}/ns/net`), path))?.processes.push(process);
  }
  for (const process of look.processes) {
    const { mnt } = process.namespaces;
    if (tables.has(mnt)) continue;
    tables.add(mnt);
    for (const { root, mountPoint, type } of look.mountsOf(process)) {
      if (type !== 'nsfs' || parseNamespace(root)?.type !== 'net') continue;
      const inHost = mnt === look.host.namespaces.mnt;
      const way = inHost ? mountPoint : `/proc/${process.labPid}/root${mountPoint}`;
      const finding = take(holdMounted(process.pid, mountPoint), way);
      if (inHost && finding && mountPoint.startsWith(`${namesDirectory}/`)) {
        const name = mountPoint.slice(namesDirectory.length + 1);
        if (!finding.names.includes(name)) finding.names.push(name);
      }
    }
  }
  return found;
}

/** Opens what is mounted at a path of a process's root: its files are a learner's, so no link leads out of that root. */
function holdMounted(pid: number, mountPoint: string): HeldNamespace | number {
  const root = performNow(call('openat', [AT_FDCWD, `/proc/${pid}/root`, openFlags.O_PATH | openFlags.O_CLOEXEC, 0]));
  if (root < 0) return root;
  try {
    return holdPlace(tryOpenInRoot(root, toBytes(mountPoint), openFlags.O_PATH | openFlags.O_CLOEXEC));
  } finally {
    closeFd(root);
  }
}
