/**
 * A probe: one marked packet is really sent, and watched wherever it can pass. In each namespace a packet socket sees it at the
 * interfaces, and an nf_tables table of our own has the kernel report every rule that decides on it (nft-trace.ts). All of it is taken
 * away again; were this process killed, the table would go with its socket. See packet(7), nft(8) under "meta nftrace".
 */
import { call, result, Struct, Unknown, type Call, type Known } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { addressFamilies, cloneFlags, socketTypes } from '../../kernel/flags.ts';
import { forgetFlows, type TrackedFlow } from '../../kernel/netlink/conntrack.ts';
import { addBaseChain, addRule, addTable, batch } from '../../kernel/netlink/nftables.ts';
import { decodeTraces, joinTraces, type TraceEvent } from '../../kernel/netlink/nft-trace.ts';
import { socketCall } from '../../kernel/netlink/socket.ts';
import { must, perform, performNow } from '../../kernel/perform.ts';
import { inChild } from '../../network/namespace.ts';
import { step, type Procedure } from '../../step/step.ts';
import { protocolNumbers } from './flow.ts';
import { internetAddress, packetBytes, recognise, socketFilter, traceRules, type ProbePacket, type Recognised } from './probe-packet.ts';
import type { Scene } from './snapshot.ts';
import { below } from './wire.ts';

/** The probe's own table, in each namespace that is watched; each probe has one of its own. */
export const probeTable = ({ mark }: ProbePacket): string => `hako_probe_${mark.toString(16)}`;
const chains = { probe: ['probe_in', 'probe_out'], answer: ['answer_in', 'answer_out'] } as const;
/** Before all other chains, so that none decides unseen. */
const first = -1000;

/** The packet, or its answer, seen at an interface. */
export interface Sighting extends Recognised {
  readonly scene: Scene;
  /** Interface index. */
  readonly index: number;
  readonly way: 'out' | 'in';
  /** Nanoseconds since the epoch. */
  readonly at: bigint;
}

/** What a rule or a policy decided on the packet, or on its answer. */
export interface Decision extends TraceEvent {
  readonly scene: Scene;
  readonly on: 'probe' | 'answer';
}

/** What was observed. */
export interface Observation {
  readonly packet: ProbePacket;
  /** 0, or the negative errno with which the kernel refused to send it. */
  readonly sent: number;
  /** In the order of time. */
  readonly sightings: readonly Sighting[];
  /** Of each namespace in the order of time. */
  readonly decisions: readonly Decision[];
}

export interface ProbeOptions {
  readonly packet: ProbePacket;
  readonly from: Scene;
  /** The namespaces that are watched; the sender's is one of them. */
  readonly watched: readonly Scene[];
  /** How long an answer is waited for, in milliseconds. */
  readonly timeout: number;
}

/** A watched namespace's two sockets. */
interface Watch {
  readonly scene: Scene;
  readonly packets: Known;
  readonly traces: Known;
}

/** Watches, sends, waits, and takes everything away. */
export function* sendProbe(options: ProbeOptions): Procedure<Observation> {
  const { packet, from, watched, timeout } = options;
  const sightings: Sighting[] = [];
  const decisions: Decision[] = [];
  const watches: Watch[] = [];
  for (const scene of watched) watches.push(yield* watch(scene, packet));
  if (packet.protocol !== 'icmp') yield* reserve(from, packet);
  const sent = yield* send(from, packet);
  if (sent === 0) yield* wait(watches, packet, { from, timeout, sightings, decisions });
  else collect(watches, packet, sightings, decisions);
  return { packet, sent, sightings: sightings.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)), decisions };
}

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const ETH_P_ALL = 3;

