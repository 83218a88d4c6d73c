/** IPv4 subnets in CIDR notation, and the choice of one that nothing on the host uses. */
import { isIPv4 } from 'node:net';
import { NetworkError } from './error.ts';

/** A block of IPv4 addresses. `base` is the first address, as a number. */
export interface Subnet {
  readonly base: number;
  /** Length of the prefix in bits. */
  readonly prefix: number;
}

/** The number that four dotted bytes stand for. */
export function addressNumber(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

/** The dotted form of an address. */
export function addressText(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}

const sizeOf = (s: Subnet): number => 2 ** (32 - s.prefix);

/** The subnet that an address with a prefix length lies in. */
export function subnetOf(address: string, prefix: number): Subnet {
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(addressNumber(address) / size) * size, prefix };
}

/**
 * Reads `172.20.0.0/16`.
 * @throws NetworkError when it is not a subnet with room for a gateway and a container
 */
export function parseSubnet(text: string): Subnet {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const prefix = Number(match?.[2]);
  if (!match || !isIPv4(match[1]!) || prefix < 8 || prefix > 30) {
    throw new NetworkError(`subnet "${text}" is not an IPv4 subnet of 4 to 16777216 addresses; write it as 172.20.0.0/16`);
  }
  return subnetOf(match[1]!, prefix);
}

/** `172.17.0.0/16` */
export const subnetText = (s: Subnet): string => `${addressText(s.base)}/${s.prefix}`;
/** The first address after the subnet's own: what the bridge has. */
export const gatewayOf = (s: Subnet): string => addressText(s.base + 1);
/** The subnet's last address. */
export const broadcastOf = (s: Subnet): string => addressText(s.base + sizeOf(s) - 1);
/** Whether an address lies in the subnet. */
export const contains = (s: Subnet, address: string): boolean => overlaps(s, subnetOf(address, 32));
/** Whether two subnets have an address in common. */
export const overlaps = (a: Subnet, b: Subnet): boolean => a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);

/** What Docker takes its networks from, in the same order: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20. */
const candidates: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, i) => subnetOf(`172.${17 + i}.0.0`, 16)),
  ...Array.from({ length: 16 }, (_, i) => subnetOf(`192.168.${16 * i}.0`, 20)),
];

/**
 * The first private subnet that overlaps nothing in use.
 * @param used subnets of the host's addresses and destinations of its routes
 * @throws NetworkError when all are taken
 */
export function chooseSubnet(used: readonly Subnet[]): Subnet {
  const free = candidates.find((c) => !used.some((u) => overlaps(c, u)));
  if (free) return free;
  throw new NetworkError(
    `no private subnet is free for the bridge: addresses or routes of this host use all of 172.17.0.0/12 and 192.168.0.0/16; give one that is free`,
  );
}

/** The hardware address that belongs to an IPv4 address, as Docker forms it: 02:42 and the four bytes. Locally administered, unique in the subnet. */
export function macOf(address: string): string {
  return ['02', '42', ...address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
}
