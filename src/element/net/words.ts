/** How addresses, interfaces and ports are written on the command lines of `hako net`, and what is wrong with one that is not. */
import { isIPv4 } from 'node:net';
import type { PublishedPorts } from '../../network/ports.ts';
import { subnetOf, type Subnet } from '../../network/subnet.ts';
import { ElementError } from '../interpret.ts';

const usage = 125;

/** An address with the length of its prefix. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
}

/** `10.0.0.1/24`; without a prefix, one address alone. @throws ElementError */
export function parseAddress(text: string): Cidr {
  const [address, prefix = '32', ...rest] = text.split('/');
  if (isIPv4(address!) && /^\d{1,2}$/.test(prefix) && Number(prefix) <= 32 && rest.length === 0) return { address: address!, prefix: Number(prefix) };
  throw new ElementError(
    text.includes(':')
      ? `"${text}" is an IPv6 address, which hako net cannot set yet: give an IPv4 address`
      : `"${text}" is not an IPv4 address: write it as 10.0.0.1/24`,
    usage,
  );
}

/** `10.0.0.0/24`: the subnet that an address lies in. @throws ElementError */
export function parseSubnet(text: string): Subnet {
  const { address, prefix } = parseAddress(text);
  return subnetOf(address, prefix);
}

/** An interface's name, as the kernel allows it. @throws ElementError */
export function parseInterface(name: string): string {
  if (/^[^\s/:]{1,15}$/.test(name) && name !== '.' && name !== '..') return name;
  throw new ElementError(`"${name}" is not an interface's name: 1 to 15 characters, without spaces, "/" and ":"`, usage);
}

/** `NAMESPACE:INTERFACE`, or an interface of the namespace that hako runs in. @throws ElementError */
export function parseEnd(text: string): { readonly namespace: string | undefined; readonly name: string } {
  const colon = text.lastIndexOf(':');
  return { namespace: colon < 0 ? undefined : text.slice(0, colon), name: parseInterface(text.slice(colon + 1)) };
}

/** A port number from 1. @throws ElementError */
export function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535) return Number(text);
  throw new ElementError(`"${text}" is not a port: a number from 1 to 65535`, usage);
}

/** `8080`, `10.0.0.1:53/udp` and `10.7.0.2:80`: a port, and where it leads. @throws ElementError */
export function parsePublished(port: string, target: string): PublishedPorts {
  const [place, protocol = 'tcp', ...rest] = port.split('/');
  if ((protocol !== 'tcp' && protocol !== 'udp') || rest.length)
    throw new ElementError(`"${port}" is not a port to publish: write it as 8080, 8080/udp or 10.0.0.1:8080`, usage);
  const colon = place!.lastIndexOf(':');
  const hostIp = colon < 0 ? '' : parseAddress(place!.slice(0, colon)).address;
  const hostPort = parsePort(place!.slice(colon + 1));
  const at = target.lastIndexOf(':');
  if (at < 0) throw new ElementError(`"${target}" has no port: write it as 10.7.0.2:80`, usage);
  return { address: parseAddress(target.slice(0, at)).address, bindings: [{ hostIp, hostPort, containerPort: parsePort(target.slice(at + 1)), protocol }] };
}
