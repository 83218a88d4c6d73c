/**
 * The bridge: a virtual switch on the host. Containers are plugged in with veth pairs; the bridge's own address is their
 * gateway, and a packet filter table of its name does the rest (src/network/rules.ts). See ip-link(8), bridge in TYPES.
 */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { Unknown, type Known } from '../kernel/call.ts';
import { errno, errnoMessage, errnoName } from '../kernel/errno.ts';
import { listAddresses, listLinks, listRoutes, type Link } from '../kernel/netlink/inventory.ts';
import { addAddress, addBridge, deleteLink, getLink, linkIndex, setLink } from '../kernel/netlink/rtnetlink.ts';
import { batch, deleteTable, getTable, tableComment as commentOf } from '../kernel/netlink/nftables.ts';
import type { Call } from '../kernel/call.ts';
import { perform } from '../kernel/perform.ts';
import { word } from '../step/shell.ts';
import { step, type Procedure } from '../step/step.ts';
import { NetworkError } from './error.ts';
import type { Netlink } from './netlink.ts';
import { portElements, type PublishedPorts } from './ports.ts';
import { tableComment, tableRules, tableScript } from './rules.ts';
import { broadcastOf, chooseSubnet, gatewayOf, macOf, overlaps, subnetOf, subnetText, type Subnet } from './subnet.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';

/** A bridge that is ready for containers. */
export interface Bridge {
  readonly name: string;
  /** Its interface index on the host. */
  readonly index: Known;
  readonly subnet: Subnet;
  /** Its own address: the containers' gateway. */
  readonly gateway: string;
  /** Bytes; as the host's way out, so that containers send nothing that is too long for it. */
  readonly mtu: number;
}

export interface BridgeOptions {
  /** Name of the interface and of the packet filter's table, 1 to 15 characters of `A-Z a-z 0-9 _ -`, a letter first. */
  readonly name: string;
  /** Absent: the one that the bridge has already, else the first private one that is free on this host. */
  readonly subnet?: Subnet;
  /** What is published by containers that are running, after a restart of the engine. */
  readonly published?: readonly PublishedPorts[];
}

/**
 * Makes the bridge, or completes what is there of it: address, state, forwarding, packet filter.
 * @throws NetworkError when the name is another interface's or another table's, or the subnet is in use
 */
export function* ensureBridge(netlink: Netlink, options: BridgeOptions): Procedure<Bridge> {
  const { name } = options;
  checkName(name);
  const replaced = checkTable(netlink, name);
  const found = survey(netlink, name);
  const subnet = chooseFor(name, found, options.subnet);
  const gateway = found.gateway ?? gatewayOf(subnet);
  const mtu = found.link?.mtu ?? found.mtu;

  const index = found.link?.index ?? (yield* createBridge(netlink, name, macOf(gateway), mtu));
  if (!found.gateway) yield* addGateway(netlink, name, index, gateway, subnet);
  if (!found.link?.up) yield* bringUp(netlink, name, index);
  yield* forwardPackets();
  yield* allowLoopbackSource(name);
  yield* filterPackets(netlink, name, subnet, options.published ?? [], replaced);
  return { name, index, subnet, gateway, mtu };
}

/** Takes the bridge and its packet filter away. Forwarding stays on: others may count on it by now. */
export function* removeBridge(netlink: Netlink, name: string): Procedure {
  checkName(name);
  checkTable(netlink, name);
  yield* step({
    id: 'network.bridge.unfilter',
    what: `Delete the packet filter table ip ${name}`,
    calls: [deleteTableCall(netlink, name)],
    shell: `nft delete table ip ${name}`,
    look: 'nft list tables',
    undone: 'is itself the end of something',
  });
  yield* step({
    id: 'network.bridge.delete',
    what: `Delete the bridge ${name}`,
    calls: [netlink.route.call([deleteLink(name)], { accept: [errno.ENODEV], onThread: true })],
    shell: `ip link delete ${name}`,
    look: 'ip link show type bridge',
    undone: 'is itself the end of something',
  });
}

const deleteTableCall = (netlink: Netlink, name: string): Call => netlink.netfilter.call(batch([deleteTable(name)]), { accept: [errno.ENOENT] });

