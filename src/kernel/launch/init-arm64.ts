/**
 * The init for arm64: as init-x64.ts. x19 points to the command's argv, x20 to the candidate that is tried, x21 to the
 * environment; w22 is the command's process id, w23 the exit status of a failure.
 */
import { Assembler } from '../machine-code/assembler.ts';
import { add, ldr32, ldr64, minusOne, mov, movz, str64, sub, SVC } from '../machine-code/arm64.ts';
import {
  ENOENT,
  ENOTDIR,
  frame,
  notExecutable,
  notExecutableStatus,
  notFound,
  notFoundStatus,
  PR_SET_CHILD_SUBREAPER,
  separator,
  SIG_BLOCK,
  SIG_SETMASK,
  SIGCHLD,
  TIOCSPGRP,
  WNOHANG,
} from './init-frame.ts';

const numbers = {
  ioctl: 29,
  write: 64,
  exit_group: 94,
  kill: 129,
  rt_sigaction: 134,
  rt_sigprocmask: 135,
  rt_sigtimedwait: 137,
  setpgid: 154,
  prctl: 167,
  getpid: 172,
  clone: 220,
  execve: 221,
  wait4: 260,
} as const;

const ARGV = 19,
  CANDIDATE = 20,
  ENVP = 21,
  CHILD = 22,
  STATUS = 23,
  NUMBER = 8,
  SP = 31,
  ZERO = 31;
const EQUAL = 0,
  NOT_EQUAL = 1,
  NOT_POSITIVE = 13;

const addTimes8 = (d: number, n: number, m: number): number => 0x8b000000 | (m << 16) | (3 << 10) | (n << 5) | d;
const str32 = (t: number, n: number, offset: number): number => 0xb9000000 | ((offset / 4) << 10) | (n << 5) | t;
const lowBits = (d: number, n: number, bits: number): number => 0x12000000 | ((bits - 1) << 10) | (n << 5) | d; // and wd, wn, #(2^bits-1)
const secondByte = (d: number, n: number): number => 0x53000000 | (8 << 16) | (15 << 10) | (n << 5) | d; // ubfx wd, wn, #8, #8
const cmp32 = (n: number, value: number): number => 0x7100001f | (value << 10) | (n << 5);
const cmn32 = (n: number, value: number): number => 0x3100001f | (value << 10) | (n << 5);
const cmp32Register = (n: number, m: number): number => 0x6b00001f | (m << 16) | (n << 5);
const cmp64Register = (n: number, m: number): number => 0xeb00001f | (m << 16) | (n << 5);

