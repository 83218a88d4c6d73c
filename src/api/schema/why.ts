/**
 * Why a command in a container failed: each call that the kernel refused, and the gatekeeper that refused it. Not Docker's:
 * `POST /containers/ID/why` makes an exec that is traced, `GET /exec/ID/why` has the report when it has ended (types only).
 */

export interface WhyReport {
  readonly command: readonly string[];
  /** The command's own, or as the engine answers for one that did not start; `null` while it runs. */
  readonly exitCode: number | null;
  /** Name of the signal that ended it. */
  readonly signal?: string;
  readonly outcome: 'succeeded' | 'refused' | 'failed' | 'interrupted';
  /** The refusal that the command failed of; absent where none explains it. */
  readonly decisive?: Refusal;
  /** Every refusal, in order; equal ones once, with their number. */
  readonly refusals: readonly Refusal[];
  /** What the command wrote to standard error, its last lines. */
  readonly said: readonly string[];
  /** How many system calls were traced, and in how many processes. */
  readonly traced: { readonly calls: number; readonly processes: number };
  /** Counters of the cgroup that moved meanwhile. */
  readonly counters: readonly MovedCounter[];
  /** More refusals than are kept. */
  readonly more: number;
}

export interface MovedCounter {
  readonly name: string;
  readonly file: string;
  readonly before: number;
  readonly after: number;
}

/** A call that the kernel did not do. */
export interface Refusal {
  /** As strace would print it, without the answer. */
  readonly text: string;
  /** The system call's name; `netlink` for a request in a netlink message, `signal` for an end by a signal. */
  readonly call: string;
  /** `EPERM`; for a signal its name. */
  readonly error: string;
  /** Manual page of the call. */
  readonly man: string;
  readonly pid: number;
  readonly program: string;
  /** Who refused; those after the first would have refused too. */
  readonly gates: readonly Gate[];
  readonly count: number;
  /** Such as programs meet all the time: a file that is looked for in several places. */
  readonly ordinary: boolean;
}

export type GateKind =
  | 'seccomp'
  | 'capability'
  | 'permission'
  | 'read-only'
  | 'kernel-files'
  | 'no-exec'
  | 'no-devices'
  | 'device'
  | 'missing'
  | 'interpreter'
  | 'not-a-program'
  | 'immutable'
  | 'protected-link'
  | 'pids'
  | 'memory'
  | 'rlimit'
  | 'space'
  | 'kernel-limit'
  | 'address-in-use'
  | 'address-not-here'
  | 'network-unreachable'
  | 'connection-refused'
  | 'no-answer'
  | 'packet-filter'
  | 'lsm'
  | 'landlock'
  | 'yama'
  | 'tracer'
  | 'busy'
  | 'unknown';

/** A gatekeeper, and what it decided by. */
export interface Gate {
  readonly kind: GateKind;
  /** It was seen to decide so; otherwise it is the likely one. */
  readonly certain: boolean;
  /** What the sentences are made of: names and values, by the kind. */
  readonly facts: Readonly<Record<string, string>>;
  /** Kernel state that was read, one line each: `/proc/12/status CapEff: …`. */
  readonly evidence: readonly string[];
  /** Option of `hako run` that would let it through. */
  readonly option?: string;
}
