/**
 * Netlink messages as data (struct nlmsghdr): what is sent is encoded from it, what is explained prints from it.
 * See netlink(7) and include/uapi/linux/netlink.h.
 */
import { align, Attributes, describeAttribute, encodeAttributes, hasUnknown, type Attribute } from './attribute.ts';

/** One request. */
export interface Message {
  /** The message type's name, as in the kernel's headers: `RTM_NEWLINK`. */
  readonly name: string;
  readonly type: number;
  /** Flags beside NLM_F_REQUEST and NLM_F_ACK, which the sender sets. */
  readonly flags: number;
  /** The family's own header (struct ifinfomsg, struct nfgenmsg, …). */
  readonly header: Uint8Array;
  /** What is to be told of the header, such as `index=3`; empty where nothing is. */
  readonly headerText: string;
  readonly attributes: readonly Attribute[];
  /** The header itself waits for a value of the kernel's. */
  readonly unknown?: boolean;
}

export const messageFlags = {
  NLM_F_REQUEST: 1,
  NLM_F_MULTI: 2,
  NLM_F_ACK: 4,
  NLM_F_DUMP: 0x300,
  NLM_F_EXCL: 0x200,
  NLM_F_CREATE: 0x400,
  NLM_F_APPEND: 0x800,
} as const;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
const headerSize = 16;

/** `{RTM_NEWLINK, NLM_F_CREATE|NLM_F_EXCL, ifname="veth1", …}`. */
function describeMessage(m: Message): string {
  const flags = [
    m.flags & messageFlags.NLM_F_CREATE && 'NLM_F_CREATE',
    m.flags & messageFlags.NLM_F_EXCL && 'NLM_F_EXCL',
    m.flags & messageFlags.NLM_F_APPEND && 'NLM_F_APPEND',
  ];
  const named = m.flags & messageFlags.NLM_F_CREATE ? flags.filter(Boolean).join('|') : '';
  return `{${[m.name, named, m.headerText, ...m.attributes.map(describeAttribute)].filter(Boolean).join(', ')}}`;
}

/** One message alone, several as a list. */
export function describeMessages(messages: readonly Message[]): string {
  return messages.length === 1 ? describeMessage(messages[0]!) : `[${messages.map(describeMessage).join(', ')}]`;
}

/** Whether all values are known, so that it can be sent. */
export function isSendable(messages: readonly Message[]): boolean {
  return !messages.some((m) => m.unknown === true || hasUnknown(m.attributes));
}

/**
 * Messages in one buffer, as one sendto(2) takes them.
 * @param sequence of the first message; the others count up from it
 * @param extraFlags what is or-ed to the flags of each message
 */
export function encodeMessages(messages: readonly Message[], sequence: number, extraFlags: (m: Message, index: number) => number): Uint8Array {
  const bodies = messages.map((m) => encodeAttributes(m.attributes));
  const sizes = messages.map((m, i) => headerSize + align(m.header.length) + bodies[i]!.length);
  const out = new Uint8Array(sizes.reduce((a, b) => a + b, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  messages.forEach((m, i) => {
    view.setUint32(at, sizes[i]!, true);
    view.setUint16(at + 4, m.type, true);
    view.setUint16(at + 6, m.flags | messageFlags.NLM_F_REQUEST | extraFlags(m, i), true);
    view.setUint32(at + 8, sequence + i, true);
    out.set(m.header, at + headerSize);
    out.set(bodies[i]!, at + headerSize + align(m.header.length));
    at += sizes[i]!;
  });
  return out;
}

/** A received message, undecoded. */
export interface Reply {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** The messages in a received buffer. */
export function* decodeMessages(buffer: Uint8Array): Generator<Reply> {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  for (let at = 0; at + headerSize <= buffer.length;) {
    const length = view.getUint32(at, true);
    if (length < headerSize || at + length > buffer.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: buffer.subarray(at + headerSize, at + length),
    };
    at += align(length);
  }
}

/** An acknowledgement or an error (struct nlmsgerr). `errno` is positive, 0 for an acknowledgement; `text` is the kernel's own sentence, if it gave one. */
export function decodeAcknowledgement(reply: Reply): { readonly errno: number; readonly text: string | undefined } {
  const view = new DataView(reply.body.buffer, reply.body.byteOffset, reply.body.length);
  const errno = -view.getInt32(0, true);
  if (!(reply.flags & NLM_F_ACK_TLVS)) return { errno, text: undefined };
  // The request's header follows, and its payload too unless the reply is capped; then the attributes.
  const quoted = reply.flags & NLM_F_CAPPED || errno === 0 ? headerSize : align(view.getUint32(4, true));
  return { errno, text: new Attributes(reply.body.subarray(4 + quoted)).string(NLMSGERR_ATTR_MSG) };
}
