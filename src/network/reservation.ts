/**
 * Reservation of host ports for a container: really bound sockets, so that two containers, or a container and a program of
 * the host, can never have the same one. After a restart of the engine the same bindings are reserved again; traffic goes
 * on meanwhile, since the packet filter carries it (`ensureBridge` with what is published).
 */
import { NetworkError } from './error.ts';
import type { PortBinding } from './ports.ts';
import { holdTcp, holdUdp, type PortSocket } from './proxy.ts';

/** Ports of the host that are held for one container. */
export interface PortReservation {
  /** The bindings that were asked for, with the port that was found where none was given. */
  readonly bindings: readonly PortBinding[];
  /** Carries what the packet filter does not (IPv6) to the container at this address, from now on. */
  forward(address: string): void;
  /** Lets the ports go. */
  close(): Promise<void>;
}

/** How often a free port is asked for until one is free for every address family. */
const attempts = 16;

/**
 * Reserves the host's ports of all bindings, or none.
 * @throws NetworkError `port is already allocated`, or another reason why a port cannot be had
 */
export async function reservePorts(bindings: readonly PortBinding[]): Promise<PortReservation> {
  const held: { readonly binding: PortBinding; readonly sockets: readonly PortSocket[] }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(held.flatMap((h) => h.sockets.map((s) => s.close())));
  };
  try {
    for (const binding of bindings) {
      const sockets = await hold(binding);
      held.push({ binding: { ...binding, hostPort: sockets[0]!.port }, sockets });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    bindings: held.map((h) => h.binding),
    forward: (address) => held.forEach((h) => h.sockets.forEach((s) => s.forward(address, h.binding.containerPort))),
    close,
  };
}

async function hold(binding: PortBinding): Promise<PortSocket[]> {
  const hosts = binding.hostIp === '' ? ['0.0.0.0', '::'] : [binding.hostIp];
  for (let attempt = 1; ; attempt++) {
    const sockets: PortSocket[] = [];
    try {
      for (const host of hosts) {
        try {
          sockets.push(await (binding.protocol === 'tcp' ? holdTcp : holdUdp)(host, sockets[0]?.port ?? binding.hostPort));
        } catch (error) {
          if (binding.hostIp === '' && host === '::' && hasNoIpv6(error)) continue;
          throw failure(error, host, sockets[0]?.port ?? binding.hostPort, binding.protocol);
        }
      }
      return sockets;
    } catch (error) {
      await Promise.all(sockets.map((s) => s.close()));
      const another = binding.hostPort === 0 && sockets.length > 0 && attempt < attempts;
      if (!another) throw error;
    }
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';
const hasNoIpv6 = (error: unknown): boolean => ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(codeOf(error));

function failure(error: unknown, host: string, port: number, protocol: string): Error {
  const code = codeOf(error);
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}/${protocol}`;
  if (code === 'EADDRINUSE') {
    const list = protocol === 'tcp' ? 'ss -ltnp' : 'ss -lunp';
    return new NetworkError(
      `bind for ${place} failed: port is already allocated (${code}); publish another port, or end what uses it ("${list}" lists programs, "hako ps" containers)`,
      code,
    );
  }
  if (code === 'EADDRNOTAVAIL')
    return new NetworkError(`bind for ${place} failed: this host has no address ${host} (${code}); "ip address" lists those it has`, code);
  return new NetworkError(`bind for ${place} failed: ${(error as Error).message}`, code || undefined);
}
