/**
 * The one door from JavaScript to the kernel: system calls, and the memory that the launcher needs. Behind it is an addon of our own
 * (src/kernel/addon), which no other file loads; it is a file beside the bundles. A call's words are written to a block of memory that both
 * have, and its result is read from there. The command line never loads it.
 */
import { existsSync } from 'node:fs';
import { parentPath } from './absolute-path.ts';
import { addonFile } from './addon/addon-file.ts';
import { blockLayout } from './addon/block.ts';
import { syscallNumber, type SyscallName } from './syscalls.ts';

/** What the addon exports; each function takes its words from `block`, and leaves its result there. */
interface Addon {
  readonly block: ArrayBuffer;
  call(): void;
  /** Gives the address of the bytes; zero where they are none. */
  address(bytes: Uint8Array): void;
  view(): ArrayBuffer | undefined;
  enter(): void;
  wait(what: string): Promise<void>;
}

/** Of dlopen(3). node:os has it too, and takes half a millisecond to load. */
const RTLD_NOW = 2;

/** There is no addon, or one that can't be loaded: whoever starts a program tells it, as the one error that comes before everything else. */
class AddonError extends Error {
  override readonly name = 'AddonError';
  constructor(reason: string) {
    super(`the addon by which system calls are made can not be loaded: ${reason}: make it by npm run build`);
  }
}

/** Loads the addon, from beside a bundle or from the clone's dist/. @throws AddonError */
function load(): Addon {
  let directory = import.meta.dirname;
  let path = `${directory}/${addonFile}`;
  while (!existsSync(path)) {
    if (directory === '/') throw new AddonError(`${addonFile} is in no dist/ above ${import.meta.dirname}`);
    directory = parentPath(directory);
    path = `${directory}/dist/${addonFile}`;
  }
  const module = { exports: {} };
  try {
    process.dlopen(module, path, RTLD_NOW);
  } catch (error) {
    throw new AddonError((error as Error).message);
  }
  return module.exports as Addon;
}

const addon = load();
/** A block's words: halves of them, since a number holds one exactly and a bigint takes time to make. */
const words = new Uint32Array(addon.block);
const wide = new BigUint64Array(addon.block);
const halves = 2 ** 32;
const firstArg = blockLayout.args / 8;
const addressWord = blockLayout.address / 8;

/** What a raw argument may be: an integer, a pointer to the bytes of a buffer, or a NUL-terminated string. */
export type RawArg = number | bigint | string | Uint8Array | null;

/** Writes an argument into a block, the addon's own or one that waits. */
function put(into: Uint32Array, wideInto: BigUint64Array, word: number, arg: Exclude<RawArg, string>): void {
  if (typeof arg === 'number') {
    into[2 * word] = arg; // modulo 2^32, as of a negative one
    into[2 * word + 1] = arg >= 0 && arg < halves ? 0 : Math.floor(arg / halves);
  } else if (arg === null) {
    into[2 * word] = into[2 * word + 1] = 0;
  } else if (typeof arg === 'bigint') {
    wideInto[word] = arg;
  } else {
    addon.address(arg);
    into[2 * word] = words[2 * addressWord]!;
    into[2 * word + 1] = words[2 * addressWord + 1]!;
  }
}

/** Where texts are put for the length of a call: to make a buffer for each takes longer than many a call. */
const texts = Buffer.allocUnsafeSlow(2 * 4096);
const textsAddress = Number(addressOf(texts));

/** A word of a block as the signed number that it is. */
const signed = (from: Uint32Array, word: number): number => (from[2 * word + 1]! | 0) * halves + from[2 * word]!;

/**
 * Makes one system call on this thread, now.
 * @returns the kernel's return value; a failure is the negative errno, as the kernel itself returns it
 * @see syscall(2)
 */
export function rawSyscall(name: SyscallName, ...args: readonly RawArg[]): number {
  const held: Uint8Array[] = []; // until the call has been made
  let end = 0;
  words.fill(0);
  // A start makes some hundred calls of this, which V8 interprets: what most arguments are takes no further call.
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (typeof arg === 'number' && arg >= 0 && arg < halves) words[2 * (firstArg + i)] = arg;
    else if (typeof arg === 'string' && end + 3 * arg.length < texts.length) {
      put(words, wide, firstArg + i, textsAddress + end);
      end += texts.write(arg, end);
      texts[end++] = 0;
    } else if (typeof arg === 'string') {
      const longer = Buffer.from(`${arg}\0`);
      held.push(longer);
      put(words, wide, firstArg + i, longer);
    } else put(words, wide, firstArg + i, arg);
  }
  words[0] = syscallNumber(name);
  addon.call();
  return words[1] === 0 ? words[0] : signed(words, 0);
}

/** Calls that wait, with what their pointers lead to: nothing else may hold on to it. */
const waiting = new Set<readonly unknown[]>();

/**
 * Makes one system call on a thread of libuv's pool, so that one in which the kernel waits does not hold up this one.
 * Never for calls that change a thread's namespaces or credentials: the pool's threads are shared.
 * @returns as {@link rawSyscall}
 */
export async function rawSyscallAsync(name: SyscallName, ...args: readonly Exclude<RawArg, string>[]): Promise<number> {
  const block = new Uint32Array(blockLayout.size / 4);
  const wideBlock = new BigUint64Array(block.buffer);
  const held = [block, args];
  waiting.add(held);
  args.forEach((arg, i) => put(block, wideBlock, firstArg + i, arg));
  put(block, wideBlock, 0, syscallNumber(name));
  put(words, wide, firstArg, new Uint8Array(block.buffer));
  await addon.wait('system call');
  waiting.delete(held);
  return signed(block, 0);
}

/** The address of a buffer's first byte. The buffer must stay referenced while the address is used. */
export function addressOf(bytes: Uint8Array): bigint {
  addon.address(bytes);
  return wide[addressWord]!;
}

/** A view of `length` bytes of this process's memory at `address`, such as a mapping made by mmap(2). */
export function viewMemory(address: bigint, length: number): Uint8Array {
  put(words, wide, firstArg, address);
  put(words, wide, firstArg + 1, length);
  return new Uint8Array(addon.view()!);
}

/** Calls the machine code at `address` with three pointer-sized arguments. */
export function callMachineCode(address: bigint, ...args: readonly Exclude<RawArg, string>[]): number {
  args.forEach((arg, i) => put(words, wide, firstArg + i, arg));
  put(words, wide, 0, address);
  addon.enter();
  return signed(words, 0);
}