/** Makes a bridge. @param address its hardware address @returns its interface index */
export function* createBridge(netlink: Netlink, name: string, address: string, mtu: number): Procedure<Known> {
  // Address and MTU are given, since otherwise they would follow the ports; the MTU counts as given only when it is set later.
  return yield* step<Known>({
    id: 'network.bridge.create',
    what: `Make the bridge ${name}`,
    calls: [
      netlink.route.call([addBridge(name, { address }), setLink(name, { mtu, noLinkLocal: true })]),
      netlink.route.call([getLink(name)], { answer: linkIndex, label: 'bridge' }),
    ],
    shell: `ip link add ${name} address ${address} type bridge\nip link set ${name} mtu ${mtu} addrgenmode none`,
    shellUndo: `ip link delete ${name}`,
    look: `ip -d link show ${name}`,
    undo: [netlink.route.call([deleteLink(name)], { accept: [errno.ENODEV], onThread: true })],
    result: ([, index]) => index!,
    unknown: new Unknown('bridge'),
  });
}

function* addGateway(netlink: Netlink, name: string, index: Known, gateway: string, subnet: Subnet): Procedure {
  yield* step({
    id: 'network.bridge.address',
    what: `Give ${name} the address ${gateway}: the containers' gateway`,
    calls: [netlink.route.call([addAddress(index, gateway, subnet.prefix, broadcastOf(subnet))])],
    shell: `ip address add ${gateway}/${subnet.prefix} broadcast ${broadcastOf(subnet)} dev ${name}`,
    look: `ip address show ${name}`,
    undone: 'goes with the bridge',
  });
}

/** Switches an interface on. */
export function* bringUp(netlink: Netlink, name: string, index: Known): Procedure {
  yield* step({
    id: 'network.bridge.up',
    what: `Bring ${name} up`,
    calls: [netlink.route.call([setLink(index, { up: true })])],
    shell: `ip link set ${name} up`,
    look: `ip link show ${name}`,
    undone: 'goes with the bridge',
  });
}

/** Without this the host drops what a container sends to the world. */
function* forwardPackets(): Procedure {
  const key = ['net', 'ipv4', 'ip_forward'];
  if (readSysctl(key) === '1') return;
  const back = writeSysctl(key, '0');
  yield* step({
    id: 'network.forward',
    what: 'Let the host forward packets between its interfaces',
    ...writeSysctl(key, '1'),
    shell: 'echo 1 >/proc/sys/net/ipv4/ip_forward',
    shellUndo: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
    look: 'sysctl net.ipv4.ip_forward',
    undo: [...back.calls, ...back.finally],
  });
}

/** Publishing on localhost sends packets from 127.0.0.1 over the bridge; the table's chain `guard` is the other half. */
function* allowLoopbackSource(name: string): Procedure {
  const key = ['net', 'ipv4', 'conf', name, 'route_localnet'];
  if (readSysctl(key) === '1') return;
  yield* step({
    id: 'network.bridge.localhost',
    what: `Let ports be published on localhost over ${name}`,
    ...writeSysctl(key, '1'),
    shell: `echo 1 >/proc/sys/${key.join('/')}`,
    look: `sysctl ${key.join('/')}`,
    undone: 'goes with the bridge',
  });
}

function* filterPackets(netlink: Netlink, name: string, subnet: Subnet, published: readonly PublishedPorts[], replaced: boolean): Procedure {
  const elements = portElements(published);
  yield* step({
    id: 'network.bridge.filter',
    what: `Translate addresses for ${subnetText(subnet)}, and let in from outside only what is published`,
    calls: [netlink.netfilter.call(tableRules(name, subnet, elements))],
    shell: `nft ${word(tableScript(name, subnet, elements))}`,
    shellUndo: `nft delete table ip ${name}`,
    look: `nft list table ip ${name}`,
    // A table that was there before serves running containers, and stays as it was when it cannot be replaced.
    ...(replaced ? { undone: 'stays: it was there before, and serves containers' } : { undo: [deleteTableCall(netlink, name)] }),
  });
}

