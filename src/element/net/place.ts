/**
 * A network namespace opened for reading: netlink sockets in it, and its files of /proc. A child enters it and leaves the
 * descriptors behind, since a thread of Node's must never change its own. See setns(2).
 */
import { closeSync, readSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { errno, errnoMessage, KernelError } from '../../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../../kernel/flags.ts';
import { runInChild } from '../../kernel/launch/child.ts';
import { NetlinkSocket, socketCall } from '../../kernel/netlink/socket.ts';
import { ElementError } from '../interpret.ts';
import { heldOf, type NetworkNamespace } from './namespaces.ts';

export class Place {
  readonly namespace: NetworkNamespace;
  /** The descriptor that the namespace is held by. */
  readonly fd: number;
  readonly route: NetlinkSocket;
  readonly netfilter: NetlinkSocket;
  readonly #sockets: readonly number[];

  /** @throws ElementError where it is gone, or not ours to enter */
  constructor(namespace: NetworkNamespace) {
    this.namespace = namespace;
    this.fd = heldOf(namespace).fd;
    try {
      this.#sockets = this.run([socketCall('NETLINK_ROUTE'), socketCall('NETLINK_NETFILTER')]);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      const advice = error.errno === errno.EPERM || error.errno === errno.EACCES ? '; run hako as root' : '';
      throw new ElementError(
        `the network namespace ${namespace.label} cannot be entered: ${error.call}: ${errnoMessage(error.errno)} (${error.code})${advice}`,
      );
    }
    this.route = new NetlinkSocket('NETLINK_ROUTE', this.#sockets[0]);
    this.netfilter = new NetlinkSocket('NETLINK_NETFILTER', this.#sockets[1]);
  }

  /**
   * Makes calls in the namespace, in a child that shares our descriptors. The child is born in ours, which an ordinary user may look
   * into and not enter.
   * @returns their values
   * @throws KernelError
   */
  run(calls: Parameters<typeof runInChild>[0]): number[] {
    const enter = this.namespace.own ? [] : [call('setns', [this.fd, cloneFlags.CLONE_NEWNET])];
    return runInChild([...enter, ...calls]).slice(enter.length);
  }

  /** A file of /proc as it is in the namespace: /proc/sys/net/…, /proc/thread-self/net/…; undefined where there is none. */
  read(path: string): string | undefined {
    let fd: number;
    try {
      [fd] = this.run([call('openat', [AT_FDCWD, path, openFlags.O_CLOEXEC, 0])]) as [number];
    } catch {
      return undefined;
    }
    try {
      const chunks: Buffer[] = [];
      for (;;) {
        const chunk = Buffer.alloc(65536);
        const length = readSync(fd, chunk);
        if (length === 0) return Buffer.concat(chunks).toString();
        chunks.push(chunk.subarray(0, length));
      }
    } catch {
      return undefined;
    } finally {
      closeSync(fd);
    }
  }

  /** A kernel parameter of the network: `sysctl(['ipv4', 'ip_forward'])`. */
  sysctl(key: readonly string[]): string | undefined {
    return this.read(`/proc/sys/net/${key.join('/')}`)?.trim();
  }

  close(): void {
    for (const fd of this.#sockets) closeSync(fd);
  }
}