/** The machine code; its entry is the first byte. */
export function initArm64(): Uint8Array {
  const code = new Assembler();
  const op = (...words: number[]): void => words.forEach((word) => code.word(word));
  const branch = (label: string, opcode: number, shift: number, bits: number): void => {
    code.reference(label, (view, at, distance) => view.setUint32(at, (opcode | (((distance / 4) & (2 ** bits - 1)) << shift)) >>> 0, true)).word(0);
  };
  const jump = (label: string): void => branch(label, 0x14000000, 0, 26);
  const jumpIf = (condition: number, label: string): void => branch(label, 0x54000000 | condition, 5, 19);
  const jumpIfZero = (register: number, label: string): void => branch(label, 0xb4000000 | register, 5, 19);
  const address = (d: number, label: string): void => {
    // adr: the low two bits of the distance are apart from the rest
    code
      .reference(label, (view, at, distance) => view.setUint32(at, (0x10000000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5) | d) >>> 0, true))
      .word(0);
  };
  const syscall = (name: keyof typeof numbers): void => op(movz(NUMBER, numbers[name]), SVC);
  const inFrame = (d: number, offset: number): number => add(d, SP, offset);

  op(ldr64(9, SP)); // argc
  op(add(CANDIDATE, SP, 16)); // &argv[1]
  op(addTimes8(ENVP, CANDIDATE, 9)); // &argv[1] + argc*8: past argv's null
  op(sub(SP, SP, frame.size));
  op(movz(STATUS, notFoundStatus));

  op(mov(ARGV, CANDIDATE));
  op(movz(10, separator));
  code.label('scan');
  op(ldr64(9, ARGV));
  jumpIfZero(9, 'failed');
  op(add(ARGV, ARGV, 8), ldr32(9, 9), lowBits(9, 9, 24), cmp32Register(9, 10));
  jumpIf(NOT_EQUAL, 'scan');

  op(minusOne(9), str64(9, SP, frame.allMask));
  op(movz(0, SIG_BLOCK), inFrame(1, frame.allMask), inFrame(2, frame.oldMask), movz(3, 8));
  syscall('rt_sigprocmask');
  for (let offset = 0; offset < 32; offset += 8) op(str64(ZERO, SP, frame.action + offset));
  op(movz(0, SIGCHLD), inFrame(1, frame.action), movz(2, 0), movz(3, 8));
  syscall('rt_sigaction');
  op(movz(0, PR_SET_CHILD_SUBREAPER), movz(1, 1));
  syscall('prctl');
  op(movz(0, SIGCHLD), movz(1, 0), movz(2, 0), movz(3, 0), movz(4, 0));
  syscall('clone');
  jumpIfZero(0, 'command');
  op(movz(STATUS, notExecutableStatus), cmp32(0, 0));
  jumpIf(NOT_POSITIVE, 'failed');
  op(mov(CHILD, 0));

  code.label('wait');
  op(inFrame(0, frame.allMask), inFrame(1, frame.siginfo), movz(2, 0), movz(3, 8));
  syscall('rt_sigtimedwait');
  op(cmp32(0, 0));
  jumpIf(NOT_POSITIVE, 'wait');
  op(cmp32(0, SIGCHLD));
  jumpIf(EQUAL, 'reap');
  op(mov(1, 0), mov(0, CHILD));
  syscall('kill');
  jump('wait');

  code.label('reap');
  op(minusOne(0), inFrame(1, frame.status), movz(2, WNOHANG), movz(3, 0));
  syscall('wait4');
  op(cmp32(0, 0));
  jumpIf(NOT_POSITIVE, 'wait');
  op(cmp32Register(0, CHILD));
  jumpIf(NOT_EQUAL, 'reap');
  op(ldr32(9, SP, frame.status), lowBits(0, 9, 7));
  jumpIfZero(0, 'exited');
  op(add(0, 0, 128));
  jump('quit');
  code.label('exited');
  op(secondByte(0, 9));
  code.label('quit');
  syscall('exit_group');

  code.label('command');
  op(movz(0, 0), movz(1, 0));
  syscall('setpgid');
  syscall('getpid');
  op(str32(0, SP, frame.group));
  op(movz(0, 0), movz(1, TIOCSPGRP), inFrame(2, frame.group));
  syscall('ioctl');
  op(movz(0, SIG_SETMASK), inFrame(1, frame.oldMask), movz(2, 0), movz(3, 8));
  syscall('rt_sigprocmask');
  code.label('try');
  op(sub(9, ARGV, 8), cmp64Register(CANDIDATE, 9));
  jumpIf(EQUAL, 'failed');
  op(ldr64(0, CANDIDATE), mov(1, ARGV), mov(2, ENVP));
  syscall('execve');
  op(add(CANDIDATE, CANDIDATE, 8), cmn32(0, ENOENT));
  jumpIf(EQUAL, 'try');
  op(cmn32(0, ENOTDIR));
  jumpIf(EQUAL, 'try');
  op(movz(STATUS, notExecutableStatus));
  jump('try');

  code.label('failed');
  address(1, 'notFound');
  op(movz(2, notFound.length), cmp32(STATUS, notFoundStatus));
  jumpIf(EQUAL, 'say');
  address(1, 'notExecutable');
  op(movz(2, notExecutable.length));
  code.label('say');
  op(movz(0, 2));
  syscall('write');
  op(mov(0, STATUS));
  jump('quit');
  code.label('notFound').bytes(...notFound);
  code.label('notExecutable').bytes(...notExecutable);
  return code.assemble();
}
