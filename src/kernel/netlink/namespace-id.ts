/**
 * The numbers by which network namespaces know each other. An interface whose peer is in another namespace names that one by such
 * a number (IFLA_LINK_NETNSID), which means something only in its own. See rtnetlink(7), include/uapi/linux/net_namespace.h.
 */
import { perform } from '../perform.ts';
import { Attributes, u32 } from './attribute.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_GETNSID = 90;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;

/**
 * The number that the socket's namespace has for another one.
 * @param namespace a descriptor of the other
 * @returns undefined where it has none: then no interface here has a peer there
 */
export function namespaceId(socket: NetlinkSocket, namespace: number): number | undefined {
  let id: number | undefined;
  const asked = socket.call(
    [
      {
        name: 'RTM_GETNSID',
        type: RTM_GETNSID,
        flags: 0,
        header: new Uint8Array(4), // struct rtgenmsg, padded
        headerText: '',
        attributes: [u32(NETNSA_FD, 'fd', namespace)],
      },
    ],
    {
      answer: (replies) => {
        id = replies[0] && new Attributes(replies[0].body.subarray(4)).u32(NETNSA_NSID);
        return 0;
      },
    },
  );
  void perform(asked); // a refusal is told by the absence of an answer
  return id === undefined || id === 0xffffffff ? undefined : id;
}
