/** A packet's way as data: its hops, and how it ends. way.ts works it out; way-text.ts and finding.ts tell of it. */
import { word } from '../../step/shell.ts';
import type { NetworkNamespace } from './namespaces.ts';
import type { Packet } from './nft-packet.ts';

/** What happens at a hop. `leave` and `arrive` are at an interface; a packet can be watched there. */
export type HopKind = 'send' | 'route' | 'filter' | 'translate' | 'leave' | 'arrive' | 'forward' | 'deliver' | 'note';

export interface Hop {
  readonly namespace: string;
  readonly inode: number;
  readonly kind: HopKind;
  readonly interface?: string;
  readonly index?: number;
  /** Counts the wires: what leaves and arrives between two routing decisions has the same number. */
  readonly wire: number;
  /** One line. */
  readonly text: string;
}

/** Why a packet gets no further; names for programs. */
export type StopCode =
  | 'no-route'
  | 'no-route-back'
  | 'link-down'
  | 'no-neighbour'
  | 'not-forwarded'
  | 'reverse-path'
  | 'refused-source'
  | 'dropped'
  | 'no-listener'
  | 'ignored'
  | 'too-long';

export interface Way {
  readonly hops: readonly Hop[];
  /** `left`: it leaves this machine, and cannot be followed. */
  readonly outcome: 'delivered' | 'left' | 'stopped';
  readonly code?: StopCode;
  /** One sentence. */
  readonly reason: string;
  /** What would help, where there is one thing that would. */
  readonly remedy?: string;
  /** The source that its sender gives it, where it got so far. */
  readonly source?: string;
  /** Of what leaves by each wire, by its number: the address that is asked for on it. */
  readonly next: readonly string[];
}

/** The packet can go no further; caught where the way is put together. */
export class End extends Error {
  readonly outcome: Way['outcome'];
  readonly code: StopCode | undefined;
  readonly remedy: string | undefined;
  constructor(outcome: Way['outcome'], reason: string, code?: StopCode, remedy?: string) {
    super(reason);
    this.outcome = outcome;
    this.code = code;
    this.remedy = remedy;
  }
}

/** `10.0.0.1:80`: where a packet is to go. */
export const destinationText = (p: Packet): string => (p.destinationPort ? `${p.destination}:${p.destinationPort}` : p.destination);

/** What a user writes on a command line for a namespace. */
export const specOf = (n: NetworkNamespace): string => word(n.own ? 'host' : (n.container ?? n.names[0] ?? String(n.pids[0] ?? n.path)));

/** What a user writes on a command line for a parameter of an interface: a dot in its name would end it, and is written as a slash. */
export const interfaceParameter = (name: string, key: string): string => word(`net.ipv4.conf.${name.replaceAll('.', '/')}.${key}`);
