/**
 * Network namespaces, made and entered by a short-lived child: a thread of Node's must never change its own.
 * See network_namespaces(7).
 */
import { call, result, Unknown, type Call, type Known } from '../kernel/call.ts';
import { KernelError } from '../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../kernel/flags.ts';
import { runInChild } from '../kernel/launch/child.ts';
import { socketCall } from '../kernel/netlink/socket.ts';
import { performNow } from '../kernel/perform.ts';
import { step, type Procedure } from '../step/step.ts';

/** A network namespace that is held by a descriptor, and an rtnetlink socket inside it. */
export interface NamespaceAccess {
  readonly namespace: Known;
  readonly netlink: Known;
}

/** How a person names the namespace in a shell. */
export interface NamespaceShell {
  /** The prefix of an `ip` command that works inside: `ip -n NAME`, `nsenter --net=/proc/PID/ns/net ip`. */
  readonly ip: string;
  /** What `ip link … netns` takes: a name or a process id. */
  readonly target: string;
}

/**
 * Makes a network namespace. It lives as long as its descriptor, or a process inside.
 * @param name what a person would call it
 */
export function* makeNamespace(name: string): Procedure<NamespaceAccess> {
  const open = call('openat', [AT_FDCWD, '/proc/thread-self/ns/net', openFlags.O_CLOEXEC, 0], { label: 'netns' });
  const calls = inChild([call('unshare', [cloneFlags.CLONE_NEWNET]), open, socketCall('NETLINK_ROUTE')]);
  return yield* step<NamespaceAccess>({
    id: 'network.namespace',
    what: 'Make a network namespace, in a child that exits at once',
    calls,
    shell: `ip netns add ${name}`,
    look: 'lsns -t net',
    undo: [call('close', [result(calls[1]!)])],
    finally: [call('close', [result(calls[2]!)])],
    result: ([, namespace, netlink]) => ({ namespace: namespace!, netlink: netlink! }),
    unknown: { namespace: new Unknown('netns'), netlink: new Unknown('netlink') },
  });
}

/**
 * Opens an rtnetlink socket in a namespace that exists.
 * @param namespace a descriptor of it, such as of /proc/PID/ns/net; stays the caller's
 */
export function* enterNamespace(namespace: Known): Procedure<NamespaceAccess> {
  const calls = inChild([call('setns', [namespace, cloneFlags.CLONE_NEWNET]), socketCall('NETLINK_ROUTE')]);
  return yield* step<NamespaceAccess>({
    id: 'network.enter',
    what: "Open a netlink socket in the container's network namespace, from a child that exits at once",
    calls,
    shell: '# each of the next commands enters the namespace by itself',
    look: 'lsns -t net',
    finally: [call('close', [result(calls[1]!)])],
    result: ([, netlink]) => ({ namespace, netlink: netlink! }),
    unknown: { namespace, netlink: new Unknown('netlink') },
  });
}

const anyErrno = Array.from({ length: 133 }, (_, i) => i + 1);

/**
 * The same calls, to be made one after the other in one child: the first one's turn makes them all, and each then answers
 * what it returned. What those after a failure have opened is closed; what those before it opened is the step's to undo.
 */
function inChild(calls: readonly Call[]): Call[] {
  let returned: readonly number[] = [];
  const run = (): void => {
    try {
      returned = runInChild(calls.map((c) => ({ ...c, accept: anyErrno })));
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      returned = calls.map(() => -error.errno); // there was no child
    }
    const failed = returned.findIndex((value) => value < 0);
    if (failed < 0) return;
    returned.forEach((value, i) => {
      if (i > failed && value >= 0 && opens.has(calls[i]!.name)) performNow(call('close', [value]));
    });
  };
  return calls.map((c, i) => ({
    ...c,
    perform: () => {
      if (i === 0) run();
      return returned[i]!;
    },
  }));
}

const opens = new Set<string>(['openat', 'socket']);
