/** Who listens: the sockets of a network namespace, from its /proc/net/tcp and udp, and the process behind one. See proc_pid_net(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Scene } from './snapshot.ts';

export interface Listener {
  /** The address that it is bound to; `*` for all. */
  readonly address: string;
  readonly port: number;
  /** It is a socket of IPv6 for all addresses: /proc does not say whether it takes IPv4, too. */
  readonly unsure: boolean;
  /** `sleep (42)`, where the process can be seen. */
  readonly process: string | undefined;
}

const TCP_LISTEN = '0A';
/** A UDP socket that is bound and not connected. */
const UDP_UNCONNECTED = '07';

/** The socket that would take a packet to this address and port; undefined where nobody listens. */
export function listenerOn(scene: Scene, protocol: 'tcp' | 'udp', address: string, port: number): Listener | undefined {
  const wanted = protocol === 'tcp' ? TCP_LISTEN : UDP_UNCONNECTED;
  const sockets = ['', '6'].flatMap((version) => parse(scene.place.read(`/proc/thread-self/net/${protocol}${version}`) ?? ''));
  const found = sockets.filter((s) => s.state === wanted && s.port === port && (s.address === '*' || s.address === address));
  // The more particular one is taken, and one of IPv4 before one that may take IPv6 alone.
  const best = found.find((s) => s.address !== '*') ?? found.find((s) => !s.isV6) ?? found[0];
  return best && { address: best.address, port, unsure: best.isV6 && best.address === '*', process: processWith(best.inode, scene.place.namespace.pids) };
}

interface Socket {
  readonly address: string;
  readonly port: number;
  readonly state: string;
  readonly inode: string;
  readonly isV6: boolean;
}

function parse(text: string): Socket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [hex, port] = (fields[1] ?? '').split(':');
      if (hex === undefined || port === undefined) return [];
      return [{ address: addressText(hex), port: parseInt(port, 16), state: fields[3] ?? '', inode: fields[9] ?? '', isV6: hex.length === 32 }];
    });
}

/** An IPv4 address, its word in the machine's order, also of a socket of IPv6 that has one (::ffff:0:0/96); `*` for all. */
function addressText(hex: string): string {
  if (/^0+$/.test(hex)) return '*';
  const last = hex.slice(-8);
  if (hex.length === 32 && hex.slice(0, 24) !== '0000000000000000FFFF0000') return 'IPv6';
  return [6, 4, 2, 0].map((at) => parseInt(last.slice(at, at + 2), 16)).join('.');
}

function processWith(inode: string, pids: readonly number[]): string | undefined {
  for (const pid of pids) {
    try {
      if (!readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`)) continue;
      return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (${pid})`;
    } catch {
      continue; // it ended, or is not ours to see
    }
  }
  return undefined;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
