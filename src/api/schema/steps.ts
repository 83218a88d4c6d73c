/** Steps of a start, as they are told, traced and decided about: hakobune's own part of the API (types only). */

/** One step, in the ways a person can see it: what `--explain` tells. */
export interface StepExplanation {
  readonly id: string;
  readonly what: string;
  readonly shell: string;
  readonly calls: readonly string[];
  readonly look: string;
  readonly undo: readonly string[];
  readonly undone: string;
  readonly inside: readonly StepExplanation[];
}

/** Who takes a step: the engine, the monitor that it starts, or the container's new process. */
export type StepLane = 'engine' | 'monitor' | 'process';

/** One of the kernel's objects, and what happened to it. */
export interface TracedObject {
  readonly kind: string;
  readonly name: string;
  readonly change: 'born' | 'changed' | 'gone';
}

/** One call, as it was made. Times are microseconds from the trace's beginning; absent where no clock could be read. */
export interface TracedCall {
  readonly text: string;
  readonly returned: number;
  readonly error?: string;
  /** What the value is, where the engine makes more of the call than the kernel returns to it: `descriptor`. */
  readonly gives?: string;
  readonly began?: number;
  readonly ended?: number;
}

/** One step, as it was taken, taken back (`undo`) or cleared up after (`finally`). */
export interface TracedStep {
  readonly id: string;
  readonly what: string;
  readonly lane: StepLane;
  readonly part: 'calls' | 'undo' | 'finally';
  readonly began?: number;
  readonly ended?: number;
  readonly calls: readonly TracedCall[];
  readonly objects: readonly TracedObject[];
}

/** A start as it happened. */
export interface Trace {
  /** RFC 3339. */
  readonly started: string;
  /** The container's first process. */
  readonly pid?: number;
  /** Why the start failed, if it did. */
  readonly failure?: string;
  readonly steps: readonly TracedStep[];
}

/** A statement about the kernel's state, and what was found. */
export interface StepCondition {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly holds: boolean;
}

/** What the engine tells whoever decides about each step; a line of JSON each. */
export type StepMessage =
  | {
      readonly kind: 'step';
      readonly lane: StepLane;
      /** The process whose state is the half-made container's, once there is one. */
      readonly pid?: number;
      /** The person is to do it, with whatever commands; `goal` follows. */
      readonly hand: boolean;
      readonly step: StepExplanation;
      /** Why it can't be left out; absent: it can. */
      readonly needed?: string;
    }
  | { readonly kind: 'goal'; readonly conditions: readonly StepCondition[] }
  | { readonly kind: 'taken'; readonly id: string; readonly by: 'engine' | 'process' | 'hand' | 'nobody'; readonly calls: readonly TracedCall[] }
  | { readonly kind: 'started' }
  | { readonly kind: 'failed'; readonly status: number; readonly message: string; readonly aborted: boolean; readonly undone: readonly string[] };

/** What is answered to a step: take it, leave it out, take it and all that follow, or give up (and undo everything). */
export interface StepAnswer {
  readonly do: 'take' | 'skip' | 'rest' | 'abort';
}

/** Where a start stands that waits for somebody. */
export interface WaitingStep {
  readonly Step: string;
  readonly What: string;
  readonly Lane: StepLane;
  /** 0 while there is no process. */
  readonly Pid: number;
}
