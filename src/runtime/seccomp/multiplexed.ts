/**
 * On i386, sockets and System V IPC can be reached in two ways: by their own calls, and through the old multiplexers
 * socketcall(2) and ipc(2), whose first argument selects the call. A rule for `bind` has to hold on both.
 */
import type { Condition } from './conditions.ts';

const selectors: Readonly<Record<'socketcall' | 'ipc', Readonly<Record<string, number>>>> = {
  // include/uapi/linux/net.h, SYS_SOCKET and on
  socketcall: {
    socket: 1,
    bind: 2,
    connect: 3,
    listen: 4,
    accept: 5,
    getsockname: 6,
    getpeername: 7,
    socketpair: 8,
    send: 9,
    recv: 10,
    sendto: 11,
    recvfrom: 12,
    shutdown: 13,
    setsockopt: 14,
    getsockopt: 15,
    sendmsg: 16,
    recvmsg: 17,
    accept4: 18,
    recvmmsg: 19,
    sendmmsg: 20,
  },
  // include/uapi/linux/ipc.h, SEMOP and on
  ipc: { semop: 1, semget: 2, semctl: 3, semtimedop: 4, msgsnd: 11, msgrcv: 12, msgget: 13, msgctl: 14, shmat: 21, shmdt: 22, shmget: 23, shmctl: 24 },
};

/** The multiplexer that also makes the call `name`, and the condition on its first argument that selects it. */
export function multiplexed(name: string): { readonly name: string; readonly selects: Condition } | undefined {
  const socket = selectors.socketcall[name];
  if (socket !== undefined) return { name: 'socketcall', selects: { index: 0, op: 'SCMP_CMP_EQ', value: BigInt(socket), valueTwo: 0n } };
  const ipc = selectors.ipc[name];
  // ipc's upper half is a version, which does not change the call.
  if (ipc !== undefined) return { name: 'ipc', selects: { index: 0, op: 'SCMP_CMP_MASKED_EQ', value: 0xffffn, valueTwo: BigInt(ipc) } };
  return undefined;
}
