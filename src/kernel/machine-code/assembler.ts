/**
 * A small assembler: bytes with labels. Only what the launcher's interpreters and the addon need; the instructions themselves are
 * in their x64.ts and arm64.ts.
 */

/** Machine code under construction. */
export class Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { readonly at: number; readonly label: string; readonly patch: Patch }[] = [];

  /** Appends bytes. */
  bytes(...bytes: number[]): this {
    this.#bytes.push(...bytes);
    return this;
  }

  /** Appends a 32-bit little-endian word. */
  word(word: number): this {
    return this.bytes(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, (word >>> 24) & 0xff);
  }

  /** Names the next instruction. */
  label(name: string): this {
    this.#labels.set(name, this.#bytes.length);
    return this;
  }

  /** Names a place outside of the code, by its distance from the start. */
  place(name: string, offset: number): this {
    this.#labels.set(name, offset);
    return this;
  }

  /** Has `patch` called with the distance from here to the label, once all labels are known. */
  reference(label: string, patch: Patch): this {
    this.#fixups.push({ at: this.#bytes.length, label, patch });
    return this;
  }

  /** The offset of a label from the start. */
  offsetOf(name: string): number {
    const offset = this.#labels.get(name);
    if (offset === undefined) throw new Error(`no label ${name} in the machine code`);
    return offset;
  }

  /** The finished code. */
  assemble(): Uint8Array {
    const code = Uint8Array.from(this.#bytes);
    for (const { at, label, patch } of this.#fixups) patch(new DataView(code.buffer), at, this.offsetOf(label) - at);
    return code;
  }
}

/** Writes a branch: `at` is the position of the reference, `distance` the bytes from there to its label. */
export type Patch = (code: DataView, at: number, distance: number) => void;
