/**
 * A netlink socket, and requests on it with their acknowledgements. The kernel handles a request inside sendto(2) and
 * queues every answer before that returns, so nothing here waits for a message. See netlink(7).
 */
import { rawSyscallAsync } from '../ffi.ts';
import { call, Struct, Unknown, type Call, type CallOptions, type Known } from '../call.ts';
import { errno, KernelError } from '../errno.ts';
import { addressFamilies, socketTypes } from '../flags.ts';
import { must, performNow } from '../perform.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  describeMessages,
  encodeMessages,
  isSendable,
  messageFlags,
  NLMSG_DONE,
  NLMSG_ERROR,
  type Message,
  type Reply,
} from './message.ts';

const netlinkFamilies = { NETLINK_ROUTE: 0, NETLINK_NETFILTER: 12 } as const;
export type NetlinkFamily = keyof typeof netlinkFamilies;

const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_DONTWAIT = 0x40;
const one = new Uint8Array(Uint32Array.of(1).buffer);

/** The call that opens a netlink socket; in a child's table it opens one in the namespace that the child has joined. */
export const socketCall = (family: NetlinkFamily): Call =>
  call('socket', [addressFamilies.AF_NETLINK, socketTypes.SOCK_RAW | socketTypes.SOCK_CLOEXEC, netlinkFamilies[family]], { label: 'netlink' });

/** Reads the value of a call from the replies to it. */
type Answer = (replies: readonly Reply[]) => number;

/** What a transaction came to: its value or a negative errno, and what the kernel said of a failure beside that. */
interface Outcome {
  readonly value: number;
  readonly detail?: string | undefined;
}

/**
 * Every request asks to be acknowledged, but in an nf_tables batch only the last change does: errors arrive unasked, and a
 * large batch must not fill the socket with acknowledgements.
 */
const isAcknowledged = (messages: readonly Message[], index: number): boolean => messages[0]?.name !== 'NFNL_MSG_BATCH_BEGIN' || index === messages.length - 2;

/** A socket of one netlink family in one network namespace. Not opened before its first use. */
export class NetlinkSocket {
  readonly family: NetlinkFamily;
  readonly #given: Known | undefined;
  #fd: number | undefined;
  #buffer: Uint8Array | undefined;
  /** A second socket, for requests that run on another thread: answers queue on the socket that asked. */
  #background: NetlinkSocket | undefined;
  /** The last request on the other thread; they take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param fd a socket that is open already, in whatever namespace; absent: one is opened in ours */
  constructor(family: NetlinkFamily, fd?: Known) {
    this.family = family;
    this.#given = fd;
  }

  /**
   * The call that sends requests in one datagram and takes their acknowledgements. It returns 0, or the negative errno of
   * the first request that failed. An nf_tables batch takes effect whole or not at all; rtnetlink requests each for itself.
   * @param options.answer reads the call's value from the replies of a request that asks for something
   * @param options.onThread make it on another thread: for requests in which the kernel waits (an interface that is unregistered);
   *   only for a socket of our own namespace
   */
  call(messages: readonly Message[], options: CallOptions & { readonly onThread?: boolean; readonly answer?: Answer } = {}): Call {
    const { onThread = false, answer, ...rest } = options;
    const data = encodeMessages(messages, 1, (_, i) => (isAcknowledged(messages, i) ? messageFlags.NLM_F_ACK : 0));
    const sendable = isSendable(messages);
    const text = describeMessages(messages);
    let detail: string | undefined;
    const settle = (outcome: Outcome): number => {
      detail = outcome.detail;
      return outcome.value;
    };
    return call('sendto', [this.#label(), new Struct(text, data), data.length, 0, null, 0], {
      ...rest,
      failureDetail: () => detail,
      perform: () => {
        if (!sendable) throw new Error(`${text} has a value that is not known: an explanation can't be performed`);
        return onThread ? this.#onThread(data, answer).then(settle) : settle(this.#transact(data, answer));
      },
    });
  }

