/** The keys that leave a container running and return to the shell; by default ctrl-p ctrl-q. */
import { CommandError } from './command.ts';

export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/**
 * `ctrl-p,ctrl-q`, `ctrl-a,a`, `ctrl-@` → the bytes that a terminal sends.
 * @throws CommandError for a key that is none
 */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from(
    text.split(',').map((key) => {
      const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key);
      if (control) return control[1]!.toUpperCase().charCodeAt(0) & 0x1f;
      if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
      throw new CommandError(`invalid detach keys '${text}': each must be one character or ctrl- and a letter or one of @ [ \\ ] ^ _`);
    }),
  );
}

/** What to send on, and whether the keys were pressed. */
export interface Scanned {
  readonly data: Buffer;
  readonly detached: boolean;
}

/** Looks for the keys in typed bytes. Keys that only began the sequence are held back until it is clear that they are not it. */
export function detachScanner(keys: Buffer): (typed: Buffer) => Scanned {
  let matched = 0;
  return (typed) => {
    const out: number[] = [];
    for (const byte of typed) {
      while (byte !== keys[matched] && matched > 0) {
        out.push(keys[0]!);
        // What was held back without its first key may begin the sequence anew.
        const held = keys.subarray(1, matched);
        matched = 0;
        for (let from = 0; from < held.length; from++) {
          if (keys.subarray(0, held.length - from).equals(held.subarray(from))) {
            matched = held.length - from;
            break;
          }
          out.push(held[from]!);
        }
      }
      if (byte !== keys[matched]) {
        out.push(byte);
        continue;
      }
      if (++matched === keys.length) return { data: Buffer.from(out), detached: true };
    }
    return { data: Buffer.from(out), detached: false };
  };
}
