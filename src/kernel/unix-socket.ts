/** Unix sockets: connected pairs, and descriptors sent over them. See unix(7), cmsg(3). */
import { closeSync } from 'node:fs';
import { call, Struct } from './call.ts';
import { errno, KernelError } from './errno.ts';
import { addressFamilies, AT_FDCWD, openFlags, socketTypes } from './flags.ts';
import { must, performNow } from './perform.ts';

/** A connected pair of stream sockets, close-on-exec. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  must(call('socketpair', [addressFamilies.AF_UNIX, socketTypes.SOCK_STREAM | socketTypes.SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)]));
  return [pair[0]!, pair[1]!];
}

/**
 * A stream socket that is connected to the one at a path, close-on-exec; nothing waits on it for the other side.
 * @param path of any length; links are followed, as the caller meant
 * @throws KernelError where there is none, or nobody listens (EAGAIN: nobody accepts)
 */
export function connectSocket(path: string): number {
  // By its descriptor: the address of a socket has room for 107 bytes.
  const file = must(call('openat', [AT_FDCWD, path, openFlags.O_PATH | openFlags.O_CLOEXEC, 0]));
  const socket = must(call('socket', [addressFamilies.AF_UNIX, socketTypes.SOCK_STREAM | socketTypes.SOCK_CLOEXEC | socketTypes.SOCK_NONBLOCK, 0]));
  const address = socketAddress(`/proc/self/fd/${file}`);
  const connected = performNow(call('connect', [socket, address, address.bytes.length]));
  closeSync(file);
  if (connected === 0) return socket;
  closeSync(socket);
  throw new KernelError(`connect to ${path}`, -connected);
}

/** A struct sockaddr_un. */
function socketAddress(path: string): Struct {
  const name = Buffer.from(`${path}\0`);
  const bytes = new Uint8Array(2 + name.length);
  new DataView(bytes.buffer).setUint16(0, addressFamilies.AF_UNIX, true);
  bytes.set(name, 2);
  return new Struct(`{sa_family=AF_UNIX, sun_path=${JSON.stringify(path)}}`, bytes);
}

/** A msghdr with room for some data, one byte unless given, and one descriptor. */
export function messageBuffer(data: Uint8Array = new Uint8Array(1)): Struct {
  const vector = new Struct('iov', new Uint8Array(16), [[0, data]]);
  new DataView(vector.bytes.buffer).setBigUint64(8, BigInt(data.length), true);
  const ancillary = new Uint8Array(24);
  const header = new Struct('msghdr', new Uint8Array(56), [
    [16, vector],
    [32, ancillary],
  ]);
  const view = new DataView(header.bytes.buffer);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(40, BigInt(ancillary.length), true);
  return header;
}

/**
 * Sends a descriptor over a unix socket (SCM_RIGHTS), with some data, one byte unless given. See unix(7).
 * @throws KernelError, EMSGSIZE where the socket does not take all at once
 */
export function sendDescriptor(socket: number, fd: number, data?: Uint8Array): void {
  const header = messageBuffer(data);
  const ancillary = header.pointers[1]![1] as Uint8Array;
  const view = new DataView(ancillary.buffer);
  view.setBigUint64(0, 20n, true); // cmsg_len: header and one int
  view.setInt32(8, 1, true); // SOL_SOCKET
  view.setInt32(12, 1, true); // SCM_RIGHTS
  view.setInt32(16, fd, true);
  const sent = must(call('sendmsg', [socket, header, MSG_NOSIGNAL]));
  if (data && sent < data.length) throw new KernelError(`sendmsg of ${data.length} bytes`, errno.EMSGSIZE);
}

const MSG_NOSIGNAL = 0x4000;
