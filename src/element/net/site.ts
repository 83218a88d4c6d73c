/**
 * Where a change of the network happens: a namespace with its netlink sockets. In another namespace than ours each step's shell line
 * is one that enters it first, so that what is explained can be typed.
 */
import { call, result, Unknown, type Known } from '../../kernel/call.ts';
import { procPath } from '../../kernel/file-at.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../../kernel/flags.ts';
import { holdNamespace } from '../../kernel/namespace.ts';
import { NetlinkSocket } from '../../kernel/netlink/socket.ts';
import { enterNamespace, inChild } from '../../network/namespace.ts';
import { openNetlink, type Netlink } from '../../network/netlink.ts';
import { writeSysctl } from '../../network/sysctl.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import type { NetworkNamespace } from './namespaces.ts';
import { Place } from './place.ts';

export interface Site {
  readonly namespace: NetworkNamespace;
  readonly netlink: Netlink;
  /** A descriptor of the namespace; absent where it is ours. */
  readonly fd?: Known;
}

/** Opens a descriptor of a namespace, or of the one that a step before has mounted on a path; it is closed when the procedure ends. */
export function* openNamespace(namespace: Pick<NetworkNamespace, 'held' | 'label' | 'path'>): Procedure<Known> {
  const { held, path } = namespace;
  const open = call('openat', [AT_FDCWD, path, openFlags.O_CLOEXEC, 0], {
    label: 'netns',
    // By what it is held by since it was listed: where its path leads now is for whoever may change that to say.
    perform: () => {
      const opened = holdNamespace(held ? procPath(held.fd) : path);
      return typeof opened === 'number' ? opened : opened.fd;
    },
  });
  return yield* step<Known>({
    id: 'net.open',
    what: `Open the network namespace ${namespace.label}`,
    calls: [open],
    shell: `# each of the next commands opens ${namespace.path} by itself`,
    look: `ls -lL ${namespace.path}`,
    finally: [call('close', [result(open)])],
    result: ([fd]) => fd!,
    unknown: new Unknown('netns'),
  });
}

/** Does something at a namespace: ours directly, another by sockets that a child opens there. */
export function* at<R>(namespace: NetworkNamespace, work: (site: Site) => Procedure<R>): Procedure<R> {
  if (namespace.own) return yield* work({ namespace, netlink: openNetlink() });
  const fd = yield* openNamespace(namespace);
  const route = new NetlinkSocket('NETLINK_ROUTE', yield* enterNamespace(fd));
  const netfilter = new NetlinkSocket('NETLINK_NETFILTER', yield* enterNamespace(fd, 'NETLINK_NETFILTER'));
  return yield* elsewhere(namespace.path, work({ namespace, netlink: { route, netfilter }, fd }));
}

/** Without anything that a shell reads, but for a rule set: one word in quotes. */
const isOneCommand = (text: string): boolean => !/[\n'$]/.test(text.replace(/^nft '[^']*'$/, 'nft'));

/** The same steps, with shell lines that are typed outside of the namespace. */
function* elsewhere<R>(path: string, procedure: Procedure<R>): Procedure<R> {
  const inside = (text: string): string =>
    text === '' || text.startsWith('#') ? text : !isOneCommand(text) ? `nsenter --net=${path} sh -c ${word(text)}` : `nsenter --net=${path} ${text}`;
  let next = procedure.next();
  while (!next.done) {
    const one = next.value as Step<unknown>;
    try {
      next = procedure.next(yield { ...one, shell: inside(one.shell), look: inside(one.look) });
    } catch (error) {
      next = procedure.throw(error);
    }
  }
  return next.value;
}

/** Sets `net.ipv4.ip_forward`: whether the namespace passes packets on from one interface to another. */
export function* setForwarding(site: Site, on: boolean): Procedure {
  const key = ['net', 'ipv4', 'ip_forward'];
  const write = (value: string) => {
    const { calls: made, finally: close } = writeSysctl(key, value);
    const calls = [...made, ...close];
    return site.fd === undefined ? calls : [inChild([call('setns', [site.fd, cloneFlags.CLONE_NEWNET]), ...calls], 'sysctl')];
  };
  const place = new Place(site.namespace);
  const before = place.sysctl(key.slice(1));
  place.close();
  if (before === (on ? '1' : '0')) return;
  yield* step({
    id: 'net.forward',
    what: on ? 'Let packets be forwarded from one interface to another' : 'Stop forwarding packets from one interface to another',
    calls: write(on ? '1' : '0'),
    shell: `sysctl -w net.ipv4.ip_forward=${on ? 1 : 0}`,
    look: 'sysctl net.ipv4.ip_forward',
    undo: write(on ? '0' : '1'),
  });
}