/** What is on the host already. */
interface Survey {
  readonly link: Link | undefined;
  readonly gateway: string | undefined;
  readonly subnet: Subnet | undefined;
  /** Addresses, routes and name servers that are not the bridge's. */
  readonly used: readonly { readonly subnet: Subnet; readonly by: string }[];
  /** Of the interface of the default route. */
  readonly mtu: number;
}

function survey(netlink: Netlink, name: string): Survey {
  const links = listLinks(netlink.route);
  const addresses = listAddresses(netlink.route);
  const routes = listRoutes(netlink.route);
  const link = links.find((l) => l.name === name);
  if (link && link.kind !== 'bridge')
    throw new NetworkError(`interface ${name} exists and is not a bridge: give the engine's bridge another name (HAKO_BRIDGE)`);
  const own = addresses.find((a) => link && a.index === link.index);
  const nameOf = (index: number | undefined): string => links.find((l) => l.index === index)?.name ?? 'another interface';
  const others = <T extends { readonly prefix: number }>(list: readonly T[], index: (item: T) => number | undefined): T[] =>
    list.filter((item) => item.prefix > 0 && !(link && index(item) === link.index));
  return {
    link,
    gateway: own?.address,
    subnet: own && subnetOf(own.address, own.prefix),
    used: [
      ...others(addresses, (a) => a.index).map((a) => ({
        subnet: subnetOf(a.address, a.prefix),
        by: `address ${a.address}/${a.prefix} of ${nameOf(a.index)}`,
      })),
      ...others(routes, (r) => r.interface).map((r) => ({
        subnet: subnetOf(r.destination, r.prefix),
        by: `route to ${r.destination}/${r.prefix} by ${nameOf(r.interface)}`,
      })),
      ...nameServers().map((address) => ({ subnet: subnetOf(address, 32), by: `name server ${address}` })),
    ],
    mtu: links.find((l) => l.index === routes.find((r) => r.prefix === 0)?.interface)?.mtu ?? 1500,
  };
}

function nameServers(): string[] {
  try {
    return [...readFileSync('/etc/resolv.conf', 'utf8').matchAll(/^\s*nameserver\s+(\S+)/gm)].map((m) => m[1]!).filter((a) => isIPv4(a));
  } catch {
    return [];
  }
}

function chooseFor(name: string, found: Survey, wanted: Subnet | undefined): Subnet {
  if (found.subnet && wanted && subnetText(found.subnet) !== subnetText(wanted)) {
    throw new NetworkError(
      `bridge ${name} has the subnet ${subnetText(found.subnet)}, not ${subnetText(wanted)}: delete it first (ip link delete ${name}), or leave the subnet out`,
    );
  }
  if (found.subnet) return found.subnet;
  const clash = wanted && found.used.find((u) => overlaps(u.subnet, wanted));
  if (clash) throw new NetworkError(`subnet ${subnetText(wanted)} is in use on this host (${clash.by}): give the bridge another one`);
  return wanted ?? chooseSubnet(found.used.map((u) => u.subnet));
}

function checkName(name: string): void {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(name)) {
    throw new NetworkError(`"${name}" is not a bridge's name: use 1 to 15 letters, digits, "_" and "-", a letter first`);
  }
}

/**
 * Whether our table is there. One of the bridge's name that does not say that it is ours is somebody else's: it is not replaced.
 * @throws NetworkError when it is somebody else's, or packet filters cannot be had at all
 */
function checkTable(netlink: Netlink, name: string): boolean {
  let comment: string | undefined;
  const ask = netlink.netfilter.call([getTable(name)], { answer: (replies) => ((comment = commentOf(replies)), 0) });
  const value = perform(ask) as number;
  if (value === -errno.ENOENT) return false;
  if (value < 0)
    throw new NetworkError(
      `packet filters cannot be read: ${errnoMessage(-value)} (${errnoName(-value)}); the kernel needs nf_tables (CONFIG_NF_TABLES), the engine CAP_NET_ADMIN`,
      errnoName(-value),
    );
  if (comment === tableComment) return true;
  throw new NetworkError(`the nftables table "ip ${name}" exists and is not ours: give the engine's bridge another name (HAKO_BRIDGE)`);
}
