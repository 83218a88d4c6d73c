/** A network of a test's own, so that nothing on the machine is touched and everything is gone when the test's process ends. */
import { call } from '../../src/kernel/call.ts';
import { cloneFlags } from '../../src/kernel/flags.ts';
import { runInChild } from '../../src/kernel/launch/child.ts';
import { addAddress, addRoute, addVeth, getLink, linkIndex, setLink } from '../../src/kernel/netlink/rtnetlink.ts';
import { NetlinkSocket, socketCall } from '../../src/kernel/netlink/socket.ts';
import { must, perform } from '../../src/kernel/perform.ts';
import { makeNamespace } from '../../src/network/namespace.ts';
import type { Message, Reply } from '../../src/kernel/netlink/message.ts';
import { apply, type Kernel } from '../../src/step/apply.ts';
import { startAgent, type Agent } from './network-agent.ts';

/** The real kernel. */
export const kernel: Kernel = { call: perform };

/**
 * Puts the calling thread, and with it the sockets, dumps and children of this process, into a new network namespace that
 * stands for the host. Only for a test file, which is a process of its own; the engine never does this.
 */
export function enterPrivateNetwork(): void {
  must(call('unshare', [cloneFlags.CLONE_NEWNET]));
  const socket = new NetlinkSocket('NETLINK_ROUTE');
  request(socket, [setLink('lo', { up: true })]);
  socket.close();
}

/** Makes a request and fails the test where the kernel refuses. */
export function request(socket: NetlinkSocket, messages: readonly Message[], answer?: (replies: readonly Reply[]) => number): number {
  const c = socket.call(messages, answer ? { answer } : {});
  const value = perform(c) as number;
  if (value < 0) throw new Error(`${messages.map((m) => m.name).join(', ')}: errno ${-value} ${c.failureDetail?.(-value) ?? ''}`);
  return value;
}

/** An rtnetlink socket in another namespace. */
export function routeSocket(namespace: number): NetlinkSocket {
  const [, fd] = runInChild([call('setns', [namespace, cloneFlags.CLONE_NEWNET]), socketCall('NETLINK_ROUTE')]);
  return new NetlinkSocket('NETLINK_ROUTE', fd);
}

/** Another machine, on a cable to the "host": what is outside. */
export interface Outside extends Agent {
  /** The host's address on the cable. */
  readonly hostAddress: string;
  readonly address: string;
  /** An rtnetlink socket there. */
  readonly route: NetlinkSocket;
}

/**
 * Makes a network namespace with a cable to the private network; its default route leads to the host.
 * @param network the third byte of the cable's addresses: 10.99.N.1 is the host, 10.99.N.2 the outside
 */
export async function outside(network: number): Promise<Outside> {
  const namespace = (await apply(makeNamespace('outside'), { kernel })) as number;
  const here = new NetlinkSocket('NETLINK_ROUTE');
  const there = routeSocket(namespace);
  const name = `cable${network}`;
  const [hostAddress, address, broadcast] = [1, 2, 255].map((n) => `10.99.${network}.${n}`) as [string, string, string];
  request(here, [addVeth(name, {}, { name: 'eth0', namespace }), setLink(name, { up: true })]);
  request(here, [addAddress(request(here, [getLink(name)], linkIndex), hostAddress, 24, broadcast)]);
  request(there, [setLink('lo', { up: true }), setLink('eth0', { up: true })]);
  request(there, [addAddress(request(there, [getLink('eth0')], linkIndex), address, 24, broadcast)]);
  request(there, [addRoute(hostAddress)]);
  here.close();
  const agent = await startAgent(namespace);
  return { ...agent, hostAddress, address, route: there };
}
