/**
 * A container's network as the kernel has it, and the way of a packet from each published port to the process that answers:
 * host port → nf_tables map → address → veth → namespace → listening socket. Interfaces and map elements are read by netlink.
 */
import { closeSync, openSync } from 'node:fs';
import type { Listener, NetworkView, PortPath } from '../../api/schema.ts';
import { call } from '../../kernel/call.ts';
import { KernelError } from '../../kernel/errno.ts';
import { cloneFlags } from '../../kernel/flags.ts';
import { runInChild } from '../../kernel/launch/child.ts';
import { listAddresses, listLinks, listRoutes, type Link } from '../../kernel/netlink/inventory.ts';
import { elementsOf, getElements } from '../../kernel/netlink/nftables.ts';
import { NetlinkSocket, socketCall } from '../../kernel/netlink/socket.ts';
import { closeNetlink, openNetlink } from '../../network/netlink.ts';
import { portElements, type PortBinding } from '../../network/ports.ts';
import { portMaps } from '../../network/rules.ts';
import { processesOf } from '../container-processes.ts';
import { networkMode } from '../network-view.ts';
import { tryLink } from '../process-files.ts';
import { listeners } from '../sockets.ts';
import type { Subject } from './subject.ts';

type Hop = PortPath['hops'][number];

/** Interfaces of the container and of the host, the published ports' ways, and who listens. */
export function networkOf(subject: Subject): NetworkView {
  const { container, running, pid, parts, differs } = subject;
  const inside = insideOf(pid);
  const listening = listeners(pid, processesOf(running));
  const netlink = openNetlink();
  try {
    const hostLinks = listLinks(netlink.route);
    const own = tryLink(`/proc/${pid}/ns/net`) !== tryLink('/proc/self/ns/net');
    const peerOf = (link: Link): Link | undefined =>
      own && link.kind === 'veth' ? hostLinks.find((host) => host.index === link.peer && host.kind === 'veth') : undefined;
    const interfaces = inside.links.map((link) => {
      const peer = peerOf(link);
      return {
        name: link.name,
        kind: link.kind ?? (link.name === 'lo' ? 'loopback' : 'hardware'),
        up: link.up,
        addresses: inside.addresses.filter((a) => a.index === link.index).map((a) => `${a.address}/${a.prefix}`),
        ...(peer ? { peer: `${peer.name}, a port of ${hostLinks.find((l) => l.index === peer.master)?.name ?? 'no bridge'}` } : {}),
      };
    });
    const { endpoint } = running;
    if (endpoint) {
      if (!inside.addresses.some((a) => a.address === endpoint.address))
        differs(`The record gives it the address ${endpoint.address}, which no interface in its namespace has`);
      const veth = hostLinks.find((link) => link.name === endpoint.hostInterface);
      if (!veth) differs(`The record has ${endpoint.hostInterface} as its interface on the host, which is not there`);
      else if (hostLinks.find((l) => l.index === veth.master)?.name !== parts.settings.bridge)
        differs(`${endpoint.hostInterface} is not a port of the bridge ${parts.settings.bridge}`);
    }
    const gateway = inside.gateway;
    return {
      mode: networkMode(container),
      ...(endpoint ? { address: endpoint.address } : {}),
      ...(gateway ? { gateway } : {}),
      interfaces,
      paths: endpoint ? running.ports.map((binding) => pathOf(subject, binding, { endpoint, hostLinks, inside, listening, netfilter: netlink.netfilter })) : [],
      listening,
    };
  } finally {
    closeNetlink(netlink);
  }
}

interface Inside {
  readonly links: readonly Link[];
  readonly addresses: ReturnType<typeof listAddresses>;
  readonly gateway: string | undefined;
}

/** The namespace's interfaces, by a socket that a short-lived child opens there. */
function insideOf(pid: number): Inside {
  const namespace = openSync(`/proc/${pid}/ns/net`, 'r');
  let fd: number | undefined;
  try {
    fd = runInChild([call('setns', [namespace, cloneFlags.CLONE_NEWNET]), socketCall('NETLINK_ROUTE')]).at(-1)!;
    const socket = new NetlinkSocket('NETLINK_ROUTE', fd);
    return {
      links: listLinks(socket),
      addresses: listAddresses(socket),
      gateway: listRoutes(socket).find((route) => route.prefix === 0 && route.gateway !== undefined)?.gateway,
    };
  } finally {
    if (fd !== undefined) closeSync(fd);
    closeSync(namespace);
  }
}

