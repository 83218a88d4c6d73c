/** The six kinds of hooks, at their moments: which of them run where, what they are told, and what becomes of one that fails. */
import { readFileSync } from 'node:fs';
import type { Known } from '../kernel/call.ts';
import { groupsDenied } from '../kernel/user-namespace.ts';
import { runHook, type HookPlan } from '../runtime/hook.ts';
import type { Hooks, Spec } from '../runtime/spec.ts';
import { StartError } from '../runtime/start-error.ts';
import { StepError } from '../step/apply.ts';
import type { Procedure } from '../step/step.ts';
import { cgroupToEnter } from './cgroup-to-enter.ts';
import type { ContainerRecord, Status } from './container-record.ts';
import { specifiedState } from './container-state.ts';
import { OciError } from './error.ts';
import { supervisorOf } from './supervisor.ts';

export type HookKind = keyof Hooks;

/** A hook that failed. */
export class HookError extends OciError {}

/** Where and about what hooks are run. */
export interface HookMoment {
  readonly spec: Spec;
  readonly record: ContainerRecord;
  readonly status: Status;
  /** The container's first process; absent when there is none any more. */
  readonly pid?: Known;
}

const inContainer: readonly HookKind[] = ['createContainer', 'startContainer'];

/** Whether there is a hook of one of these kinds. */
export const hasHooks = (spec: Spec, ...kinds: readonly HookKind[]): boolean => kinds.some((kind) => (spec.hooks?.[kind]?.length ?? 0) > 0);

/**
 * Runs the hooks of a kind, one after the other.
 * @throws HookError when one fails: those after it are not run
 */
export function* runHooks(kind: HookKind, moment: HookMoment): Procedure {
  for (const i of (moment.spec.hooks?.[kind] ?? []).keys()) yield* runOne(kind, i, moment);
}

/** Runs the hooks of a kind, all of them. @returns a sentence for each that failed */
export function* runAllHooks(kind: HookKind, moment: HookMoment): Procedure<string[]> {
  const failures: string[] = [];
  for (const i of (moment.spec.hooks?.[kind] ?? []).keys()) {
    try {
      yield* runOne(kind, i, moment);
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      failures.push(error.message);
    }
  }
  return failures;
}

function* runOne(kind: HookKind, index: number, { spec, record, status, pid }: HookMoment): Procedure {
  const hook = spec.hooks![kind]![index]!;
  const failed = (why: string): HookError => new HookError(`error running ${kind} hook #${index} (${hook.path}): ${why}`);
  const inside = inContainer.includes(kind) && pid !== undefined;
  const seen = typeof pid !== 'number' ? undefined : inside ? pidInside(pid) : pid;
  const state = specifiedState(record, status, seen);
  let failure: string | undefined;
  try {
    ({ failure } = yield* runHook({
      hook,
      kind,
      state: JSON.stringify(state),
      cwd: kind === 'startContainer' ? '/' : record.bundle,
      ...(inside ? { inside: { pid, namespaces: record.namespaces, groupsDenied: typeof pid === 'number' && groupsDenied(pid) } } : {}),
      ...(inside && kind === 'startContainer' ? { confinement: confinementOf(spec, record) } : {}),
    }));
  } catch (error) {
    if (error instanceof StartError || error instanceof StepError) throw failed(error.message);
    throw error;
  }
  if (failure) throw failed(failure);
}

/** A hook of the image's own program has no more power than the program that the container is for. */
function confinementOf(spec: Spec, record: ContainerRecord): NonNullable<HookPlan['confinement']> {
  const { process, linux } = spec;
  return {
    process,
    cgroup: cgroupToEnter(record),
    seccomp: linux.seccomp,
    personality: linux.personality,
    keyring: record.keyring,
    supervisor: supervisorOf(spec, record, 'created'),
  };
}

/** A process's id as it is in its own pid namespace: the last of those that proc(5) has for it. */
function pidInside(pid: number): number {
  const ids = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/);
  return Number(ids?.at(-1) ?? pid);
}