function* watch(scene: Scene, packet: ProbePacket): Procedure<Watch> {
  const { label } = scene.place.namespace;
  const rules = traceRules(packet);
  const table = probeTable(packet);
  const { netfilter } = scene.place;
  yield* step({
    id: 'net.probe.trace',
    what: `Have the packet filter of ${label} report what it decides on packets with the mark`,
    calls: [
      netfilter.call(
        batch([
          addTable(table, 'hako net probe', true),
          ...(['probe', 'answer'] as const).flatMap((on) =>
            chains[on].flatMap((chain, i) => [addBaseChain(table, chain, 'filter', i ? 'output' : 'prerouting', first), addRule(table, chain, rules[on])]),
          ),
        ]),
      ),
    ],
    shell: `# nft(8) cannot own a table for as long as it runs; "nft monitor trace" shows what the table has reported`,
    look: `nsenter --net=${scene.place.namespace.path} nft list table ip ${table}`,
    undone: 'the table goes with the socket that owns it',
  });
  const enter = (): Call => call('setns', [scene.place.fd, cloneFlags.CLONE_NEWNET]);
  const traces = inChild([enter(), socketCall('NETLINK_NETFILTER')], 'traces');
  // Without a protocol it receives nothing, until it is filtered and bound.
  const packets = inChild([enter(), call('socket', [addressFamilies.AF_PACKET, socketTypes.SOCK_DGRAM | socketTypes.SOCK_CLOEXEC, 0])], 'packets');
  const everything = new Uint8Array(20);
  new DataView(everything.buffer).setUint16(0, addressFamilies.AF_PACKET, true);
  new DataView(everything.buffer).setUint16(2, ETH_P_ALL);
  return yield* step<Watch>({
    id: 'net.probe.watch',
    what: `Watch every interface of ${label} for packets with the mark`,
    calls: [
      traces,
      ...joinTraces(result(traces)),
      packets,
      call('setsockopt', [result(packets), SOL_SOCKET, SO_ATTACH_FILTER, socketFilter(packet), 16]),
      // Asked for the first time, the socket begins to note when packets pass; there was none yet.
      call('ioctl', [result(packets), SIOCGSTAMPNS, new Uint8Array(16)], { accept: [errno.ENOENT] }),
      call('bind', [result(packets), new Struct('{AF_PACKET, ETH_P_ALL, every interface}', everything), everything.length]),
    ],
    shell: `nsenter --net=${scene.place.namespace.path} tcpdump -ni any`,
    look: `nsenter --net=${scene.place.namespace.path} cat /proc/net/packet`,
    finally: [call('close', [result(packets)]), call('close', [result(traces)])],
    result: (returned) => ({ scene, traces: returned[0]!, packets: returned[3]! }),
    unknown: { scene, traces: new Unknown('traces'), packets: new Unknown('packets') },
  });
}

/** Keeps the source port, so that no program gets it meanwhile, and an answer finds somebody. */
function* reserve(from: Scene, packet: ProbePacket): Procedure {
  const type = packet.protocol === 'tcp' ? socketTypes.SOCK_STREAM : socketTypes.SOCK_DGRAM;
  const socket = call('socket', [addressFamilies.AF_INET, type | socketTypes.SOCK_CLOEXEC, 0]);
  const child = inChild([call('setns', [from.place.fd, cloneFlags.CLONE_NEWNET]), socket], 'port');
  yield* step({
    id: 'net.probe.port',
    what: `Keep port ${packet.sourcePort} of ${from.place.namespace.label} for the probe`,
    calls: [child, call('bind', [result(child), internetAddress('0.0.0.0', packet.sourcePort), 16])],
    shell: '# the port is held while the probe is under way',
    look: `nsenter --net=${from.place.namespace.path} ss --${packet.protocol} -an`,
    finally: [call('close', [result(child)])],
  });
}

const IPPROTO_RAW = 255;
/** What the kernel may say of a packet that it does not send; it is an answer of the probe. */
const refusals = [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM, errno.EINVAL, errno.EACCES, errno.ENETDOWN, errno.ENODEV, errno.EMSGSIZE, errno.ENOBUFS];

function* send(from: Scene, packet: ProbePacket): Procedure<number> {
  const bytes = packetBytes(packet);
  const socket = call('socket', [addressFamilies.AF_INET, socketTypes.SOCK_RAW | socketTypes.SOCK_CLOEXEC, IPPROTO_RAW], { label: 'raw' });
  const to = packet.destination;
  const text = `{${packet.protocol} ${packet.source}${packet.sourcePort ? `:${packet.sourcePort}` : ''} > ${to}${packet.destinationPort ? `:${packet.destinationPort}` : ''}, mark 0x${packet.mark.toString(16)}}`;
  const child = inChild([call('setns', [from.place.fd, cloneFlags.CLONE_NEWNET]), socket], 'raw');
  return yield* step<number>({
    id: 'net.probe.send',
    what: `Send the packet from ${from.place.namespace.label}`,
    calls: [child, call('sendto', [result(child), new Struct(text, bytes), bytes.length, 0, internetAddress(to, 0), 16], { accept: refusals })],
    shell: `nsenter --net=${from.place.namespace.path} ${packet.protocol === 'icmp' ? `ping -c 1 ${to}` : `nc -${packet.protocol === 'udp' ? 'u' : ''}zv ${to} ${packet.destinationPort}`}`,
    look: 'nft monitor trace',
    finally: [call('close', [result(child)])],
    result: ([, value]) => Math.min(value!, 0),
    unknown: 0,
  });
}

interface Waiting {
  readonly from: Scene;
  readonly timeout: number;
  readonly sightings: Sighting[];
  readonly decisions: Decision[];
}

