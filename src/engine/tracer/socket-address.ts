/** Socket addresses as programs hand them to bind(2) and connect(2). See ip(7), ipv6(7), unix(7). */

/** An address, as far as it is understood. */
export interface SocketAddress {
  readonly family: 'inet' | 'inet6' | 'unix' | 'netlink' | 'other';
  /** Of IP; a path of unix, where an abstract name begins with @. */
  readonly address: string;
  readonly port: number;
}

/** Reads struct sockaddr. */
export function socketAddress(bytes: Buffer): SocketAddress {
  const family = bytes.length >= 2 ? bytes.readUInt16LE(0) : -1;
  if (family === 2 && bytes.length >= 8) return { family: 'inet', port: bytes.readUInt16BE(2), address: [...bytes.subarray(4, 8)].join('.') };
  if (family === 10 && bytes.length >= 24) {
    const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(8 + 2 * i).toString(16));
    return { family: 'inet6', port: bytes.readUInt16BE(2), address: groups.join(':').replace(/(^|:)0(:0)+(:|$)/, '::') };
  }
  if (family === 1) {
    const path = bytes.subarray(2);
    const abstract = path[0] === 0;
    const end = path.indexOf(0, abstract ? 1 : 0);
    const name = path.toString('utf8', abstract ? 1 : 0, end < 0 ? path.length : end);
    return { family: 'unix', port: 0, address: abstract ? `@${name}` : name };
  }
  return { family: family === 16 ? 'netlink' : 'other', port: 0, address: '' };
}

/** `{AF_INET, 127.0.0.1:80}` */
export function addressText(bytes: Buffer): string {
  const { family, address, port } = socketAddress(bytes);
  if (family === 'inet') return `{AF_INET, ${address}:${port}}`;
  if (family === 'inet6') return `{AF_INET6, [${address}]:${port}}`;
  if (family === 'unix') return `{AF_UNIX, ${JSON.stringify(address)}}`;
  return family === 'netlink' ? '{AF_NETLINK}' : '{…}';
}
