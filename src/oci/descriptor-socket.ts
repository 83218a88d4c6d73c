/**
 * A unix socket on which a caller is given a descriptor: the terminal's master (`--console-socket`), as conmon and containerd's shim
 * listen on one, or a pidfd (`--pidfd-socket`). Nothing here waits for the caller: one that does not listen, or takes nothing, is an error.
 */
import { closeSync } from 'node:fs';
import { errno, errnoMessage, KernelError } from '../kernel/errno.ts';
import { connectSocket, sendDescriptor } from '../kernel/unix-socket.ts';
import { OciError } from './error.ts';

/** A socket that is connected. */
export interface DescriptorSocket {
  /** @throws KernelError */
  send(fd: number): void;
  close(): void;
}

/** What they mean here. */
const reasons = new Map([
  [errno.EAGAIN, 'nobody accepts connections on it'],
  [errno.ECONNREFUSED, 'nobody listens on it'],
  [errno.EPROTOTYPE, 'it is not a stream socket'],
]);

/**
 * Connects to the socket.
 * @param path of any length; links are followed, as the caller meant
 * @param what the caller calls it: `console socket`
 * @throws OciError where there is none, or nobody listens
 */
export function connectTo(path: string, what: string): DescriptorSocket {
  let socket: number;
  try {
    socket = connectSocket(path);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const reason = reasons.get(error.errno) ?? errnoMessage(error.errno);
    throw new OciError(`the ${what} ${path} cannot be used: ${reason} (${error.code})`);
  }
  return { send: (fd) => sendDescriptor(socket, fd), close: () => closeSync(socket) };
}
