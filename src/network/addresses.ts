/**
 * Which addresses of the bridge's subnet are taken. Kept in memory only: after a restart of the engine each container's
 * record says its address, and {@link AddressPool.reserve} puts it back.
 */
import { NetworkError } from './error.ts';
import { addressNumber, addressText, broadcastOf, contains, subnetText, type Subnet } from './subnet.ts';

/** The addresses of one subnet. */
export class AddressPool {
  readonly subnet: Subnet;
  readonly #taken = new Set<number>();
  readonly #last: number;
  #next: number;

  /** @param gateway the bridge's own address, which is never given out */
  constructor(subnet: Subnet, gateway: string) {
    this.subnet = subnet;
    this.#last = addressNumber(broadcastOf(subnet)) - 1;
    this.#next = subnet.base + 1;
    this.#taken.add(addressNumber(gateway));
  }

  /**
   * Takes the next free address. Addresses go round, so that one just released is not another container's at once: what
   * neighbours and connection tracking remember of it has time to pass.
   * @throws NetworkError when the subnet is full
   */
  allocate(): string {
    const first = this.subnet.base + 1;
    for (let tried = first; tried <= this.#last; tried++) {
      const candidate = this.#next;
      this.#next = candidate >= this.#last ? first : candidate + 1;
      if (this.#taken.has(candidate)) continue;
      this.#taken.add(candidate);
      return addressText(candidate);
    }
    throw new NetworkError(`no address is free in ${subnetText(this.subnet)}: remove containers, or give the bridge a larger subnet`);
  }

  /**
   * Takes a given address: one that a container has already, or that a user asks for.
   * @throws NetworkError when it is not in the subnet, not a container's to have, or taken
   */
  reserve(address: string): void {
    const number = addressNumber(address);
    if (!contains(this.subnet, address) || number === this.subnet.base || number > this.#last) {
      throw new NetworkError(`address ${address} is not one that a container in ${subnetText(this.subnet)} can have`);
    }
    if (this.#taken.has(number)) throw new NetworkError(`address ${address} is already in use`);
    this.#taken.add(number);
    if (number >= this.#next) this.#next = number >= this.#last ? this.subnet.base + 1 : number + 1;
  }

  /** Gives an address back. */
  release(address: string): void {
    this.#taken.delete(addressNumber(address));
  }
}
