/**
 * A step: what the engine does to the kernel, as data. What is applied, explained, traced, tested and undone
 * is this same object; nothing about it is written twice.
 */
import type { Call } from '../kernel/call.ts';

export interface Step<R = void> {
  /** Stable name, `area.action`: errors, documents and lessons refer to it. Example: `mount.overlay`. */
  readonly id: string;
  /** One short sentence, imperative: what it does to which object. Example: `Mount the layers of debian as /run/…/rootfs`. */
  readonly what: string;
  /** The truth: the kernel calls, in order, exactly as they will be made. */
  readonly calls: readonly Call[];
  /** What a person would type in a root shell instead. May be several lines. */
  readonly shell: string;
  /** A command that shows the result in the kernel. */
  readonly look: string;
  /** How to take it back; run in reverse order of the steps when a later step fails, and when the container stops. */
  readonly undo?: readonly Call[];
  /** Run when the procedure ends, well or not: closes what only the procedure needed. */
  readonly finally?: readonly Call[];
  /** What the procedure receives, from the values its calls returned (in order). */
  readonly result?: (returned: readonly number[]) => R;
  /** What the procedure receives when nothing is done, in an explanation. */
  readonly unknown?: R;
  /** Steps that another process does as part of this one (the table that a new process runs). Shown inside it. */
  readonly inside?: readonly Step<unknown>[];
}

/** A procedure yields steps and receives their results; an interpreter decides whether they run, print or are recorded. */
export type Procedure<R = void> = Generator<Step<any>, R, any>;

/** Yields one step from a procedure: `const fd = yield* step({ … })`. */
export function* step<R = void>(s: Step<R>): Procedure<R> {
  return (yield s) as R;
}
