/**
 * Why a file that is there does not become a program: it is no regular file, its interpreter (of a `#!` line, or the loader that an ELF
 * file names) is missing, or it is no program of this machine. See execve(2), ELF.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { closeFd, S_IFMT, S_IFREG, statFd, toBytes, tryOpenInRoot } from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { gate, type JudgedGate, type RefusedCall } from './refused-call.ts';
import { walk, type Place } from './walk.ts';

/** ELF machines by number, for those that people meet. */
const machines: Readonly<Record<number, string>> = { 3: 'i386', 40: 'arm', 62: 'x86-64', 183: 'aarch64', 243: 'riscv', 21: 'ppc64', 22: 's390x' };
const own = process.arch === 'arm64' ? 183 : 62;

/** Errors that the kernel answers with only after it has read the file itself. */
const afterReading = new Set(['ENOENT', 'ENOTDIR', 'ENOEXEC']);

/** Gates of the kind of file, and of its own contents. */
export function programGates(call: RefusedCall, file: Place): JudgedGate[] {
  if ((file.status.mode & S_IFMT) !== S_IFREG)
    return [gate('not-a-program', ['EACCES'], { path: file.path, why: 'not-regular' }, [`${file.path} is no regular file`])];
  // What the kernel has not read for the thread is not read for us.
  const head = afterReading.has(call.error) ? readHead(call, file) : undefined;
  if (!head) return [];
  const interpreter = scriptInterpreter(head) ?? elfInterpreter(head);
  if (interpreter) {
    const way = walk(call.thread, 'cwd', interpreter.path, true);
    if (way.missing || way.notDirectory)
      return [
        gate('interpreter', ['ENOENT', 'ENOTDIR'], { path: file.path, interpreter: interpreter.path, kind: interpreter.kind }, [
          `${file.path} begins with ${interpreter.evidence}`,
          `there is no ${interpreter.path} in the container`,
        ]),
      ];
    return [];
  }
  if (head.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'))) {
    const machine = head.length < 20 ? 0 : head.readUInt16LE(18);
    if (machine !== own)
      return [
        gate('not-a-program', ['ENOEXEC'], { path: file.path, why: 'machine', machine: machines[machine] ?? `machine ${machine}` }, [
          `${file.path}: ELF e_machine ${machine}`,
        ]),
      ];
    return [];
  }
  return [
    gate('not-a-program', ['ENOEXEC'], { path: file.path, why: 'text' }, [
      `${file.path} begins with ${JSON.stringify(head.toString('latin1', 0, 16))}: neither ELF nor #!`,
    ]),
  ];
}

/**
 * The file's first bytes; undefined where they cannot be read. To open a device or a FIFO can do something, so nothing is opened to be
 * read but the very file that was found, and that only if it is a regular one.
 */
function readHead({ thread }: RefusedCall, { path, status }: Place): Buffer | undefined {
  const root = thread.openPlace('root');
  const place = root < 0 ? -1 : tryOpenInRoot(root, toBytes(path.slice(1)), openFlags.O_PATH);
  if (root >= 0) closeFd(root);
  if (place < 0) return undefined;
  let file: number | undefined;
  try {
    const { mode, identity } = statFd(place);
    if ((mode & S_IFMT) !== S_IFREG || identity !== status.identity) return undefined;
    file = openSync(`/proc/self/fd/${place}`, openFlags.O_NONBLOCK);
    const head = Buffer.alloc(4096);
    return head.subarray(0, readSync(file, head, 0, head.length, 0));
  } catch {
    return undefined;
  } finally {
    closeFd(place);
    if (file !== undefined) closeSync(file);
  }
}

interface Interpreter {
  readonly path: string;
  readonly kind: 'script' | 'loader';
  readonly evidence: string;
}

function scriptInterpreter(head: Buffer): Interpreter | undefined {
  const line = /^#![ \t]*(\S+)/.exec(head.toString('latin1', 0, 256));
  // A carriage return at the end is part of the name, and a common mistake.
  return line ? { path: line[1]!, kind: 'script', evidence: JSON.stringify(line[0]) } : undefined;
}

/** PT_INTERP of a 64-bit ELF file for this byte order. */
function elfInterpreter(head: Buffer): Interpreter | undefined {
  const [headerSize, entrySize] = [64, 56];
  if (head.length < headerSize || !head.subarray(0, 6).equals(Buffer.from('\x7fELF\x02\x01', 'latin1')) || head.readUInt16LE(18) !== own) return undefined;
  const PT_INTERP = 3;
  const [offset, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let i = 0; i < count; i++) {
    const at = offset + i * size;
    if (at + entrySize > head.length) return undefined;
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const [from, length] = [Number(head.readBigUInt64LE(at + 8)), Number(head.readBigUInt64LE(at + 32))];
    if (from + length > head.length) return undefined;
    const path = head.toString('latin1', from, from + length).replace(/\0.*$/s, '');
    return path ? { path, kind: 'loader', evidence: `an ELF header whose PT_INTERP is ${path}` } : undefined;
  }
  return undefined;
}
