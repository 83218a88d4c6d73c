/** `--publish` and `--expose`: `[[HOST_ADDRESS:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]`, each port also a range. */
import { isIP } from 'node:net';
import type { PortMap } from '../api/schema.ts';
import { UsageError } from './command.ts';

export interface PublishedPorts {
  readonly exposed: Record<string, Record<string, never>>;
  readonly bindings: PortMap;
}

/** @throws UsageError for a port that is none, or ranges of different lengths */
export function parsePorts(publish: readonly string[], expose: readonly string[]): PublishedPorts {
  const exposed: PublishedPorts['exposed'] = {};
  const bindings: PortMap = {};
  for (const text of publish) {
    for (const { port, hostIp, hostPort } of parsePublish(text)) {
      exposed[port] = {};
      (bindings[port] ??= []).push({ HostIp: hostIp, HostPort: hostPort });
    }
  }
  for (const text of expose) {
    const { ports, protocol } = splitProtocol(text, 'expose');
    const [first, last] = range(ports, text, 'expose');
    for (let port = first; port <= last; port++) exposed[`${port}/${protocol}`] = {};
  }
  return { exposed, bindings };
}

function parsePublish(text: string): { port: string; hostIp: string; hostPort: string }[] {
  const { ports, protocol } = splitProtocol(text, 'publish');
  const { hostIp, rest } = splitAddress(ports, text);
  const parts = rest.split(':');
  if (parts.length > 2) throw wrong('publish', text, 'too many colons');
  const container = parts.at(-1)!;
  const host = parts.length === 2 ? parts[0]! : '';
  const [first, last] = range(container, text, 'publish');
  if (host === '') return sequence(first, last).map((port) => ({ port: `${port}/${protocol}`, hostIp, hostPort: '' }));
  const [hostFirst, hostLast] = range(host, text, 'publish');
  if (first === last && hostFirst !== hostLast) return [{ port: `${first}/${protocol}`, hostIp, hostPort: `${hostFirst}-${hostLast}` }];
  if (last - first !== hostLast - hostFirst) throw wrong('publish', text, 'the ranges of the host and of the container have different lengths');
  return sequence(first, last).map((port) => ({ port: `${port}/${protocol}`, hostIp, hostPort: String(hostFirst + port - first) }));
}

function splitAddress(text: string, whole: string): { hostIp: string; rest: string } {
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(text);
  const parts = text.split(':');
  const hostIp = bracketed ? bracketed[1]! : parts.length > 2 ? parts.slice(0, -2).join(':') : '';
  if (hostIp && !isIP(hostIp)) throw wrong('publish', whole, `'${hostIp}' is not an IP address`);
  return { hostIp, rest: bracketed ? bracketed[2]! : parts.length > 2 ? parts.slice(-2).join(':') : text };
}

function splitProtocol(text: string, flag: string): { ports: string; protocol: string } {
  const [ports = '', protocol = 'tcp', ...more] = text.toLowerCase().split('/');
  if (more.length || !['tcp', 'udp', 'sctp'].includes(protocol)) throw wrong(flag, text, `the protocol must be tcp, udp or sctp`);
  return { ports, protocol };
}

function range(text: string, whole: string, flag: string): [number, number] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || first < 1 || last > 65535 || last < first) throw wrong(flag, whole, `'${text}' is not a port or a range of ports (1 to 65535)`);
  return [first, last];
}

const sequence = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

function wrong(flag: string, text: string, why: string): UsageError {
  return new UsageError(`invalid argument "${text}" for "${flag === 'publish' ? '-p, --publish' : '--expose'}" flag: ${why}`);
}