  /**
   * Asks for a list (NLM_F_DUMP).
   * @throws KernelError when the kernel refuses
   */
  dump(message: Message): Reply[] {
    this.#drain();
    const data = encodeMessages([message], 1, () => messageFlags.NLM_F_DUMP);
    const sent = performNow(call('sendto', [this.#open(), data, data.length, 0, null, 0]));
    if (sent < 0) throw new KernelError(`sendto(${describeMessages([message])})`, -sent);
    const replies: Reply[] = [];
    for (;;) {
      const received = this.#receive();
      if (typeof received === 'number') throw new KernelError(`recvfrom(${this.family}) of ${message.name}`, -received);
      for (const reply of received) {
        if (reply.type === NLMSG_DONE) return replies;
        if (reply.type === NLMSG_ERROR) throw new KernelError(`sendto(${describeMessages([message])})`, decodeAcknowledgement(reply).errno);
        replies.push(reply);
      }
    }
  }

  /** Closes the socket, if it was opened here. */
  close(): void {
    this.#background?.close();
    if (this.#fd !== undefined && this.#given === undefined) performNow(call('close', [this.#fd]));
    this.#fd = undefined;
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    if (this.#given instanceof Unknown) throw new Error(`the socket ${this.#given} is not known: an explanation can't be performed`);
    const fd = this.#given ?? must(socketCall(this.family));
    // Errors are to come with the kernel's own sentence, and without the whole request quoted.
    performNow(call('setsockopt', [fd, SOL_NETLINK, NETLINK_EXT_ACK, one, one.length]));
    performNow(call('setsockopt', [fd, SOL_NETLINK, NETLINK_CAP_ACK, one, one.length]));
    this.#fd = fd;
    return fd;
  }

  #label(): Known {
    return this.#given ?? new Unknown(this.family === 'NETLINK_ROUTE' ? 'rtnetlink' : 'nfnetlink');
  }

  #transact(data: Uint8Array, answer?: Answer): Outcome {
    const fd = this.#open();
    this.#drain();
    const sent = performNow(call('sendto', [fd, data, data.length, 0, null, 0]));
    return sent < 0 ? { value: sent } : this.#collect(answer);
  }

  #onThread(data: Uint8Array, answer?: Answer): Promise<Outcome> {
    const socket = (this.#background ??= new NetlinkSocket(this.family, this.#given));
    const turn = socket.#turn.then(async () => {
      const fd = socket.#open();
      socket.#drain();
      const sent = await rawSyscallAsync('sendto', fd, data, data.length, 0, null, 0);
      return sent < 0 ? { value: sent } : socket.#collect(answer);
    });
    socket.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Reads what the kernel has queued: the first error, else the answer. */
  #collect(answer?: Answer): Outcome {
    const replies: Reply[] = [];
    let failure: ReturnType<typeof decodeAcknowledgement> | undefined;
    let acknowledged = false;
    for (let received = this.#receive(); received !== -errno.EAGAIN; received = this.#receive()) {
      if (typeof received === 'number') return { value: received };
      for (const reply of received) {
        if (reply.type !== NLMSG_ERROR) {
          replies.push(reply);
          continue;
        }
        const acknowledgement = decodeAcknowledgement(reply);
        if (acknowledgement.errno) failure ??= acknowledgement;
        else acknowledged = true;
      }
    }
    if (failure) return { value: -failure.errno, detail: failure.text };
    if (!acknowledged) return { value: -errno.EPROTO, detail: 'the kernel sent no acknowledgement' };
    return { value: answer ? answer(replies) : 0 };
  }

  /** Takes away what a transaction that broke off left behind. */
  #drain(): void {
    while (typeof this.#receive() !== 'number');
  }

  #receive(): Reply[] | number {
    this.#buffer ??= new Uint8Array(64 * 1024);
    const length = performNow(call('recvfrom', [this.#open(), this.#buffer, this.#buffer.length, MSG_DONTWAIT, null, null]));
    return length < 0 ? length : [...decodeMessages(this.#buffer.slice(0, length))];
  }
}
