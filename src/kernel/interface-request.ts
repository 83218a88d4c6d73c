/** struct ifreq: what ioctl(2) takes and gives of a network interface. See netdevice(7). */

export const IFF_UP = 1;
/** Where its flags are, a short. */
export const interfaceFlagsAt = 16;

/** A request about an interface, without anything in it but the name. */
export function interfaceRequest(name: string): Uint8Array {
  const request = new Uint8Array(40);
  request.set(Buffer.from(name));
  return request;
}
