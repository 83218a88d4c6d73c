/**
 * The init for x86-64: see init-elf.ts for what it does. rbx points to the command's argv, r12 to the candidate that is
 * tried, r13 is the command's process id, r14 the exit status of a failure, r15 points to the environment.
 */
import { Assembler } from '../machine-code/assembler.ts';
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
  write: 1,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  ioctl: 16,
  getpid: 39,
  clone: 56,
  execve: 59,
  wait4: 61,
  kill: 62,
  setpgid: 109,
  rt_sigtimedwait: 128,
  prctl: 157,
  exit_group: 231,
} as const;

/** The machine code; its entry is the first byte. */
export function initX64(): Uint8Array {
  const code = new Assembler();
  const op = (...bytes: number[]): Assembler => code.bytes(...bytes);
  const to = (label: string, ...opcode: number[]): void => {
    op(...opcode)
      .reference(label, (view, at, distance) => view.setInt32(at, distance - 4, true))
      .word(0);
  };
  const jump = (label: string): void => to(label, 0xe9);
  const jumpIf = {
    equal: (label: string) => to(label, 0x0f, 0x84),
    notEqual: (label: string) => to(label, 0x0f, 0x85),
    notPositive: (label: string) => to(label, 0x0f, 0x8e),
  };
  const syscall = (name: keyof typeof numbers): Assembler => op(0xb8).word(numbers[name]).bytes(0x0f, 0x05); // mov eax, number; syscall
  // Loads of small numbers and of addresses in the frame, into the argument registers.
  const edi = (value: number): Assembler => op(0xbf).word(value);
  const esi = (value: number): Assembler => op(0xbe).word(value);
  const edx = (value: number): Assembler => op(0xba).word(value);
  const r10d = (value: number): Assembler => op(0x41, 0xba).word(value);
  const r8d = (value: number): Assembler => op(0x41, 0xb8).word(value);
  const r14d = (value: number): Assembler => op(0x41, 0xbe).word(value);
  const rdiFrame = (offset: number): Assembler => op(0x48, 0x8d, 0xbc, 0x24).word(offset); // lea rdi, [rsp+offset]
  const rsiFrame = (offset: number): Assembler => op(0x48, 0x8d, 0xb4, 0x24).word(offset);
  const rdxFrame = (offset: number): Assembler => op(0x48, 0x8d, 0x94, 0x24).word(offset);

  op(0x48, 0x89, 0xe5); // mov rbp, rsp
  op(0x48, 0x8b, 0x45, 0x00); // mov rax, [rbp] (argc)
  op(0x4c, 0x8d, 0x65, 0x10); // lea r12, [rbp+16] (&argv[1])
  op(0x4c, 0x8d, 0x7c, 0xc5, 0x10); // lea r15, [rbp+rax*8+16] (envp)
  op(0x48, 0x81, 0xec).word(frame.size); // sub rsp, size
  r14d(notFoundStatus);

  op(0x4c, 0x89, 0xe3); // mov rbx, r12
  code.label('scan');
  op(0x48, 0x8b, 0x03, 0x48, 0x85, 0xc0); // mov rax, [rbx]; test rax, rax
  jumpIf.equal('failed');
  op(0x48, 0x83, 0xc3, 0x08); // add rbx, 8
  op(0x8b, 0x08); // mov ecx, [rax]
  op(0x81, 0xe1).word(0xffffff); // and ecx, 0xffffff
  op(0x81, 0xf9).word(separator); // cmp ecx, "--"
  jumpIf.notEqual('scan');

  // From here on signals wait to be taken by rt_sigtimedwait; process 1 would otherwise lose those that it does not handle.
  op(0x48, 0xc7, 0x84, 0x24).word(frame.allMask).word(0xffffffff); // mov qword [rsp+allMask], -1
  edi(SIG_BLOCK);
  rsiFrame(frame.allMask);
  rdxFrame(frame.oldMask);
  r10d(8);
  syscall('rt_sigprocmask');
  // An inherited SIG_IGN of SIGCHLD would make the kernel reap for us, and lose the exit status.
  op(0x31, 0xc0); // xor eax, eax
  for (let offset = 0; offset < 32; offset += 8) op(0x48, 0x89, 0x84, 0x24).word(frame.action + offset); // mov [rsp+action+offset], rax
  edi(SIGCHLD);
  rsiFrame(frame.action);
  edx(0);
  r10d(8);
  syscall('rt_sigaction');
  edi(PR_SET_CHILD_SUBREAPER); // for a container in the host's PID namespace
  esi(1);
  syscall('prctl');
  edi(SIGCHLD);
  esi(0);
  edx(0);
  r10d(0);
  r8d(0);
  syscall('clone');
  op(0x48, 0x85, 0xc0); // test rax, rax
  jumpIf.equal('command');
  r14d(notExecutableStatus);
  op(0x48, 0x85, 0xc0);
  jumpIf.notPositive('failed');
  op(0x49, 0x89, 0xc5); // mov r13, rax

  code.label('wait');
  rdiFrame(frame.allMask);
  rsiFrame(frame.siginfo);
  edx(0);
  r10d(8);
  syscall('rt_sigtimedwait');
  op(0x85, 0xc0); // test eax, eax
  jumpIf.notPositive('wait');
  op(0x83, 0xf8, SIGCHLD); // cmp eax, SIGCHLD
  jumpIf.equal('reap');
  op(0x44, 0x89, 0xef); // mov edi, r13d
  op(0x89, 0xc6); // mov esi, eax
  syscall('kill');
  jump('wait');

  code.label('reap');
  edi(-1);
  rsiFrame(frame.status);
  edx(WNOHANG);
  r10d(0);
  syscall('wait4');
  op(0x85, 0xc0);
  jumpIf.notPositive('wait');
  op(0x44, 0x39, 0xe8); // cmp eax, r13d
  jumpIf.notEqual('reap');
  op(0x8b, 0xbc, 0x24).word(frame.status); // mov edi, [rsp+status]
  op(0x89, 0xf8, 0x83, 0xe0, 0x7f); // mov eax, edi; and eax, 0x7f
  jumpIf.equal('exited');
  op(0x8d, 0xb8).word(128); // lea edi, [rax+128]
  jump('quit');
  code.label('exited');
  op(0xc1, 0xef, 0x08); // shr edi, 8
  op(0x81, 0xe7).word(0xff); // and edi, 0xff
  code.label('quit');
  syscall('exit_group');

  // The command: a process group of its own, in the foreground of the terminal if there is one; then its signals again.
  code.label('command');
  edi(0);
  esi(0);
  syscall('setpgid');
  syscall('getpid');
  op(0x89, 0x84, 0x24).word(frame.group); // mov [rsp+group], eax
  edi(0);
  esi(TIOCSPGRP);
  rdxFrame(frame.group);
  syscall('ioctl');
  edi(SIG_SETMASK);
  rsiFrame(frame.oldMask);
  edx(0);
  r10d(8);
  syscall('rt_sigprocmask');
  code.label('try');
  op(0x48, 0x8d, 0x43, 0xf8); // lea rax, [rbx-8]
  op(0x49, 0x39, 0xc4); // cmp r12, rax
  jumpIf.equal('failed');
  op(0x49, 0x8b, 0x3c, 0x24); // mov rdi, [r12]
  op(0x48, 0x89, 0xde); // mov rsi, rbx
  op(0x4c, 0x89, 0xfa); // mov rdx, r15
  syscall('execve');
  op(0x49, 0x83, 0xc4, 0x08); // add r12, 8
  op(0x83, 0xf8, 256 - ENOENT); // cmp eax, -ENOENT
  jumpIf.equal('try');
  op(0x83, 0xf8, 256 - ENOTDIR);
  jumpIf.equal('try');
  r14d(notExecutableStatus);
  jump('try');

  code.label('failed');
  const message = (label: string, length: number): void => {
    to(label, 0x48, 0x8d, 0x35); // lea rsi, [rip+label]
    edx(length);
  };
  message('notFound', notFound.length);
  op(0x41, 0x83, 0xfe, notFoundStatus); // cmp r14d, 127
  jumpIf.equal('say');
  message('notExecutable', notExecutable.length);
  code.label('say');
  edi(2);
  syscall('write');
  op(0x44, 0x89, 0xf7); // mov edi, r14d
  jump('quit');
  code.label('notFound').bytes(...notFound);
  code.label('notExecutable').bytes(...notExecutable);
  return code.assemble();
}
