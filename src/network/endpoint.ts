/**
 * An endpoint: a network namespace that is ready for a container. Its `eth0` is one end of a veth pair, born inside the
 * namespace; the other end is a port of the bridge. See veth(4), network_namespaces(7).
 */
import { randomBytes } from 'node:crypto';
import { Unknown, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { addAddress, addRoute, addVeth, deleteGroup, deleteLink, getLink, linkIndex, setGroup, setHairpin, setLink } from '../kernel/netlink/rtnetlink.ts';
import { listAddresses, listLinks, listRoutes, type Link } from '../kernel/netlink/inventory.ts';
import { NetlinkSocket } from '../kernel/netlink/socket.ts';
import { same } from '../step/goal.ts';
import { step, type Procedure } from '../step/step.ts';
import type { Bridge } from './bridge.ts';
import { enterNamespace, makeNamespace, type NamespaceShell } from './namespace.ts';
import type { Netlink } from './netlink.ts';
import { broadcastOf, macOf } from './subnet.ts';

/** What a container's record keeps of its endpoint: enough to take it away, also after a restart of the engine. */
export interface EndpointRecord {
  /** IPv4 address of eth0. */
  readonly address: string;
  /** Name of the other end, on the host: `veth` and seven hexadecimal digits. */
  readonly hostInterface: string;
}

export interface Endpoint extends EndpointRecord {
  /** Descriptor of the network namespace. */
  readonly namespace: Known;
  /** Hardware address of eth0. */
  readonly mac: string;
  /** Length of the subnet's prefix. */
  readonly prefix: number;
  readonly gateway: string;
}

export interface EndpointOptions {
  readonly bridge: Bridge;
  /** An address that is allocated for it. */
  readonly address: string;
  /**
   * A namespace that exists, for a container whose user namespace must own it: a descriptor of /proc/PID/ns/net, and the
   * process id. It stays the caller's. Absent: one is made, and its descriptor is in the result.
   */
  readonly existing?: { readonly namespace: Known; readonly pid: Known };
}

/** An unused name for the host's end of a pair. */
const hostInterfaceName = (): string => `veth${randomBytes(4).toString('hex').slice(0, 7)}`;

/** Makes an endpoint: namespace, loopback, eth0 with address and default route, and a port of the bridge. */
export function* createEndpoint(netlink: Netlink, options: EndpointOptions): Procedure<Endpoint> {
  const { bridge, address, existing } = options;
  const hostInterface = hostInterfaceName();
  const mac = macOf(address);
  const namespace = existing?.namespace ?? (yield* makeNamespace(hostInterface));
  // It has a name only in a script, which gives it one: by hand one enters it through the engine's own descriptor.
  const descriptor = `/proc/${process.pid}/fd/${namespace}`;
  const there = `the network namespace ${descriptor}`;
  const shell: NamespaceShell = existing
    ? { ip: `nsenter --net=/proc/${existing.pid}/ns/net ip`, target: String(existing.pid) }
    : typeof namespace === 'number'
      ? { ip: `nsenter --net=${descriptor} ip`, target: descriptor }
      : { ip: `ip -n ${hostInterface}`, target: hostInterface };
  const inside = new NetlinkSocket('NETLINK_ROUTE', yield* enterNamespace(namespace));

  yield* loopbackUp(inside, shell);
  yield* connectToBridge(netlink, bridge, { hostInterface, mac, namespace, shell, inside, there });
  const index = yield* interfaceUp(inside, shell, there);
  yield* step({
    id: 'network.address',
    what: `Give eth0 the address ${address}`,
    calls: [inside.call([addAddress(index, address, bridge.subnet.prefix, broadcastOf(bridge.subnet))])],
    shell: `${shell.ip} address add ${address}/${bridge.subnet.prefix} broadcast ${broadcastOf(bridge.subnet)} dev eth0`,
    look: `${shell.ip} address show eth0`,
    goal: () => [
      same(
        `the address of eth0 in ${there}`,
        `${address}/${bridge.subnet.prefix}`,
        listAddresses(inside)
          .filter((a) => a.index === index)
          .map((a) => `${a.address}/${a.prefix}`)
          .join(', '),
      ),
    ],
    undone: 'goes with the network namespace',
  });
  yield* step({
    id: 'network.route',
    what: `Send everything else to the gateway ${bridge.gateway}`,
    calls: [inside.call([addRoute(bridge.gateway)])],
    shell: `${shell.ip} route add default via ${bridge.gateway}`,
    look: `${shell.ip} route`,
    goal: () => [
      same(
        `the default route in ${there}`,
        bridge.gateway,
        listRoutes(inside).find((route) => route.prefix === 0 && route.gateway !== undefined)?.gateway ?? '',
      ),
    ],
    undone: 'goes with the network namespace',
  });
  return { address, hostInterface, namespace, mac, prefix: bridge.subnet.prefix, gateway: bridge.gateway };
}

/**
 * Takes endpoints away: the pairs go now, a namespace when the last process in it has ended. The kernel waits some 10 to
 * 40 ms in it, for many as long as for one, so they go together, on another thread; do it after the answer.
 * @param endpoints at most {@link removeAtOnce}; those that are gone already are passed over
 */
export function* removeEndpoints(netlink: Netlink, endpoints: readonly EndpointRecord[]): Procedure {
  const names = endpoints.map((e) => e.hostInterface);
  // The number only has to be nobody else's; groups that people use are small numbers.
  const group = 0x10000 + (randomBytes(4).readUInt32LE() % 0x7ff00000);
  yield* step({
    id: 'network.veth.delete',
    what: `Delete ${names.join(', ')}, and with each a container's eth0`,
    calls: [
      netlink.route.call(
        names.map((name) => setGroup(name, group)),
        { accept: [errno.ENODEV] },
      ),
      netlink.route.call([deleteGroup(group)], { accept: [errno.ENODEV], onThread: true }),
    ],
    shell: [...names.map((name) => `ip link set ${name} group ${group}`), `ip link delete group ${group}`].join('\n'),
    look: 'ip link show type veth',
    undone: 'is itself the end of something',
  });
}

/** How many requests are sent in one datagram; more acknowledgements might not fit into the socket's buffer. */
export const removeAtOnce = 64;

/**
 * Brings `lo` up in a namespace that has nothing else: `--network none`, for a container whose init has its own.
 * @param namespace a descriptor of it
 */
export function* bringLoopbackUp(namespace: Known, pid: Known): Procedure {
  yield* loopbackUp(new NetlinkSocket('NETLINK_ROUTE', yield* enterNamespace(namespace)), { ip: `nsenter --net=/proc/${pid}/ns/net ip` });
}

/** Brings `lo` up. @param inside a socket of the namespace */
export function* loopbackUp(inside: NetlinkSocket, shell: Pick<NamespaceShell, 'ip'>): Procedure {
  yield* step({
    id: 'network.loopback',
    what: 'Bring the loopback interface up',
    calls: [inside.call([setLink('lo', { up: true })])],
    shell: `${shell.ip} link set lo up`,
    look: `${shell.ip} link show lo`,
    goal: () => [same(`lo, as "${shell.ip} link show lo" tells`, 'up', listLinks(inside).find(({ name }) => name === 'lo')?.up ? 'up' : 'down')],
    undone: 'goes with the network namespace',
  });
}

interface Pair {
  readonly hostInterface: string;
  readonly mac: string;
  readonly namespace: Known;
  readonly shell: NamespaceShell;
  /** A socket of the namespace, and what it is called where a person is told of it. */
  readonly inside: NetlinkSocket;
  readonly there: string;
}

/** Hairpin, so that a container reaches its own published port; no IPv6 link-local address, since the bridge has no IPv6. */
function* connectToBridge(netlink: Netlink, bridge: Bridge, pair: Pair): Procedure {
  const { hostInterface, mac, namespace, shell, inside, there } = pair;
  yield* step({
    id: 'network.veth',
    what: `Connect ${bridge.name} and the namespace by a pair of interfaces: ${hostInterface} here, eth0 there`,
    calls: [
      netlink.route.call([
        addVeth(hostInterface, { mtu: bridge.mtu, master: bridge.index }, { name: 'eth0', address: mac, mtu: bridge.mtu, namespace }),
        setLink(hostInterface, { noLinkLocal: true }),
        setHairpin(hostInterface, true),
        setLink(hostInterface, { up: true }),
      ]),
    ],
    shell: [
      `ip link add ${hostInterface} mtu ${bridge.mtu} type veth peer name eth0 address ${mac} mtu ${bridge.mtu} netns ${shell.target}`,
      `ip link set ${hostInterface} master ${bridge.name} addrgenmode none`,
      `ip link set ${hostInterface} type bridge_slave hairpin on`,
      `ip link set ${hostInterface} up`,
    ].join('\n'),
    look: `ip -d link show ${hostInterface}`,
    goal: () => {
      const links = listLinks(netlink.route);
      const link = links.find(({ name }) => name === hostInterface);
      const peer = listLinks(inside).find(({ name }) => name === 'eth0');
      return [
        same(`the interface ${hostInterface}`, 'veth, up', link ? `${link.kind ?? 'another kind'}, ${link.up ? 'up' : 'down'}` : ''),
        same('the bridge that it is a port of', bridge.name, links.find(({ index }) => index === link?.master)?.name ?? ''),
        same(`eth0 in ${there}`, 'veth', peer ? (peer.kind ?? 'another kind') : ''),
      ];
    },
    shellUndo: `ip link delete ${hostInterface} 2>/dev/null || true # it goes with its namespace`,
    undo: [netlink.route.call([deleteLink(hostInterface)], { accept: [errno.ENODEV], onThread: true })],
  });
}

function* interfaceUp(inside: NetlinkSocket, shell: NamespaceShell, there: string): Procedure<Known> {
  const eth0 = (): Link | undefined => listLinks(inside).find(({ name }) => name === 'eth0');
  return yield* step<Known>({
    id: 'network.interface',
    what: 'Bring eth0 up',
    calls: [
      inside.call([setLink('eth0', { noLinkLocal: true }), setLink('eth0', { up: true })]),
      inside.call([getLink('eth0')], { answer: linkIndex, label: 'eth0' }),
    ],
    shell: `${shell.ip} link set eth0 addrgenmode none\n${shell.ip} link set eth0 up`,
    look: `${shell.ip} link show eth0`,
    goal: () => [same(`eth0 in ${there}`, 'up', eth0() ? (eth0()?.up ? 'up' : 'down') : '')],
    adopt: () => eth0()?.index ?? -errno.ENODEV,
    undone: 'goes with the network namespace',
    result: ([, index]) => index!,
    unknown: new Unknown('eth0'),
  });
}
