/** A thread between two of its stops: what the next one is understood by. */
import type { Instruction } from '../../kernel/bpf/classic.ts';
import type { SyscallInfo } from '../../kernel/ptrace.ts';
import { native } from '../seccomp/native.ts';
import { callName } from './calls.ts';

/** A call that a thread has begun. */
export type Entry = Extract<SyscallInfo, { kind: 'entry' }>;

/** Programs of seccomp, the newest first. */
export type Filters = readonly (readonly Instruction[])[];

/** What is known of a thread. */
export interface Followed {
  /** Has become its program: what the engine's table does before is not the command's. */
  begun: boolean;
  entry?: Entry | undefined;
  /** The call before, and what the kernel returned: a filter that kills or traps lets it end first, as if it had been done. */
  last?: { readonly entry: Entry; readonly value: number } | undefined;
  /** Read once for each program, and again when the thread adds one. */
  filters?: Filters | undefined;
  /** The path of an execve under way: its memory is gone when it succeeds. */
  path?: string | undefined;
  /** A SIGSYS was delivered to it, of whoever sent it. */
  sigsys?: boolean;
}

/** A call's name; of another architecture, its number. */
export const entryName = ({ arch, number }: Pick<Entry, 'arch' | 'number'>): string =>
  arch === native.arch ? callName(number) : `call ${number} of architecture 0x${arch.toString(16)}`;