interface Surroundings {
  readonly endpoint: { readonly address: string; readonly hostInterface: string };
  readonly hostLinks: readonly Link[];
  readonly inside: Inside;
  readonly listening: readonly Listener[];
  readonly netfilter: NetlinkSocket;
}

function pathOf({ parts, pid, differs }: Subject, binding: PortBinding, around: Surroundings): PortPath {
  const { endpoint, hostLinks, inside } = around;
  const host = binding.hostIp.includes(':') ? `[${binding.hostIp}]` : binding.hostIp || '0.0.0.0';
  const port = `${host}:${binding.hostPort}->${binding.containerPort}/${binding.protocol}`;
  const element = mapHop(parts.settings.bridge, binding, around);
  if (!element.ok) differs(`The record publishes ${port}, but ${element.where}`);
  const veth = hostLinks.find((link) => link.name === endpoint.hostInterface);
  const bridge = hostLinks.find((link) => link.index === veth?.master);
  const eth0 = inside.links.find((link) => link.peer === veth?.index && link.kind === 'veth');
  const hasAddress = inside.addresses.some((a) => a.address === endpoint.address && a.index === eth0?.index);
  return {
    port,
    hops: [
      heldHop(binding),
      element,
      { what: 'address', where: `${endpoint.address}, of ${eth0?.name ?? 'no interface'} in the container`, ok: hasAddress },
      {
        what: 'veth',
        where: `${bridge?.name ?? 'no bridge'} → ${endpoint.hostInterface} → ${eth0?.name ?? 'nothing'}`,
        ok: veth?.up === true && bridge?.up === true && eth0?.up === true,
      },
      { what: 'namespace', where: tryLink(`/proc/${pid}/ns/net`) ?? 'gone', ok: true },
      listenerHop(binding, endpoint.address, around.listening),
    ],
  };
}

/** The engine holds the port itself, so that nobody else on the host takes it. */
function heldHop({ hostIp, hostPort, protocol }: PortBinding): Hop {
  const held = listeners(process.pid, [process.pid]).find((l) => l.protocol === protocol && l.port === hostPort && l.processes.length > 0);
  const where = `${hostIp || 'every address'} port ${hostPort}/${protocol}`;
  return {
    what: 'host port',
    where: held ? `${where}, held by the engine (process ${process.pid})` : `${where}, which the engine does not hold`,
    ok: held !== undefined,
  };
}

/** The element of the packet filter's map, as the kernel has it now. */
function mapHop(table: string, binding: PortBinding, { endpoint, netfilter }: Surroundings): Hop {
  if (binding.hostIp.includes(':')) return { what: 'proxy', where: 'IPv6 has no map: the engine carries it to the address', ok: true };
  const { anyAddress, oneAddress } = portElements([{ address: endpoint.address, bindings: [binding] }]);
  const map = (anyAddress.length ? portMaps.anyAddress : portMaps.oneAddress).name;
  const wanted = [...anyAddress, ...oneAddress][0]!;
  const where = `table ip ${table}, map ${map}: ${wanted.text}`;
  try {
    const found = elementsOf(netfilter.dump(getElements(table, map))).find((element) => isAt(element.key, wanted.key));
    if (!found) return { what: 'nf_tables', where: `table ip ${table}, map ${map} has no element for it`, ok: false };
    return isAt(found.data, wanted.data)
      ? { what: 'nf_tables', where, ok: true }
      : { what: 'nf_tables', where: `map ${map} leads it elsewhere than ${wanted.text}`, ok: false };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { what: 'nf_tables', where: `table ip ${table} cannot be read (${error.code})`, ok: false };
  }
}

/** Whether the kernel's bytes, each component padded to four, are these. */
const isAt = (bytes: Uint8Array, components: readonly Uint8Array[]): boolean =>
  components.every((component, i) => component.every((byte, j) => bytes[4 * i + j] === byte));

function listenerHop({ containerPort, protocol }: PortBinding, address: string, listening: readonly Listener[]): Hop {
  const onPort = listening.filter((l) => l.protocol === protocol && l.port === containerPort);
  const reachable = onPort.find((l) => ['0.0.0.0', '::', address].includes(l.address));
  if (reachable) {
    const who = reachable.processes.map((p) => `${p.name} (process ${p.pid})`).join(', ') || 'a process of another container in the namespace';
    return { what: 'process', where: `${who} listens on ${reachable.address} port ${containerPort}`, ok: true };
  }
  const elsewhere = onPort[0];
  const where = elsewhere
    ? `something listens on ${elsewhere.address} port ${containerPort} only: a caller from outside is refused`
    : `nobody listens on port ${containerPort}: a caller is refused`;
  return { what: 'process', where, ok: false };
}
