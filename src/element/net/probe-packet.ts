/**
 * The packets of a probe: a TCP SYN, a UDP datagram or an ICMP echo with a mark that no translation of addresses touches (TCP's
 * sequence number, or the payload), and how the mark is found again, by the kernel and by us. See ip(7), packet(7), RFC 9293.
 */
import { Struct } from '../../kernel/call.ts';
import { ipv4Bytes, ipv4Text } from '../../kernel/netlink/attribute.ts';
import { compare, immediate, meta, payload, trace, type Expression } from '../../kernel/netlink/nft-expression.ts';
import { protocolNumbers, type Protocol } from './flow.ts';

export interface ProbePacket {
  readonly protocol: Protocol;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** 32 bits that this packet alone has. */
  readonly mark: number;
}

/** Offsets in the transport header. TCP carries the mark as its sequence number; an answer acknowledges it plus one. */
const markAt = { tcp: 4, udp: 8, icmp: 8 } as const;
const TCP_ACK_AT = 8;
const word = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};
const after = (mark: number): number => (mark + 1) >>> 0;

/** The whole IPv4 packet; the kernel fills in the header's checksum and identification. */
export function packetBytes(p: ProbePacket): Uint8Array {
  const text = Buffer.from('hako net probe');
  const length = p.protocol === 'tcp' ? 20 : 12 + text.length;
  const packet = new Uint8Array(20 + length);
  const view = new DataView(packet.buffer);
  view.setUint16(0, 0x4500);
  view.setUint16(2, packet.length);
  view.setUint16(8, (64 << 8) | protocolNumbers[p.protocol]);
  packet.set(ipv4Bytes(p.source), 12);
  packet.set(ipv4Bytes(p.destination), 16);
  if (p.protocol === 'icmp') {
    view.setUint8(20, 8); // echo request
    view.setUint16(24, p.sourcePort);
    view.setUint16(26, 1);
  } else {
    view.setUint16(20, p.sourcePort);
    view.setUint16(22, p.destinationPort);
    if (p.protocol === 'udp') view.setUint16(24, length);
    else {
      view.setUint16(32, (5 << 12) | 2); // five words of header, SYN
      view.setUint16(34, 64240);
    }
  }
  view.setUint32(20 + markAt[p.protocol], p.mark);
  if (p.protocol !== 'tcp') packet.set(text, 32);
  const checksumAt = p.protocol === 'tcp' ? 36 : p.protocol === 'udp' ? 26 : 22;
  view.setUint16(checksumAt, checksum(packet, p.protocol, length));
  return packet;
}

function checksum(packet: Uint8Array, protocol: Protocol, length: number): number {
  const pseudo = protocol === 'icmp' ? [] : [...packet.subarray(12, 20), 0, protocolNumbers[protocol], length >> 8, length & 255];
  const bytes = [...pseudo, ...packet.subarray(20)];
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff || 0xffff;
}

/** struct sockaddr_in */
export function internetAddress(address: string, port: number): Struct {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 2, true);
  view.setUint16(2, port);
  bytes.set(ipv4Bytes(address), 4);
  return new Struct(`{AF_INET, ${address}${port ? `:${port}` : ''}}`, bytes);
}

/** Rules that mark the probe itself, and its answer, for tracing. */
export function traceRules(p: ProbePacket): { readonly probe: readonly Expression[]; readonly answer: readonly Expression[] } {
  const protocol = [meta('l4proto'), compare('eq', Uint8Array.of(protocolNumbers[p.protocol]), p.protocol)];
  const on = [immediate(Uint8Array.of(1), '1'), trace()];
  const marked = [...protocol, payload('transport', markAt[p.protocol], 4), compare('eq', word(p.mark))];
  if (p.protocol === 'tcp')
    return { probe: [...marked, ...on], answer: [...protocol, payload('transport', TCP_ACK_AT, 4), compare('eq', word(after(p.mark))), ...on] };
  if (p.protocol === 'udp')
    return { probe: [...marked, ...on], answer: [...protocol, payload('transport', 2, 2), compare('eq', word(p.sourcePort).subarray(2)), ...on] };
  const type = (value: number): Expression[] => [payload('transport', 0, 1), compare('eq', Uint8Array.of(value))];
  return { probe: [...marked, ...type(8), ...on], answer: [...marked, ...type(0), ...on] };
}

interface Instruction {
  readonly code: number;
  readonly k: number;
  /** How many instructions are skipped if true and if false. */
  readonly jt?: number;
  readonly jf?: number;
}

const LD_B_ABS = 0x30;
const LDX_HEADER_LENGTH = 0xb1;
const LD_W_IND = 0x40;
const LD_H_IND = 0x48;
const JEQ = 0x15;
const RET = 0x06;

