/** Limits that are a process's own: rlimits and the OOM score, cut to what the engine may give. See prlimit(2), proc_pid_oom_score_adj(5). */
import { readFileSync } from 'node:fs';
import { inFirstUserNamespace } from '../../kernel/user-namespace.ts';
import type { HostConfig } from '../../api/schema.ts';
import { availableCapabilities } from '../../runtime/capabilities.ts';
import { clampRlimits, ownHardLimits, parseUlimit, type Rlimit } from '../../runtime/rlimits.ts';
import { hasUserNamespace } from './namespaces.ts';
import { refuse, refusing } from './refusal.ts';

/** What this engine may do; of itself it changes nothing, so it is read once. */
export interface Powers {
  /** CAP_SYS_RESOURCE: hard limits can be raised, OOM scores lowered. */
  readonly resource: boolean;
  readonly hardLimits: ReadonlyMap<string, number>;
  /** Its own score, which what it starts begins with. */
  readonly oomScoreAdj: number;
}

let own: Powers | undefined;

function powersFor(host: HostConfig): Powers {
  own ??= {
    // Root of a user namespace has it over nothing that is asked here.
    resource: inFirstUserNamespace() && availableCapabilities().includes('CAP_SYS_RESOURCE'),
    hardLimits: ownHardLimits(),
    oomScoreAdj: Number(readFileSync('/proc/self/oom_score_adj', 'utf8')),
  };
  // Both are set from within the user namespace, whose capabilities count for nothing there.
  return hasUserNamespace(host) ? { ...own, resource: false } : own;
}

/** `Ulimits` as the specification has them. @throws EngineError 400 for an unknown name or a soft limit above the hard one */
export function rlimitsOf(host: HostConfig, powers: Powers = powersFor(host)): { readonly rlimits: readonly Rlimit[]; readonly warnings: readonly string[] } {
  const { Ulimits = [] } = host;
  if (Ulimits.length === 0) return { rlimits: [], warnings: [] };
  // The last one of a name counts.
  const limits = new Map(Ulimits.map(({ Name, Soft, Hard }) => [Name, refusing(() => parseUlimit(`${Name}=${Soft}:${Hard}`))]));
  return clampRlimits([...limits.values()], powers.resource, powers.hardLimits);
}

/**
 * The score to set; undefined where the process has it already. A container's is 0 where nothing is said, whatever the
 * engine's own is, as far as it may be lowered.
 * @throws EngineError 400 when it is out of range
 */
export function oomScoreOf(host: HostConfig, powers: Powers = powersFor(host)): { readonly value?: number; readonly warnings: readonly string[] } {
  const { OomScoreAdj = 0 } = host;
  refuse(OomScoreAdj < -1000 || OomScoreAdj > 1000, `Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  if (OomScoreAdj === powers.oomScoreAdj) return { warnings: [] };
  if (OomScoreAdj > powers.oomScoreAdj || powers.resource) return { value: OomScoreAdj, warnings: [] };
  const sentence = `The OOM score stays at ${powers.oomScoreAdj} instead of ${OomScoreAdj}: the engine does not have CAP_SYS_RESOURCE to lower it`;
  return { warnings: OomScoreAdj === 0 ? [] : [sentence] };
}
