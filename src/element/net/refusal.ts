/**
 * What it means that the kernel knows no route for a packet: it answers with an errno alone, and for much of what arrives only with
 * EINVAL (since Linux 6.14). See fib_props and ip_route_input in net/ipv4.
 */
import { errno, errnoName } from '../../kernel/errno.ts';
import { lookupRoute, type NoRoute } from '../../kernel/netlink/route-lookup.ts';
import { End, interfaceParameter, specOf } from './hop.ts';
import type { Packet } from './nft-packet.ts';
import type { Port, Scene } from './snapshot.ts';

/** The errno, and the kernel's own words if it had any. */
export const refusalText = (refusal: NoRoute): string => `${errnoName(refusal.errno)}${refusal.detail === undefined ? '' : ` (${refusal.detail})`}`;

/** Types of routes, and of routing rules, that refuse: what each answers with. */
const forbidding: Readonly<Partial<Record<number, string>>> = { [errno.EINVAL]: 'blackhole', [errno.EHOSTUNREACH]: 'unreachable', [errno.EACCES]: 'prohibit' };

const isLoopback = (address: string): boolean => address.startsWith('127.');

/** Why the kernel does not send a packet. */
export function refusedToSend(scene: Scene, packet: Packet, refusal: NoRoute): End {
  const { label } = scene.place.namespace;
  if (refusal.errno === errno.EINVAL && isLoopback(packet.source))
    return new End(
      'stopped',
      `${label} sends nothing from ${packet.source} to ${packet.destination}: loopback's addresses stay inside, unless route_localnet is 1`,
      'refused-source',
    );
  return unroutable(scene, packet, refusal);
}

/** Why the kernel does not route what arrived at an interface. */
export function refusedOnArrival({ scene, link }: Port, packet: Packet, refusal: NoRoute): End {
  const { place } = scene;
  const { namespace } = place;
  const { label } = namespace;
  const conf = (key: string, of = link.name): string | undefined => place.sysctl(['ipv4', 'conf', of, key]);
  const filter = Math.max(Number(conf('rp_filter', 'all') ?? 0), Number(conf('rp_filter') ?? 0));
  const martian = isMartian(scene, packet);
  if (refusal.errno === errno.EXDEV || (refusal.errno === errno.EINVAL && !martian && filter > 0 && leadsElsewhere({ scene, link }, packet.source, filter)))
    return new End(
      'stopped',
      `${label} drops it at ${link.name}: an answer to ${packet.source} would not leave there (rp_filter=${filter})`,
      'reverse-path',
      `add a route to ${packet.source} by ${link.name}, or: sysctl -w ${interfaceParameter(link.name, 'rp_filter')}=2`,
    );
  if (refusal.errno === errno.EHOSTUNREACH && conf('forwarding') === '0') {
    const all = place.sysctl(['ipv4', 'ip_forward']);
    return new End(
      'stopped',
      `${label} does not forward packets: net.ipv4.ip_forward is ${all}${all === '1' ? `, but the parameter forwarding of ${link.name} is 0` : ''}`,
      'not-forwarded',
      all === '1' ? `sysctl -w ${interfaceParameter(link.name, 'forwarding')}=1` : `hako net forward --ns ${specOf(namespace)} on`,
    );
  }
  if (refusal.errno === errno.EINVAL && martian) {
    const local = isLoopback(packet.destination) || isLoopback(packet.source);
    return new End(
      'stopped',
      `${label} drops it at ${link.name}: its source ${packet.source} or destination ${packet.destination} cannot come from there (a martian)${local ? `; the parameter route_localnet of ${link.name} is ${conf('route_localnet')}` : ''}`,
      'refused-source',
    );
  }
  return unroutable(scene, packet, refusal);
}

/** The filter's value that asks for a route by this very interface; 2 is content with any. */
const strict = 1;

/** Whether an answer to a source would not leave by an interface, as rp_filter asks. */
function leadsElsewhere({ scene, link }: Port, source: string, filter: number): boolean {
  const back = lookupRoute(scene.place.route, { destination: source });
  return 'errno' in back || (filter === strict && back.interface !== link.index);
}

/** Addresses that the kernel lets in from no wire: nobody's, loopback's, everybody's, and as a source one of its own. */
function isMartian(scene: Scene, { source, destination }: Packet): boolean {
  const first = Number(source.split('.')[0]);
  return (
    first === 0 ||
    first >= 224 ||
    isLoopback(source) ||
    isLoopback(destination) ||
    destination.startsWith('0.') ||
    scene.addresses.some((a) => a.address === source)
  );
}

function unroutable(scene: Scene, packet: Packet, refusal: NoRoute): End {
  const { namespace } = scene.place;
  const type = forbidding[refusal.errno];
  if (type !== undefined)
    return new End(
      'stopped',
      `${namespace.label} has a route or a routing rule of the type ${type} for ${packet.destination}: ${refusalText(refusal)}; "ip route" and "ip rule" list them`,
      'no-route',
    );
  return new End(
    'stopped',
    `${namespace.label} has no route to ${packet.destination}: ${refusalText(refusal)}`,
    'no-route',
    `hako net route --ns ${specOf(namespace)} default --via GATEWAY`,
  );
}
