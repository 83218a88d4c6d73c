/**
 * A step: what the engine does to the kernel, as data. What is applied, explained, traced, tested and undone
 * is this same object; nothing about it is written twice.
 */
import type { Call } from '../kernel/call.ts';
import type { Condition, Place } from './goal.ts';

export interface Step<R = void> {
  /** Stable name, `area.action`: errors, documents and lessons refer to it. Example: `mount.overlay`. */
  readonly id: string;
  /** One short sentence, imperative: what it does to which object. Example: `Mount the layers of debian as /run/…/rootfs`. */
  readonly what: string;
  /** The truth: the kernel calls, in order, exactly as they will be made. */
  readonly calls: readonly Call[];
  /** What a person would type in a root shell instead. May be several lines. */
  readonly shell: string;
  /** What a person types while a start waits before it, where `shell` would not do: from outside, for the process `$PID` (src/step/typed.ts). */
  readonly hand?: string;
  /** A command that shows the result in the kernel. */
  readonly look: string;
  /** How to take it back; run in reverse order of the steps when a later step fails, and when the container stops. */
  readonly undo?: readonly Call[];
  /**
   * Why it needs no `undo`: what takes away by itself what it made, or that it makes nothing. Example: `goes with the cgroup`.
   * Not said of steps that another process does, which end with it, and of those that leave only what `finally` closes.
   */
  readonly undone?: string;
  /** What a person would type to take it back. */
  readonly shellUndo?: string;
  /** Run when the procedure ends, well or not: closes what only the procedure needed. */
  readonly finally?: readonly Call[];
  /** What the procedure receives, from the values its calls returned (in order). */
  readonly result?: (returned: readonly number[]) => R;
  /** What the procedure receives when nothing is done, in an explanation. */
  readonly unknown?: R;
  /** What is to be true of the kernel when it is done: by this a person who does it by hand is judged. Absent: only its taker can do it. */
  readonly goal?: (place: Place) => readonly Condition[];
  /** Where a person did it: takes over what is there, and gives what the last of `calls` would have returned. Absent: that is of no use to anybody. */
  readonly adopt?: () => number;
  /** Where a table goes on after some of its calls, where that is not the call behind them. For steps that a new process takes. */
  readonly jumps?: ReadonlyMap<Call, Jump>;
  /** Judges all that its calls came to in a table, where no single one of them says whether it failed. */
  readonly verdict?: (returned: readonly (number | undefined)[]) => Verdict | undefined;
  /** Steps that another process does as part of this one (the table that a new process runs). Shown inside it. */
  readonly inside?: readonly Step<unknown>[];
  /** What those came to, once they have run, where somebody watches. */
  readonly ran?: () => readonly RanCall[];
}

/** Where a table goes on after a call, by what it returned: at another call of the same step, behind the step, or nowhere. */
export type JumpTarget = Call | 'done' | 'fail';
export type Jump = Readonly<Partial<Record<'onError' | 'onZero' | 'onPositive', JumpTarget>>>;

/** Why a process could not go on, with the exit code that says so as a shell's does: 127 not found, 126 not executable. */
export interface Verdict {
  readonly code: 126 | 127;
  readonly message: string;
}

/** A call that another process made as part of a step. */
export interface RanCall {
  readonly step: Step<unknown>;
  readonly call: Call;
  /** Who made it: the new process, or the monitor that cloned it. */
  readonly lane: 'monitor' | 'process';
  /** As the kernel returned it. */
  readonly returned: number;
  /** CLOCK_MONOTONIC in nanoseconds, when it was done; absent where no clock was read. */
  readonly ended?: bigint;
}

/** A procedure yields steps and receives their results; an interpreter decides whether they run, print or are recorded. */
export type Procedure<R = void> = Generator<Step<any>, R, any>;

/** The steps of a procedure, none taken: what only the kernel could tell is the steps' `unknown`. */
export function* walk(procedure: Procedure<unknown>): Generator<Step<unknown>> {
  for (let next = procedure.next(); !next.done;) {
    const taken = next.value as Step<unknown>;
    yield taken;
    next = procedure.next(taken.unknown);
  }
}

/** Yields one step from a procedure: `const fd = yield* step({ … })`. */
export function* step<R = void>(s: Step<R>): Procedure<R> {
  return (yield s) as R;
}
