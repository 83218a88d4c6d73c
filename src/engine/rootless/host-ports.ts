/**
 * Published ports of a user's engine. The engine's own network namespace is the host to its containers: there a port is held and led to the
 * container as it is for root's engine, on every address. From the host it comes there through slirp4netns(1), which listens on the address
 * that is asked for; it is asked in JSON, by a socket (slirp4netns(1), "API SOCKET").
 */
import { connect } from 'node:net';
import { NetworkError } from '../../network/error.ts';
import type { PortBinding } from '../../network/ports.ts';
import { reservePorts, type PortReservation } from '../../network/reservation.ts';
import type { UplinkRecord } from './namespaces-file.ts';

/** Its interface's address in the engine's namespace. */
const guestAddress = '10.0.2.100';
/** Of IPv4 alone, which is what it does. */
const everyAddress = '0.0.0.0';
const patience = 5000;
/** How often a free port is asked for until one is free on both sides. */
const attempts = 16;

/** A binding as it is in the engine's namespace. */
export const inOwnNamespace = (binding: PortBinding): PortBinding => ({ ...binding, hostIp: '' });

interface Forward {
  readonly id: number;
  readonly proto: string;
  readonly host_addr: string;
  readonly host_port: number;
}

/**
 * Reserves ports of the host, and of the engine's namespace, or none. What an engine before this one has asked for, for a container that
 * runs, is taken over.
 * @throws NetworkError
 */
export async function reserveHostPorts(uplink: UplinkRecord | undefined, bindings: readonly PortBinding[]): Promise<PortReservation> {
  if (bindings.length === 0) return reservePorts([]);
  const socket = uplink?.socket;
  if (socket === undefined)
    throw new NetworkError(
      `ports of the host can be published by slirp4netns only, and ${uplink ? `${uplink.program} connects this engine` : 'nothing connects this engine with the host'}: install slirp4netns, then "hako engine stop" and start anew`,
    );
  for (let attempt = 1; ; attempt++) {
    const inner = await reservePorts(bindings.map(inOwnNamespace));
    const taken: number[] = [];
    const giveBack = async (): Promise<void> => {
      await Promise.all(taken.map((id) => ask(socket, 'remove_hostfwd', { id })));
    };
    const outer = inner.bindings.map((binding, i) => ({ ...binding, hostIp: bindings[i]!.hostIp || everyAddress }));
    try {
      for (const binding of outer) taken.push(await forward(socket, binding));
      return { bindings: outer, forward: (address) => inner.forward(address), close: async () => void (await Promise.all([giveBack(), inner.close()])) };
    } catch (error) {
      await Promise.all([giveBack(), inner.close()]);
      if (bindings.every(({ hostPort }) => hostPort !== 0) || attempt === attempts) throw error;
    }
  }
}

async function forward(socket: string, { hostIp, hostPort, protocol }: PortBinding): Promise<number> {
  const place = `${hostIp}:${hostPort}/${protocol}`;
  if (hostIp.includes(':')) throw new NetworkError(`bind for [${hostIp}]:${hostPort}/${protocol} failed: an ordinary user's ports are published on IPv4 only`);
  const wanted = { proto: protocol, host_addr: hostIp, host_port: hostPort };
  const { entries } = (await ask(socket, 'list_hostfwd', {})) as { readonly entries?: readonly Forward[] };
  const there = entries?.find((e) => e.proto === wanted.proto && e.host_addr === wanted.host_addr && e.host_port === wanted.host_port);
  if (there) return there.id;
  try {
    const { id } = (await ask(socket, 'add_hostfwd', { ...wanted, guest_addr: guestAddress, guest_port: hostPort })) as { readonly id: number };
    return id;
  } catch (error) {
    const cause =
      hostPort < 1024
        ? 'ports below 1024 are root\'s (unless "sysctl net.ipv4.ip_unprivileged_port_start" says otherwise), or port is already allocated'
        : 'port is already allocated, or the host has no such address';
    throw new NetworkError(`bind for ${place} failed: ${cause}; "ss -ltnup" lists what uses ports (${(error as Error).message})`, 'EADDRINUSE');
  }
}

/** One request, on a connection of its own. */
function ask(path: string, execute: string, request: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let text = '';
    const failed = (why: string): void => reject(new NetworkError(`slirp4netns does not answer at ${path} (${why}): "hako engine stop", and start anew`));
    const connection = connect({ path, allowHalfOpen: true }, () => connection.write(JSON.stringify({ execute, arguments: request })));
    connection.setTimeout(patience, () => connection.destroy(new Error('after 5 seconds')));
    connection.on('error', (error) => failed(error.message));
    connection.on('data', (data) => (text += data.toString()));
    connection.on('end', () => {
      connection.end();
      try {
        const answer = JSON.parse(text) as { readonly return?: unknown; readonly error?: { readonly desc: string } };
        if (answer.error) reject(new NetworkError(answer.error.desc));
        else resolve(answer.return ?? answer);
      } catch {
        failed('what it says is not JSON');
      }
    });
  });
}
