/** What the files in attacks/ export: attacks, each for a row of the checklist. */
import type { TargetName } from './checklist.ts';
import type { Target } from './targets.ts';

/** An attack, tried by every target that it is for. */
export interface Attack {
  /** Of the checklist. */
  readonly row: string;
  /** Completes "by TARGET: …". */
  readonly name: string;
  /** By which targets it is tried; absent: by all four. */
  readonly by?: readonly TargetName[];
  /** Why it cannot be tried on this machine. */
  readonly skip?: () => string | false;
  /** Throws where the attack succeeds. */
  readonly attack: (target: Target) => Promise<void>;
}

export const byRun: readonly TargetName[] = ['engine run', 'oci run'];
export const byExec: readonly TargetName[] = ['engine exec', 'oci exec'];
export const byOci: readonly TargetName[] = ['oci run', 'oci exec'];
