/**
 * A network namespace opened for reading: netlink sockets in it, and its files of /proc. A child enters it and leaves the
 * descriptors behind, since a thread of Node's must never change its own. See setns(2).
 */
import { closeSync, readSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { errno, errnoMessage, KernelError } from '../../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../../kernel/flags.ts';
import { runInChild } from '../../kernel/launch/child.ts';
import { ownerOf } from '../../kernel/namespace.ts';
import { NetlinkSocket, socketCall } from '../../kernel/netlink/socket.ts';
import { ElementError } from '../interpret.ts';
import { heldOf, type NetworkNamespace } from './namespaces.ts';

export class Place {
  readonly namespace: NetworkNamespace;
  /** The descriptor that the namespace is held by. */
  readonly fd: number;
  readonly route: NetlinkSocket;
  readonly netfilter: NetlinkSocket;
  #sockets: readonly number[] = [];
  /** Descriptors of what is entered, with their flags, in this order. */
  #way: readonly (readonly [fd: number, flag: number])[];

  /** @throws ElementError where it is gone, or not ours to enter */
  constructor(namespace: NetworkNamespace) {
    this.namespace = namespace;
    this.fd = heldOf(namespace).fd;
    this.#way = namespace.own ? [] : [[this.fd, cloneFlags.CLONE_NEWNET]];
    try {
      this.#sockets = this.#open();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.close();
      const advice = error.errno === errno.EPERM || error.errno === errno.EACCES ? '; run hako as root' : '';
      throw new ElementError(
        `the network namespace ${namespace.label} cannot be entered: ${error.call}: ${errnoMessage(error.errno)} (${error.code})${advice}`,
      );
    }
    this.route = new NetlinkSocket('NETLINK_ROUTE', this.#sockets[0]);
    this.netfilter = new NetlinkSocket('NETLINK_NETFILTER', this.#sockets[1]);
  }

  /** An ordinary user enters a network namespace of theirs by the user namespace that owns it: only there they have CAP_SYS_ADMIN. */
  #open(): number[] {
    const sockets = [socketCall('NETLINK_ROUTE'), socketCall('NETLINK_NETFILTER')];
    try {
      return this.run(sockets);
    } catch (error) {
      const owner = error instanceof KernelError && error.errno === errno.EPERM && !this.namespace.own ? ownerOf(heldOf(this.namespace)) : -1;
      if (typeof owner === 'number') throw error;
      this.#way = [[owner.fd, cloneFlags.CLONE_NEWUSER], ...this.#way];
      return this.run(sockets);
    }
  }

  /**
   * Makes calls in the namespace, in a child that shares our descriptors. The child is born in ours, which an ordinary user may look
   * into and not enter.
   * @returns their values
   * @throws KernelError
   */
  run(calls: Parameters<typeof runInChild>[0]): number[] {
    const enter = this.#way.map(([fd, flag]) => call('setns', [fd, flag]));
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
    for (const [fd] of this.#way) if (fd !== this.fd) closeSync(fd);
  }
}
