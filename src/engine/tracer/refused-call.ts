/** A call that was refused, and what its judges know: the thread that made it (stopped), its filters, and the container's options. */
import type { Gate, GateKind } from '../../api/schema.ts';
import type { Instruction } from '../../kernel/bpf/classic.ts';
import type { DeviceRule } from '../../runtime/spec.ts';
import type { TracedThread } from './thread.ts';

/** What the engine tells the tracer of the container: the options behind what the kernel does. */
export interface WhyContext {
  readonly name: string;
  /** The bounding set. */
  readonly capabilities: readonly string[];
  /** The filter is the engine's own, which follows the capabilities. */
  readonly defaultSeccomp: boolean;
  /** The filter as the record makes it: asked where the kernel shows the loaded one to nobody but the machine's root. */
  readonly recordedFilter: readonly Instruction[] | undefined;
  readonly deviceRules: readonly DeviceRule[];
  readonly mounts: readonly { readonly type: string; readonly source: string; readonly destination: string; readonly writable: boolean }[];
  readonly readOnlyRoot: boolean;
  readonly networkMode: string;
  /** Directories of the container's cgroup. */
  readonly cgroup: { readonly pids?: string | undefined; readonly memory?: string | undefined; readonly unified?: string | undefined };
}

export interface RefusedCall {
  readonly thread: TracedThread;
  readonly name: string;
  readonly number: number;
  readonly arch: number;
  readonly args: readonly bigint[];
  /** Of an error: `EPERM`. */
  readonly error: string;
  readonly errno: number;
  readonly filters: readonly (readonly Instruction[])[];
  readonly context: WhyContext;
}

/** A gate, with the errors that it answers with: which of several spoke first is told by the error that came. */
export interface JudgedGate extends Gate {
  readonly answers: readonly string[];
}

/** What is offered to be copied into a shell: no name of the container's makes another command of it. */
const harmless = /^[\w@%+=:,./ -]*$/;

/** Makes a gate. */
export function gate(
  kind: GateKind,
  answers: readonly string[],
  facts: Readonly<Record<string, string | number>>,
  evidence: readonly string[],
  more: { readonly certain?: boolean; readonly option?: string | undefined } = {},
): JudgedGate {
  const text = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value)]));
  return {
    kind,
    certain: more.certain ?? true,
    facts: text,
    evidence,
    answers,
    ...(more.option !== undefined && harmless.test(more.option) ? { option: more.option } : {}),
  };
}
