/** What traced programs write and are told, read from their memory: messages on standard error, and errors inside netlink answers. */
import { errnoName } from '../../kernel/errno.ts';
import type { TracedThread } from './thread.ts';

const mostText = 4096;

/** The text of a write(2) or writev(2). @param written bytes that the kernel took */
export function stringsWritten(thread: TracedThread, name: string, args: readonly bigint[], written: number): string {
  const length = Math.min(written, mostText);
  if (name === 'write') return thread.bytes(args[1] ?? 0n, length).toString('utf8');
  return vectors(thread, args[1] ?? 0n, Number(args[2] ?? 0n), length).toString('utf8');
}

/** The bytes of an array of struct iovec. */
function vectors(thread: TracedThread, address: bigint, count: number, length: number): Buffer {
  const parts: Buffer[] = [];
  let left = length;
  for (let i = 0; i < Math.min(count, 64) && left > 0; i++) {
    const vector = thread.bytes(address + BigInt(16 * i), 16);
    if (vector.length < 16) break;
    const part = thread.bytes(vector.readBigUInt64LE(0), Math.min(left, Number(vector.readBigUInt64LE(8))));
    parts.push(part);
    left -= part.length;
  }
  return Buffer.concat(parts);
}

/** Requests of rtnetlink that people meet, by number. include/uapi/linux/rtnetlink.h */
const requests: Readonly<Record<number, string>> = {
  16: 'RTM_NEWLINK',
  17: 'RTM_DELLINK',
  19: 'RTM_SETLINK',
  20: 'RTM_NEWADDR',
  21: 'RTM_DELADDR',
  24: 'RTM_NEWROUTE',
  25: 'RTM_DELROUTE',
  28: 'RTM_NEWNEIGH',
  32: 'RTM_NEWRULE',
  36: 'RTM_NEWQDISC',
};

/** A netlink request that the kernel refused in its answer (NLMSG_ERROR): the system call itself went well. */
export function netlinkRefusal(
  thread: TracedThread,
  name: string,
  args: readonly bigint[],
  received: number,
): { readonly text: string; readonly errno: number; readonly error: string } | undefined {
  const length = Math.min(received, 256);
  const bytes = name === 'recvfrom' ? thread.bytes(args[1] ?? 0n, length) : messageBytes(thread, args[1] ?? 0n, length);
  const [NLMSG_ERROR, header, whole] = [2, 16, 36];
  if (bytes.length < whole || bytes.readUInt16LE(4) !== NLMSG_ERROR) return undefined;
  const errno = -bytes.readInt32LE(header);
  if (errno <= 0) return undefined;
  const request = bytes.readUInt16LE(header + 4 + 4);
  return { text: `netlink ${requests[request] ?? `request ${request}`}`, errno, error: errnoName(errno) };
}

/** Of struct msghdr: the name, its length, then the vectors. */
function messageBytes(thread: TracedThread, address: bigint, length: number): Buffer {
  const header = thread.bytes(address, 32);
  return header.length < 32 ? header.subarray(0, 0) : vectors(thread, header.readBigUInt64LE(16), Number(header.readBigUInt64LE(24)), length);
}
