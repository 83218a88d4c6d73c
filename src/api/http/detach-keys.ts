/** The keys that leave a terminal without ending what runs in it: `ctrl-p,ctrl-q` unless the client says otherwise. */
import { Transform, type TransformCallback } from 'node:stream';
import { RequestError } from './error.ts';

const controls: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 };

/**
 * The bytes of a sequence such as `ctrl-p,ctrl-q`, `ctrl-@` or `a,b`.
 * @throws RequestError 400 for a key that there is not
 */
export function parseDetachKeys(text = 'ctrl-p,ctrl-q'): Buffer {
  return Buffer.from(
    text.split(',').map((key) => {
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
      const control = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
      const code = control === undefined ? undefined : /[a-z]/.test(control) ? control.charCodeAt(0) - 96 : controls[control];
      if (code === undefined)
        throw new RequestError(400, `The detach key '${key.slice(0, 32)}' is unknown: use a letter, or ctrl- with one of a-z @ [ \\ ] ^ _.`);
      return code;
    }),
  );
}

/** Passes input on, keeping back what may be the beginning of the sequence; emits `detach` when it is whole, and passes nothing more. */
export class DetachFilter extends Transform {
  readonly #keys: Buffer;
  #matched = 0;
  #detached = false;

  constructor(keys: Buffer) {
    super();
    this.#keys = keys;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#detached) return done();
    if (this.#matched === 0 && !chunk.includes(this.#keys[0] ?? 0)) return done(null, chunk);
    const passed: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#matched]) {
        passed.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) passed.push(byte);
      else this.#matched += 1;
      if (this.#matched === this.#keys.length) {
        this.#detached = true;
        break;
      }
    }
    if (passed.length > 0) this.push(Buffer.from(passed));
    if (this.#detached) this.emit('detach');
    done();
  }

  override _flush(done: TransformCallback): void {
    if (!this.#detached && this.#matched > 0) this.push(this.#keys.subarray(0, this.#matched));
    done();
  }
}