/** A socket filter (struct sock_fprog, for SO_ATTACH_FILTER) that lets the probe through, its answer, and ICMP errors that quote it. */
export function socketFilter(p: ProbePacket): Struct {
  const whenWord = (at: number, value: number): Instruction[] => [
    { code: LD_W_IND, k: at },
    { code: JEQ, k: value },
  ];
  const marked = whenWord(markAt[p.protocol], p.mark);
  const answer: Instruction[] =
    p.protocol === 'udp'
      ? [
          { code: LD_H_IND, k: 2 },
          { code: JEQ, k: p.sourcePort },
        ]
      : whenWord(TCP_ACK_AT, after(p.mark));
  // In the error: eight bytes of its own header, twenty of the quoted IP header.
  const quoted = whenWord(28 + markAt[p.protocol], p.mark);
  const own: Instruction[] = [
    { code: LD_B_ABS, k: 9 },
    { code: JEQ, k: protocolNumbers[p.protocol] },
  ];
  // A load beyond the packet's end ends the program with "no": what needs least of the packet comes first, such as an empty datagram's port.
  const rest = { tcp: [marked, answer], udp: [answer, marked], icmp: [marked, quoted] }[p.protocol];
  const error: Instruction[] = p.protocol === 'icmp' ? [] : [{ code: LD_B_ABS, k: 9 }, { code: JEQ, k: protocolNumbers.icmp }, ...quoted];
  const body: Instruction[] = [{ code: LDX_HEADER_LENGTH, k: 0 }];
  const size = 1 + 2 + rest.length * 2 + error.length;
  const accept = size;
  const refuse = size + 1;
  const push = (i: Instruction, whenTrue?: number, whenFalse?: number): void => {
    const next = body.length + 1;
    body.push(i.code === JEQ ? { ...i, jt: (whenTrue ?? next) - next, jf: (whenFalse ?? next) - next } : i);
  };
  const errorAt = 1 + 2 + rest.length * 2;
  push(own[0]!);
  push(own[1]!, undefined, error.length ? errorAt : refuse);
  rest.forEach((check, n) => {
    push(check[0]!);
    push(check[1]!, accept, n === rest.length - 1 ? refuse : undefined);
  });
  if (error.length) {
    push(error[0]!);
    push(error[1]!, undefined, refuse);
    push(error[2]!);
    push(error[3]!, accept, refuse);
  }
  body.push({ code: RET, k: 0xffff }, { code: RET, k: 0 });
  const filter = new Uint8Array(body.length * 8);
  const view = new DataView(filter.buffer);
  body.forEach((i, n) => {
    view.setUint16(n * 8, i.code, true);
    view.setUint8(n * 8 + 2, i.jt ?? 0);
    view.setUint8(n * 8 + 3, i.jf ?? 0);
    view.setUint32(n * 8 + 4, i.k, true);
  });
  const program = new Uint8Array(16);
  new DataView(program.buffer).setUint16(0, body.length, true);
  return new Struct(`{${body.length} instructions: mark 0x${p.mark.toString(16)}}`, program, [[8, filter]]);
}

/** What a packet that the filter let through is. */
export interface Recognised {
  readonly what: 'probe' | 'answer' | 'error';
  /** `SYN-ACK`, `RST`, `echo reply`, `port unreachable`, … */
  readonly detail: string;
  readonly source: string;
  readonly destination: string;
  /** Of ICMP the id. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

const unreachable: Readonly<Record<number, string>> = {
  0: 'network unreachable',
  1: 'host unreachable',
  2: 'protocol unreachable',
  3: 'port unreachable',
  4: 'fragmentation needed',
  9: 'network administratively prohibited',
  10: 'host administratively prohibited',
  13: 'communication administratively prohibited',
};

/** Reads an IPv4 packet that the filter let through; undefined for one that is no part of the probe, or too short to tell. */
export function recognise(bytes: Uint8Array, p: ProbePacket): Recognised | undefined {
  const transport = (bytes[0]! & 15) * 4;
  if (bytes.length < transport + 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const wordAt = (at: number): number | undefined => (bytes.length < transport + at + 4 ? undefined : view.getUint32(transport + at));
  const protocol = bytes[9];
  const isIcmp = protocol === protocolNumbers.icmp;
  const ends = {
    source: ipv4Text(bytes.subarray(12)),
    destination: ipv4Text(bytes.subarray(16)),
    sourcePort: view.getUint16(transport + (isIcmp ? 4 : 0)),
    destinationPort: isIcmp ? 0 : view.getUint16(transport + 2),
  };
  if (isIcmp) {
    const [type, code] = [bytes[transport]!, bytes[transport + 1]!];
    if (type === 8) return { what: 'probe', detail: 'echo request', ...ends };
    if (type === 0) return { what: 'answer', detail: 'echo reply', ...ends };
    return { what: 'error', detail: type === 3 ? (unreachable[code] ?? `unreachable (${code})`) : type === 11 ? 'time exceeded' : `ICMP ${type}`, ...ends };
  }
  if (protocol !== protocolNumbers[p.protocol]) return undefined;
  if (wordAt(markAt[p.protocol]) === p.mark) return { what: 'probe', detail: p.protocol === 'tcp' ? 'SYN' : 'datagram', ...ends };
  if (p.protocol === 'udp') return { what: 'answer', detail: 'datagram', ...ends };
  const flags = bytes[transport + 13];
  // Our own kernel, which knows nothing of the connection, resets it: that RST is no answer.
  if (flags === undefined || wordAt(TCP_ACK_AT) !== after(p.mark)) return undefined;
  return { what: 'answer', detail: flags & 4 ? 'RST' : 'SYN-ACK', ...ends };
}
