/**
 * The way of a packet, worked out hop by hop from what the kernel itself answers: its routing decisions (RTM_GETROUTE in each
 * namespace), its wires, and its packet filter, followed rule by rule. Nothing is sent. `hako net probe` compares what really
 * happened with it.
 */
import { lookupRoute, type RouteAnswer } from '../../kernel/netlink/route-lookup.ts';
import { word } from '../../step/shell.ts';
import { protocolNumbers, type Flow } from './flow.ts';
import { destinationText, End, specOf, type Hop, type HopKind, type Way } from './hop.ts';
import { PacketFilters } from './hook-pass.ts';
import { listenerOn } from './listener.ts';
import type { Packet } from './nft-packet.ts';
import { refusalText, refusedOnArrival, refusedToSend } from './refusal.ts';
import type { Port, Scene, Snapshot } from './snapshot.ts';
import { below, carry } from './wire.ts';

/** Follows a flow's first packet. */
export function wayOf(snapshot: Snapshot, flow: Flow): Way {
  return new Walk(snapshot, flow).go();
}

const NEW = 8;
const ICMP_PORT = 0;
/** Some source port of a client's; rules that ask for one are seldom. */
const clientPort = 40000;
const mostHops = 16;

class Walk {
  readonly #snapshot: Snapshot;
  readonly #flow: Flow;
  readonly #hops: Hop[] = [];
  readonly #filters = new PacketFilters((scene, kind, text) => this.#hop(scene, kind, text));
  readonly #next: string[] = [];
  #source: string | undefined;
  #routers = 0;

  constructor(snapshot: Snapshot, flow: Flow) {
    this.#snapshot = snapshot;
    this.#flow = flow;
  }

  go(): Way {
    const { from, destination, protocol, port } = this.#flow;
    const ports = protocol === 'icmp' ? { sourcePort: ICMP_PORT, destinationPort: ICMP_PORT } : { sourcePort: clientPort, destinationPort: port };
    const packet = { source: '', destination, protocol: protocolNumbers[protocol], ...ports, mark: 0, state: NEW, status: 0 };
    try {
      if (from.kind === 'namespace') this.#send(from.scene, { ...packet, source: from.source ?? '' });
      else this.#comeIn({ ...packet, source: from.source });
    } catch (error) {
      if (!(error instanceof End)) throw error;
      return {
        hops: this.#hops,
        outcome: error.outcome,
        reason: error.message,
        next: this.#next,
        ...(this.#source === undefined ? {} : { source: this.#source }),
        ...(error.code ? { code: error.code } : {}),
        ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      };
    }
    throw new Error('a walk has no end');
  }

  #hop(scene: Scene, kind: HopKind, text: string, link?: Port['link']): void {
    const { label, inode } = scene.place.namespace;
    this.#hops.push({ namespace: label, inode, kind, text, wire: this.#next.length - 1, ...(link ? { interface: link.name, index: link.index } : {}) });
  }

