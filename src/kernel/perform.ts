/** Makes a {@link Call} in this process: the arguments become bytes and pointers, `Result`s become the values they stand for. */
import { addressOf, rawSyscall, type RawArg } from './ffi.ts';
import { Result, Stored, Struct, Unknown, type Arg, type Call } from './call.ts';
import { describeCall } from './describe.ts';
import { KernelError } from './errno.ts';

const noResult = (r: Result): number => {
  throw new Error(`the result of ${r.of.name} is not known here`);
};

/** Makes a call now; returns as the kernel does (a negative errno on failure), or a promise where the call waits. */
export function perform(call: Call, resolve: (r: Result) => number = noResult): number | Promise<number> {
  return call.perform ? call.perform(resolve) : performNow(call, resolve);
}

/** Makes a direct system call now; returns as the kernel does. */
export function performNow(call: Call, resolve: (r: Result) => number = noResult): number {
  const keep: Uint8Array[] = []; // what pointers inside structs point to must outlive the call
  const args: RawArg[] = [];
  for (let i = 0; i < call.args.length; i++) {
    const arg = call.args[i]!;
    args.push(typeof arg === 'number' ? arg : rawArg(arg, resolve, keep));
  }
  const value = rawSyscall(call.name, ...args);
  keep.length = 0;
  return value;
}

/**
 * Makes a direct system call now.
 * @throws KernelError when it fails with an errno that the call does not accept
 */
export function must(call: Call): number {
  const value = performNow(call);
  if (value < 0 && !call.accept?.includes(-value)) throw new KernelError(describeCall(call), -value);
  return value;
}

function rawArg(arg: Arg, resolve: (r: Result) => number, keep: Uint8Array[]): RawArg {
  if (arg instanceof Result) return resolve(arg);
  if (arg instanceof Unknown) throw new Error(`${arg} is not known: an explanation can't be performed`);
  if (arg instanceof Stored) return new DataView(arg.bytes.buffer, arg.bytes.byteOffset).getBigInt64(0, true);
  if (arg instanceof Struct) return structBytes(arg, keep);
  if (Array.isArray(arg)) {
    const pointers = new BigUint64Array(arg.length + 1);
    arg.forEach((s: string, i) => (pointers[i] = pointTo(s, keep)));
    return new Uint8Array(pointers.buffer);
  }
  return arg as RawArg;
}

function structBytes(struct: Struct, keep: Uint8Array[]): Uint8Array {
  const view = new DataView(struct.bytes.buffer, struct.bytes.byteOffset, struct.bytes.byteLength);
  for (const [offset, target] of struct.pointers) view.setBigUint64(offset, pointTo(target, keep), true);
  keep.push(struct.bytes);
  return struct.bytes;
}

function pointTo(target: Uint8Array | string | Struct, keep: Uint8Array[]): bigint {
  const bytes = typeof target === 'string' ? Buffer.from(target + '\0') : target instanceof Struct ? structBytes(target, keep) : target;
  keep.push(bytes);
  return addressOf(bytes);
}
