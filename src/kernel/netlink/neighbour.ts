/** The neighbour table: which hardware address an IPv4 neighbour answered with (ARP), or that it has not. See arp(7), rtnetlink(7). */
import { Attributes, ipv4Text } from './attribute.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_GETNEIGH = 30;
const AF_INET = 2;
const NDA_DST = 1;
const NDA_LLADDR = 2;
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

/** All IPv4 neighbours of the socket's namespace. */
export function listNeighbours(socket: NetlinkSocket): Neighbour[] {
  const header = new Uint8Array(12);
  header[0] = AF_INET;
  return socket.dump({ name: 'RTM_GETNEIGH', type: RTM_GETNEIGH, flags: 0, header, headerText: '', attributes: [] }).flatMap(({ body }) => {
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
        mac: mac && Array.from(mac, (b) => b.toString(16).padStart(2, '0')).join(':'),
        state: Object.entries(states).find(([, bit]) => state & bit)?.[0] ?? 'NONE',
      },
    ];
  });
}