  /** A process of the namespace sends it. */
  #send(scene: Scene, packet: Packet): void {
    this.#hop(scene, 'send', `${this.#flow.protocol} to ${destinationText(packet)}`);
    let route = this.#route(scene, packet);
    if (packet.source === '') packet = { ...packet, source: route.source ?? '0.0.0.0' };
    this.#source = packet.source;
    this.#tellRoute(scene, packet, route);
    const translated = this.#filters.pass(scene, 'output', { ...packet, outgoing: this.#link(scene, route.interface) });
    // A mark changes the route of what is sent only where a chain of the type "route" sets it.
    const marked = translated.mark !== packet.mark && this.#filters.of(scene).chains.some(({ hook }) => hook?.name === 'output' && hook.type === 'route');
    if (translated.destination !== packet.destination || marked) {
      route = this.#route(scene, translated);
      this.#tellRoute(scene, translated, route);
    }
    this.#transmit(scene, translated, route);
  }

  /** It comes from outside this machine, by the interface through which an answer would leave. */
  #comeIn(packet: Packet): void {
    const scene = this.#snapshot.scenes.find((s) => s.place.namespace.own)!;
    const back = lookupRoute(scene.place.route, { destination: packet.source });
    const link = 'errno' in back ? undefined : this.#link(scene, back.interface);
    if (!link) throw new End('stopped', `${packet.source} is on no network that ${scene.place.namespace.label} has a route to`, 'no-route-back');
    this.#arrive({ scene, link }, packet);
  }

  /** The route of a packet sent here. @throws End where there is none */
  #route(scene: Scene, packet: Packet): RouteAnswer {
    const answer = lookupRoute(scene.place.route, {
      destination: packet.destination,
      source: packet.source === '' ? undefined : packet.source,
      ...routed(packet),
    });
    if ('errno' in answer) throw refusedToSend(scene, packet, answer);
    return answer;
  }

  #tellRoute(scene: Scene, packet: Packet, route: RouteAnswer): void {
    const link = this.#link(scene, route.interface);
    this.#hop(
      scene,
      'route',
      route.type === 'local'
        ? `${packet.destination} is an address of its own`
        : `to ${packet.destination}${route.gateway === undefined ? ', which is on the wire' : ` via ${route.gateway}`}, by ${link?.name ?? '?'}, from ${packet.source}`,
    );
  }

  #link(scene: Scene, index: number | undefined): Port['link'] | undefined {
    return scene.links.find((l) => l.index === index);
  }

  /** It leaves the namespace, by a route. */
  #transmit(scene: Scene, packet: Packet, route: RouteAnswer): never {
    const link = this.#link(scene, route.type === 'local' ? 1 : route.interface);
    if (!link) throw new End('stopped', `${scene.place.namespace.label} has no interface for the route to ${packet.destination}`, 'no-route');
    let leaving = this.#filters.pass(scene, 'postrouting', { ...packet, outgoing: link }, { near: route.gateway });
    leaving = { ...leaving, incoming: undefined, outgoing: undefined };
    this.#next.push(route.gateway ?? leaving.destination);
    if (route.type === 'broadcast' || route.type === 'multicast') {
      this.#hop(scene, 'leave', `by ${link.name}, to everybody there`, link);
      throw new End('left', `${leaving.destination} is a ${route.type} address: it goes to whoever is on the wire of ${link.name}, where it is not followed`);
    }
    if (route.type === 'local') {
      this.#hop(scene, 'leave', 'by lo, back to itself', link);
      return this.#arrive({ scene, link }, leaving, true);
    }
    const next = route.gateway ?? leaving.destination;
    const carried = carry(this.#snapshot, { scene, link }, next);
    for (const [i, station] of carried.stations.entries()) {
      const ahead = carried.stations[i + 1];
      const bridge = station.way === 'in' ? below(station) : undefined;
      const last = i === carried.stations.length - 1 && carried.outcome === 'arrived';
      if (last) break; // told on arrival
      if (station.way === 'out') this.#hop(station.scene, 'leave', outText(station, ahead), station.link);
      else if (bridge) {
        this.#hop(
          station.scene,
          'arrive',
          `at ${station.link.name}, a ${bridge.kind === 'bridge' ? 'port of the bridge' : 'part of'} ${bridge.name}`,
          station.link,
        );
        if (ahead?.way === 'out') this.#bridged(station.scene, bridge, leaving);
      }
    }
    const end = carried.stations.at(-1)!;
    switch (carried.outcome) {
      case 'arrived':
        return this.#arrive(end, end.scene === scene ? leaving : elsewhere(leaving));
      case 'left':
        throw new End(
          'left',
          end.link.kind === undefined || end.link.kind === 'veth'
            ? `it leaves this machine by ${end.link.name} of ${end.scene.place.namespace.label}, for ${next}: what happens there cannot be seen from here`
            : `it goes out by ${end.link.name} of ${end.scene.place.namespace.label}, for ${next}: what is behind an interface of the kind ${end.link.kind} is not followed`,
        );
      case 'down': {
        const { label } = end.scene.place.namespace;
        throw new End(
          'stopped',
          `${end.link.name} of ${label} is switched off`,
          'link-down',
          `hako net link --ns ${specOf(end.scene.place.namespace)} ${word(end.link.name)} --up`,
        );
      }
      default:
        throw new End('stopped', `nobody on the wire of ${link.name} has the address ${next}: nobody answers when it is asked for (ARP)`, 'no-neighbour');
    }
  }

  /** From one port of a bridge to another: the packet filter sees it only where br_netfilter says so. */
  #bridged(scene: Scene, bridge: Port['link'], packet: Packet): void {
    if (scene.place.sysctl(['bridge', 'bridge-nf-call-iptables']) === '1')
      this.#filters.pass(scene, 'forward', { ...packet, incoming: bridge, outgoing: bridge });
    if (this.#filters.of(scene).chains.some((c) => c.family === 'bridge' && c.hook))
      this.#hop(scene, 'note', 'chains of the family bridge are there, which are not followed');
  }

  /** It arrives at an interface with an address. @param again it was sent here, too: its translation is decided already */
  #arrive({ scene, link }: Port, packet: Packet, again = false): never {
    if (++this.#routers > mostHops) throw new End('stopped', `after ${mostHops} hops it is still under way: routes lead in a circle`, 'too-long');
    const { label } = scene.place.namespace;
    this.#hop(scene, 'arrive', `at ${link.name}, from ${packet.source} to ${destinationText(packet)}`, link);
    const arrived = this.#filters.pass(scene, 'prerouting', { ...packet, incoming: link }, { again });
    if (again) return this.#deliver(scene, arrived);
    const route = lookupRoute(scene.place.route, { destination: arrived.destination, source: arrived.source, incoming: link.index, ...routed(arrived) });
    if ('errno' in route) throw refusedOnArrival({ scene, link }, arrived, route);
    if (route.type === 'local' || route.type === 'broadcast') return this.#deliver(scene, arrived);
    this.#tellRoute(scene, arrived, route);
    const out = this.#link(scene, route.interface);
    this.#hop(scene, 'forward', `${label} passes it on from ${link.name} to ${out?.name ?? '?'}`);
    const forwarded = this.#filters.pass(scene, 'forward', { ...arrived, outgoing: out });
    return this.#transmit(scene, forwarded, route);
  }

  /** It is for this namespace. */
  #deliver(scene: Scene, packet: Packet): never {
    const { label } = scene.place.namespace;
    this.#filters.pass(scene, 'input', packet);
    const back = lookupRoute(scene.place.route, { destination: packet.source, source: packet.destination });
    const { protocol } = this.#flow;
    let text = `${label} answers it itself (echo)`;
    if (protocol === 'icmp') {
      if (scene.place.sysctl(['ipv4', 'icmp_echo_ignore_all']) === '1')
        throw new End('stopped', `${label} answers no echo: net.ipv4.icmp_echo_ignore_all is 1`, 'ignored');
    } else {
      const listener = listenerOn(scene, protocol, packet.destination, packet.destinationPort);
      if (!listener) {
        this.#hop(scene, 'deliver', `to ${destinationText(packet)}`);
        throw new End(
          'stopped',
          `nobody listens on ${destinationText(packet)} (${protocol}) in ${label}: the kernel answers with ${protocol === 'tcp' ? 'a reset (RST)' : 'ICMP port unreachable'}`,
          'no-listener',
        );
      }
      text = `${listener.process ?? 'a socket'} ${listener.unsure ? 'may listen (it is a socket of IPv6, which takes IPv4 too unless IPV6_V6ONLY is set)' : 'listens'} on ${listener.address}:${listener.port}`;
    }
    this.#hop(scene, 'deliver', text);
    if ('errno' in back) throw new End('stopped', `it arrives, but ${label} has no route back to ${packet.source}: ${refusalText(back)}`, 'no-route-back');
    throw new End('delivered', `it arrives: ${text}`);
  }
}

/** What routing rules may look at beside the addresses. */
const routed = ({ protocol, mark, sourcePort, destinationPort }: Packet) =>
  protocol === protocolNumbers.icmp ? { protocol, mark } : { protocol, mark, sourcePort, destinationPort };

/** As another namespace gets it: marks and what connection tracking knows stay behind. */
const elsewhere = (packet: Packet): Packet => ({ ...packet, mark: 0, state: NEW, status: 0 });

function outText({ scene, link }: Port, ahead: Port | undefined): string {
  if (!ahead) return `by ${link.name}`;
  const elsewhere = ahead.scene === scene ? '' : ` in ${ahead.scene.place.namespace.label}`;
  return link.kind === 'veth' ? `by ${link.name}, a cable to ${ahead.link.name}${elsewhere}` : `by ${link.name} to its port ${ahead.link.name}`;
}
