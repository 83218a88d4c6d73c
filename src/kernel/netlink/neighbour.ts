/**
 * What was learned of neighbours: which hardware address an IPv4 neighbour answered with (ARP), or that it has not; and behind which
 * port of a bridge a hardware address is (its forwarding database). See arp(7), bridge(8), rtnetlink(7).
 */
import { Attributes, ipv4Text } from './attribute.ts';
import type { Reply } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_GETNEIGH = 30;
const AF_INET = 2;
const AF_BRIDGE = 7;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_MASTER = 9;
const states = { INCOMPLETE: 1, REACHABLE: 2, STALE: 4, DELAY: 8, PROBE: 16, FAILED: 32, NOARP: 64, PERMANENT: 128 } as const;

/** One neighbour. */
export interface Neighbour {
  readonly index: number;
  readonly address: string;
  /** Hardware address, where it is known. */
  readonly mac: string | undefined;
  /** `INCOMPLETE`: asked, no answer yet; `FAILED`: given up; `REACHABLE`, `STALE`, … */
  readonly state: string;
}

function dumpOf(socket: NetlinkSocket, family: number): Reply[] {
  const header = new Uint8Array(12); // struct ndmsg
  header[0] = family;
  return socket.dump({ name: 'RTM_GETNEIGH', type: RTM_GETNEIGH, flags: 0, header, headerText: '', attributes: [] });
}

const macText = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(':');

/** All IPv4 neighbours of the socket's namespace. */
export function listNeighbours(socket: NetlinkSocket): Neighbour[] {
  return dumpOf(socket, AF_INET).flatMap(({ body }) => {
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const attributes = new Attributes(body.subarray(12));
    const address = attributes.bytes(NDA_DST);
    const mac = attributes.bytes(NDA_LLADDR);
    if (body[0] !== AF_INET || !address) return [];
    const state = view.getUint16(8, true);
    return [
      {
        index: view.getInt32(4, true),
        address: ipv4Text(address),
        mac: mac && macText(mac),
        state: Object.entries(states).find(([, bit]) => state & bit)?.[0] ?? 'NONE',
      },
    ];
  });
}

/** A hardware address that a bridge knows. */
export interface Forwarding {
  /** Index of the port behind which it is. */
  readonly port: number;
  /** Index of the bridge. */
  readonly bridge: number;
  readonly mac: string;
  /** It was the source of a frame that came in by the port; the others are the port's and the bridge's own, or were written down. */
  readonly learned: boolean;
}

/** The forwarding databases of all bridges of the socket's namespace. */
export function listForwarding(socket: NetlinkSocket): Forwarding[] {
  return dumpOf(socket, AF_BRIDGE).flatMap(({ body }) => {
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const attributes = new Attributes(body.subarray(12));
    const [mac, bridge] = [attributes.bytes(NDA_LLADDR), attributes.u32(NDA_MASTER)];
    if (body[0] !== AF_BRIDGE || !mac || bridge === undefined) return [];
    const fixed = states.PERMANENT | states.NOARP;
    return [{ port: view.getInt32(4, true), bridge, mac: macText(mac), learned: (view.getUint16(8, true) & fixed) === 0 }];
  });
}
