/**
 * What must not be collected although nothing refers to it yet: the blobs and layers of an import under way, the
 * layers of a container being created. Counted in memory, so a crash frees them all.
 */
export class Leases {
  readonly #counts = new Map<string, number>();

  has(key: string): boolean {
    return this.#counts.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#counts.keys();
  }

  /** Begins a lease; it holds nothing yet. */
  begin(): Lease {
    const held: string[] = [];
    return {
      hold: (key) => {
        held.push(key);
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      },
      release: () => {
        for (const key of held.splice(0)) {
          const count = (this.#counts.get(key) ?? 1) - 1;
          if (count > 0) this.#counts.set(key, count);
          else this.#counts.delete(key);
        }
      },
    };
  }
}

/** Keys held until released; releasing again does nothing. */
export interface Lease {
  hold(key: string): void;
  release(): void;
}
