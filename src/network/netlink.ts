/** The engine's own netlink sockets, in the network namespace that it lives in: the host's. */
import { NetlinkSocket } from '../kernel/netlink/socket.ts';

/** One socket to speak of interfaces, addresses and routes; one to speak of packet filters. */
export interface Netlink {
  readonly route: NetlinkSocket;
  readonly netfilter: NetlinkSocket;
}

/** Opens nothing yet: each socket is opened at its first use. */
export function openNetlink(): Netlink {
  return { route: new NetlinkSocket('NETLINK_ROUTE'), netfilter: new NetlinkSocket('NETLINK_NETFILTER') };
}

/** Closes both sockets. */
export function closeNetlink(netlink: Netlink): void {
  netlink.route.close();
  netlink.netfilter.close();
}
