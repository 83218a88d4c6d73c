/**
 * What each controller's file has in common: it plans. A plan says which files to write for the limits asked for, and
 * which of these limits the machine can't hold. One function makes both, so a limit is either written or told to be unmet.
 */
import { inFirstUserNamespace } from '../../../kernel/user-namespace.ts';
import type { Resources } from '../../spec.ts';

/** One file of the controller's directory to write. */
export interface FileWrite {
  readonly file: string;
  readonly value: string;
  /** What it means, for people: `Limit memory to 536870912 bytes`. */
  readonly what: string;
}

export interface Plan {
  /** In the order in which the kernel takes them. */
  readonly writes: FileWrite[];
  /** Limits that can not be in force on this machine, a sentence each: which, why, and what would help. */
  readonly unmet: string[];
  /** What else somebody who set them should know. */
  readonly warnings: string[];
}

/** The files of a controller's directory, as far as a plan has to know them. */
export interface Files {
  /** Whether this kernel has the file; assumed where there is no cgroup yet to look into. */
  has(file: string): boolean;
  /** What it says now; undefined when there is no cgroup yet. */
  read(file: string): string | undefined;
  /** What the hierarchy's root says: settings of the whole machine. */
  readRoot(file: string): string | undefined;
}

/**
 * Plans the limits of one controller.
 * @param version of the hierarchy that has the controller; undefined: none has
 */
export type PlanLimits = (version: 1 | 2 | undefined, resources: Resources, files: Files) => Plan;

/** The sentence for limits whose controller is in no hierarchy. */
export const noController = (controller: string, limits: string): string =>
  inFirstUserNamespace()
    ? `${limits} will not be in force: this machine has no ${controller} cgroup controller (see /proc/cgroups and the kernel's cgroup_disable= option)`
    : `${limits} will not be in force: no ${controller} controller of cgroup version 2 is delegated to you; with systemd, end the engine (hako engine stop), and start it by: systemd-run --user --scope -p Delegate=yes hako engine start`;
