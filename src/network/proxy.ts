/**
 * Sockets that hold a published port of the host, and carry to the container what the packet filter does not: callers on
 * IPv6 (`[::1]` and from outside), since the bridge has IPv4 alone. While a port is held nobody else on the host can take
 * it, and a caller who comes before the container is ready is turned away at once.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import { once } from 'node:events';

/** A held port of the host. */
export interface PortSocket {
  readonly port: number;
  /** Carries what arrives to this address and port, from now on. */
  forward(address: string, port: number): void;
  /** Lets the port go, and ends what is being carried. */
  close(): Promise<void>;
}

/** Connections of one port that are carried at the same time; a further caller is turned away. Bounds the engine's descriptors. */
const maximumConnections = 512;
/** UDP has no connections: a caller who has been silent for so long (milliseconds) is forgotten, as conntrack does. */
const udpTimeout = 120_000;
const maximumUdpCallers = 512;

interface Target {
  readonly address: string;
  readonly port: number;
}

/**
 * Holds a TCP port.
 * @param host an address of the host; `0.0.0.0` or `::` for all of its family
 * @param port 0 for one that is free
 * @throws Node's system error: EADDRINUSE, EADDRNOTAVAIL, EACCES, …
 */
export async function holdTcp(host: string, port: number): Promise<PortSocket> {
  let target: Target | undefined;
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (caller) => {
    // An error without a listener would end the engine, and a caller can cause one at any time.
    caller.on('error', () => undefined);
    if (!target) {
      caller.resetAndDestroy();
      return;
    }
    const callee = net.connect({ host: target.address, port: target.port, allowHalfOpen: true, noDelay: true });
    for (const socket of [caller, callee]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
    carry(caller, callee);
    carry(callee, caller);
  });
  server.maxConnections = maximumConnections;
  server.listen({ host, port, ipv6Only: true, exclusive: true });
  await once(server, 'listening');
  server.on('error', () => undefined); // accept(2) that fails concerns one caller
  return {
    port: (server.address() as net.AddressInfo).port,
    forward: (address, containerPort) => (target = { address, port: containerPort }),
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** One direction of a connection. A half that ends is ended on the other side; one that breaks off breaks the other off. */
function carry(from: net.Socket, to: net.Socket): void {
  from.on('error', () => to.resetAndDestroy());
  from.on('close', () => {
    if (!from.readableEnded) to.destroy();
  });
  from.pipe(to);
}

/**
 * Holds a UDP port; parameters and errors as {@link holdTcp}.
 */
export async function holdUdp(host: string, port: number): Promise<PortSocket> {
  let target: Target | undefined;
  const callers = new Map<string, { readonly socket: dgram.Socket; readonly timer: NodeJS.Timeout }>();
  const forget = (key: string): void => {
    const caller = callers.get(key);
    if (!caller) return;
    callers.delete(key);
    clearTimeout(caller.timer);
    caller.socket.close();
  };
  const server = dgram.createSocket({ type: net.isIPv6(host) ? 'udp6' : 'udp4', ipv6Only: net.isIPv6(host) });
  server.on('message', (data, from) => {
    if (!target) return;
    const key = `${from.address} ${from.port}`;
    let caller = callers.get(key);
    if (!caller) {
      if (callers.size >= maximumUdpCallers) forget(callers.keys().next().value!);
      const socket = dgram.createSocket('udp4');
      socket.on('message', (answer, { address }) => {
        if (address === target?.address) server.send(answer, from.port, from.address);
      });
      socket.on('error', () => forget(key));
      caller = { socket, timer: setTimeout(() => forget(key), udpTimeout).unref() };
      callers.set(key, caller);
    }
    caller.timer.refresh();
    caller.socket.send(data, target.port, target.address);
  });
  try {
    server.bind({ address: host, port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    server.close();
    throw error;
  }
  server.on('error', () => undefined); // an answer that cannot be sent concerns one caller
  return {
    port: server.address().port,
    forward: (address, containerPort) => (target = { address, port: containerPort }),
    close: async () => {
      callers.forEach((_, key) => forget(key));
      server.close();
      await once(server, 'close');
    },
  };
}
