/** The last so many of what is added: what a command fails of comes at its end. */
export class LastOf<T> {
  readonly #most: number;
  #items: T[] = [];
  #added = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(item: T): void {
    this.#added++;
    // Moving them up once in a while costs less than each time.
    if (this.#items.push(item) >= 2 * this.#most) this.#items = this.#items.slice(-this.#most);
  }

  /** Those that are kept, the oldest first. */
  get items(): readonly T[] {
    return this.#items.slice(-this.#most);
  }

  /** How many are not. */
  get gone(): number {
    return Math.max(0, this.#added - this.#most);
  }
}
