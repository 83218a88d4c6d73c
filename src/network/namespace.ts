/**
 * Network namespaces, made and entered by a short-lived child: a thread of Node's must never change its own.
 * See network_namespaces(7).
 */
import { call, result, Struct, Unknown, type Call, type Known } from '../kernel/call.ts';
import { describeCall } from '../kernel/describe.ts';
import { KernelError } from '../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../kernel/flags.ts';
import { cloneArgsLayout, runInChild } from '../kernel/launch/child.ts';
import { socketCall, type NetlinkFamily } from '../kernel/netlink/socket.ts';
import { step, type Procedure, type Step } from '../step/step.ts';

/** How a person names the namespace in a shell. */
export interface NamespaceShell {
  /** The prefix of an `ip` command that works inside: `ip -n NAME`, `nsenter --net=FILE ip`. */
  readonly ip: string;
  /** What `ip link … netns` takes: a name, a file or a process id. */
  readonly target: string;
}

/**
 * Makes a network namespace and gives a descriptor of it. It lives as long as that, or a process inside.
 * @param name what a person would call it
 */
export function* makeNamespace(name: string): Procedure<Known> {
  const calls = [call('unshare', [cloneFlags.CLONE_NEWNET]), call('openat', [AT_FDCWD, '/proc/thread-self/ns/net', openFlags.O_CLOEXEC, 0])];
  const child = inChild(calls, 'netns', 'descriptor');
  return yield* step<Known>({
    id: 'network.namespace',
    what: 'Make a network namespace',
    calls: [child],
    inside: [childStep('network.namespace.child', 'Enter a new network namespace and leave a descriptor of it behind', calls)],
    shell: `ip netns add ${name}\nexport NS_NETWORK=/run/netns/${name}`,
    shellUndo: `ip netns delete ${name}`,
    look: 'lsns -t net',
    undo: [call('close', [result(child)])],
    result: ([namespace]) => namespace!,
    unknown: new Unknown('netns'),
  });
}

/**
 * Opens a netlink socket, by default of rtnetlink, in a namespace; it is closed when the procedure ends.
 * @param namespace a descriptor of it, such as of /proc/PID/ns/net; stays the caller's
 */
export function* enterNamespace(namespace: Known, family: NetlinkFamily = 'NETLINK_ROUTE'): Procedure<Known> {
  const calls = [call('setns', [namespace, cloneFlags.CLONE_NEWNET]), socketCall(family)];
  const child = inChild(calls, 'netlink', 'descriptor');
  return yield* step<Known>({
    id: 'network.enter',
    what: 'Open a netlink socket in the network namespace',
    calls: [child],
    inside: [childStep('network.enter.child', 'Enter the namespace and leave a socket of it behind', calls)],
    shell: '# each of the next commands enters the namespace by itself',
    look: 'lsns -t net',
    finally: [call('close', [result(child)])],
    result: ([netlink]) => netlink!,
    unknown: new Unknown('netlink'),
  });
}

const childStep = (id: string, what: string, calls: readonly Call[]): Step => ({
  id,
  what,
  calls,
  shell: '# By ip(8), in a process of its own.',
  look: 'lsns -t net',
  undone: 'leaves a descriptor, which the step that it is part of closes',
});

/**
 * A child that makes the calls and exits, as one call: its value is what the last of them returned, such as a descriptor that is ours.
 * @param gives what that is, where it is told
 */
export function inChild(calls: readonly Call[], label: string, gives?: string): Call {
  const flags = new Struct('{flags=CLONE_VM|CLONE_VFORK|CLONE_FILES}', new Uint8Array(cloneArgsLayout.size));
  let detail: string | undefined;
  return call('clone3', [flags, cloneArgsLayout.size], {
    label,
    ...(gives === undefined ? {} : { gives }),
    failureDetail: () => detail,
    perform: (_resolve, rewrite) => {
      try {
        return runInChild(calls, 0, rewrite).at(-1)!;
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        const failed = calls.find((c) => describeCall(c) === error.call);
        detail = failed && `in the child, ${error.call}`;
        return -error.errno;
      }
    },
  });
}