/** Waits until the answer is back, or too long; then makes the kernel forget the connection that it believes it saw. */
function* wait(watches: readonly Watch[], packet: ProbePacket, waiting: Waiting): Procedure {
  const { from, timeout, sightings, decisions } = waiting;
  const buffer = new Uint8Array(4096);
  const answered = (): boolean => sightings.some((s) => s.scene === from && s.way === 'in' && s.what !== 'probe');
  const listen = async (): Promise<number> => {
    const end = performance.now() + timeout;
    for (;;) {
      collect(watches, packet, sightings, decisions);
      if (answered() || performance.now() >= end) return sightings.length;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  yield* step({
    id: 'net.probe.wait',
    what: `Wait up to ${timeout} ms for the answer`,
    calls: [call('recvfrom', [watches[0]!.packets, buffer, buffer.length, MSG_DONTWAIT, null, null], { perform: listen })],
    shell: `sleep ${timeout / 1000}`,
    look: 'nft monitor trace',
    finally: watches.map(({ scene }) => forget(scene, packet, sightings)),
  });
}

/** The flows that a namespace tracked when the probe passed: as it was sent, and as it was seen there, its addresses perhaps rewritten. */
function forget(scene: Scene, packet: ProbePacket, sightings: readonly Sighting[]): Call {
  const protocol = protocolNumbers[packet.protocol];
  const isProbe = (flow: TrackedFlow): boolean =>
    flow.protocol === protocol &&
    [packet, ...sightings.filter((s) => s.scene === scene && s.what === 'probe')].some(
      (p) =>
        p.source === flow.source &&
        p.destination === flow.destination &&
        p.sourcePort === flow.sourcePort &&
        (packet.protocol === 'icmp' || p.destinationPort === flow.destinationPort),
    );
  const text = `{IPCTNL_MSG_CT_DELETE, ${packet.protocol} sport=${packet.sourcePort}}`;
  return call('sendto', [scene.place.fd, new Struct(text, new Uint8Array(0)), 0, 0, null, 0], {
    accept: [errno.ENOENT],
    perform: () => {
      try {
        const flows = forgetFlows(scene.place.netfilter, isProbe);
        return flows.length ? perform(scene.place.netfilter.call(flows)) : 0;
      } catch {
        return 0; // no connection tracking here
      }
    },
  });
}

const MSG_DONTWAIT = 0x40;
const PACKET_OUTGOING = 4;
const PACKET_OTHERHOST = 3;

const SIOCGSTAMPNS = 0x8907;

/** When the packet that was read last from a socket passed, in nanoseconds: each namespace has a socket of its own. See socket(7). */
function stampOf(packets: Known): bigint {
  const time = new Uint8Array(16);
  must(call('ioctl', [packets, SIOCGSTAMPNS, time]));
  const view = new DataView(time.buffer);
  return view.getBigInt64(0, true) * 1_000_000_000n + view.getBigInt64(8, true);
}

/** Takes what has arrived at the sockets. */
function collect(watches: readonly Watch[], packet: ProbePacket, sightings: Sighting[], decisions: Decision[]): void {
  const table = probeTable(packet);
  for (const { scene, packets, traces } of watches) {
    const address = new Uint8Array(20);
    const length = new Uint8Array(Uint32Array.of(20).buffer);
    for (;;) {
      const buffer = new Uint8Array(2048);
      const got = performNow(call('recvfrom', [packets, buffer, buffer.length, MSG_DONTWAIT, address, length]));
      if (got < 0) break;
      const seen = recognise(buffer.subarray(0, got), packet);
      const type = address[10]!;
      const index = new DataView(address.buffer).getInt32(4, true);
      // What is for another machine counts where it is to be passed on, at a port of a bridge; elsewhere a bridge has only flooded it.
      const isPort = (): boolean => scene.links.some((link) => link.index === index && below({ scene, link })?.kind === 'bridge');
      if (seen && (type !== PACKET_OTHERHOST || isPort()))
        sightings.push({ ...seen, scene, index, way: type === PACKET_OUTGOING ? 'out' : 'in', at: stampOf(packets) });
    }
    for (;;) {
      const buffer = new Uint8Array(16384);
      const got = performNow(call('recvfrom', [traces, buffer, buffer.length, MSG_DONTWAIT, null, null]));
      if (got < 0) break;
      for (const event of decodeTraces(buffer.subarray(0, got))) {
        // The table's own rule is the first that is told of a packet, and says which it is; the packet's number tells the others.
        const own = event.table === table && event.kind === 'rule' ? (event.chain.startsWith('probe') ? 'probe' : 'answer') : undefined;
        const on = own ?? decisions.findLast((d) => d.scene === scene && d.id === event.id)?.on;
        if (on) decisions.push({ ...event, scene, on });
      }
    }
  }
}
