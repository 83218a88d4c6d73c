/** What travels: from where, to where, of which protocol, as a user writes it. */
import { isIPv4 } from 'node:net';
import { ElementError } from '../interpret.ts';
import { findNamespace, type ContainerPid, type NetworkNamespace } from './namespaces.ts';
import type { Port, Scene, Snapshot } from './snapshot.ts';
import { parsePort } from './words.ts';

export type Protocol = 'tcp' | 'udp' | 'icmp';
/** As in the IP header. */
export const protocolNumbers = { icmp: 1, tcp: 6, udp: 17 } as const;

/** A question to the network: would this packet arrive? */
export interface Flow {
  readonly from: Origin;
  readonly destination: string;
  readonly protocol: Protocol;
  /** 0 for ICMP. */
  readonly port: number;
}

/** Where a packet starts: in a namespace that can be seen, or beyond an interface of ours that leads out. */
export type Origin =
  | { readonly kind: 'namespace'; readonly scene: Scene; readonly source: string | undefined }
  | { readonly kind: 'outside'; readonly source: string };

/**
 * Reads FROM and TO[:PORT][/udp] of a command line.
 * @throws ElementError where one of them is nothing that has an address
 */
export function parseFlow(from: string, to: string, snapshot: Snapshot, known: readonly NetworkNamespace[], containers: readonly ContainerPid[]): Flow {
  const [place, word, ...rest] = to.split('/');
  if (rest.length || (word !== undefined && !['tcp', 'udp', 'icmp'].includes(word)))
    throw new ElementError(`"${to}" ends with no protocol: write /tcp, /udp or /icmp`, 125);
  const colon = place!.lastIndexOf(':');
  const port = colon < 0 ? 0 : parsePort(place!.slice(colon + 1));
  const protocol = (word as Protocol | undefined) ?? (port ? 'tcp' : 'icmp');
  if (protocol !== 'icmp' && port === 0) throw new ElementError(`"${to}" has no port: write ${place}:80/${protocol}`, 125);
  if (protocol === 'icmp' && port !== 0) throw new ElementError(`"${to}" has a port, which ICMP has not: leave one of them out`, 125);
  const target = colon < 0 ? place! : place!.slice(0, colon);
  return { from: origin(from, snapshot, known, containers), destination: addressOf(target, snapshot, known, containers), protocol, port };
}

function origin(from: string, snapshot: Snapshot, known: readonly NetworkNamespace[], containers: readonly ContainerPid[]): Origin {
  if (!isIPv4(from)) return { kind: 'namespace', scene: sceneOf(findNamespace(from, known, containers), snapshot), source: undefined };
  const [holder, ...others] = [...new Set(snapshot.holdersOf(from).map(({ scene }) => scene))];
  if (!holder) return { kind: 'outside', source: from };
  if (others.length === 0) return { kind: 'namespace', scene: holder, source: from };
  const holders = [holder, ...others].map(({ place }) => place.namespace.label);
  throw new ElementError(`${from} is an address of ${holders.length} namespaces: name the one that is meant (${holders.join(', ')})`);
}

function sceneOf(namespace: NetworkNamespace, snapshot: Snapshot): Scene {
  const scene = snapshot.of(namespace);
  if (scene) return scene;
  throw new ElementError(snapshot.closed.find((c) => c.namespace.inode === namespace.inode)?.reason ?? `the network namespace ${namespace.label} is gone`);
}

function addressOf(target: string, snapshot: Snapshot, known: readonly NetworkNamespace[], containers: readonly ContainerPid[]): string {
  if (isIPv4(target)) return target;
  if (target.includes(':')) throw new ElementError(`"${target}" is an IPv6 address, whose path hako net cannot follow yet: give an IPv4 address`, 125);
  const scene = sceneOf(findNamespace(target, known, containers), snapshot);
  const address = scene.addresses.find((a) => isIPv4(a.address) && !a.address.startsWith('127.'))?.address;
  if (address === undefined) throw new ElementError(`${scene.place.namespace.label} has no IPv4 address but loopback's`);
  return address;
}

/** The IPv4 address that an interface would answer from, one in the subnet of `near` if it has one. */
export function addressOfInterface({ scene, link }: Port, near: string): string | undefined {
  const own = scene.addresses.filter((a) => a.index === link.index && isIPv4(a.address));
  const number = (address: string): number => address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const inSame = own.find((a) => Math.floor(number(a.address) / 2 ** (32 - a.prefix)) === Math.floor(number(near) / 2 ** (32 - a.prefix)));
  return (inSame ?? own[0])?.address;
}
