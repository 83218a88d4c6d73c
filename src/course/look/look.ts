/**
 * What a condition looks with: the kernel's state of one lab, read when it is first asked for and kept for this one look, so that all
 * conditions of a look see the same moment as nearly as it can be had. It changes nothing, but for `run`, which tries something.
 */
import { readMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import type { Facts } from '../exercise.ts';
import type { LabHierarchy } from '../../lab/place.ts';
import { attempt } from '../../kernel/attempt.ts';
import { labProcesses, type LabProcess } from '../../lab/processes.ts';
import { labCgroups, type LabCgroup } from './cgroup.ts';

/** What a probe that ran in the lab gave. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a look is made of. */
export interface LookPlan {
  /** The lab's first process, as the machine counts. */
  readonly first: number;
  /** The lab's name, which is its hostname. */
  readonly name: string;
  readonly hierarchies: readonly LabHierarchy[];
  readonly facts: Facts;
  /** What the learner last answered, trimmed; undefined before. */
  readonly answer: string | undefined;
  /** The lab's objects as they were when the scene was set, one line each. */
  readonly inventoryAtStart: readonly string[];
  readonly inventory: () => readonly string[];
  readonly run: (args: readonly string[], options?: { readonly stdin?: string; readonly timeout?: number }) => Promise<Ran>;
}

export class Look {
  readonly #plan: LookPlan;
  #processes: readonly LabProcess[] | undefined;
  #cgroups: readonly LabCgroup[] | undefined;
  #inventory: readonly string[] | undefined;
  readonly #mounts = new Map<number, readonly Mount[]>();

  constructor(plan: LookPlan) {
    this.#plan = plan;
  }

  /** The lab's name: what its hostname was when the scene was set. */
  get labName(): string {
    return this.#plan.name;
  }

  /** What was planted when the scene was set. */
  get facts(): Facts {
    return this.#plan.facts;
  }

  /** What the learner last answered (`answer VALUE` in the lab, or `hako learn answer VALUE`). */
  get answer(): string | undefined {
    return this.#plan.answer;
  }

  /** The lab's objects now, and as they were when the scene was set: one line each. */
  get inventory(): { readonly before: readonly string[]; readonly now: readonly string[] } {
    return { before: this.#plan.inventoryAtStart, now: (this.#inventory ??= this.#plan.inventory()) };
  }

  /** All processes of the lab, its first one included. */
  get processes(): readonly LabProcess[] {
    return (this.#processes ??= labProcesses(this.#plan.first));
  }

  /** The lab's first process: what has its namespaces is not isolated. */
  get host(): LabProcess {
    const found = this.processes.find(({ pid }) => pid === this.#plan.first);
    if (!found) throw new LabGone();
    return found;
  }

  /** The processes that are the learner's: all but the lab's first. */
  get others(): readonly LabProcess[] {
    return this.processes.filter(({ pid }) => pid !== this.#plan.first);
  }

  process(pid: number): LabProcess | undefined {
    return this.processes.find((p) => p.pid === pid);
  }

  /** Every cgroup beneath the lab's root cgroups. */
  get cgroups(): readonly LabCgroup[] {
    return (this.#cgroups ??= labCgroups(this.#plan.hierarchies));
  }

  get hierarchies(): readonly LabHierarchy[] {
    return this.#plan.hierarchies;
  }

  /** The cgroups of a hierarchy that has a controller. */
  cgroupsWith(controller: string): readonly LabCgroup[] {
    return this.cgroups.filter(({ hierarchy }) => hierarchy.controllers.includes(controller));
  }

  /** The cgroup that a process is in, where a controller counts it; undefined for the lab's root. */
  cgroupOf({ pid }: LabProcess, controller: string): LabCgroup | undefined {
    return this.cgroupsWith(controller).find((cgroup) => cgroup.processes.includes(pid));
  }

  /** Whether a process is in a cgroup that stands still. */
  isFrozen({ pid }: LabProcess): boolean {
    return this.cgroups.some((cgroup) => cgroup.isFrozen && cgroup.processes.includes(pid));
  }

  /** What a process sees mounted; empty when it is gone. */
  mountsOf({ pid }: LabProcess): readonly Mount[] {
    const known = this.#mounts.get(pid);
    if (known) return known;
    const mounts = attempt(() => readMountinfo(pid)) ?? [];
    this.#mounts.set(pid, mounts);
    return mounts;
  }

  /** Descendants of a process, as far as their parents live. */
  descendantsOf(process: LabProcess): readonly LabProcess[] {
    const children = this.processes.filter(({ parent }) => parent === process.pid);
    return children.flatMap((child) => [child, ...this.descendantsOf(child)]);
  }

  /** Tries something in the lab, as its root; for what cannot be read (does a port answer?). */
  run(args: readonly string[], options?: { readonly stdin?: string; readonly timeout?: number }): Promise<Ran> {
    return this.#plan.run(args, options);
  }
}

/** The lab's first process has ended: nothing can be looked at. */
export class LabGone extends Error {
  override readonly name = 'LabGone';
  constructor() {
    super('the lab has ended: its first process is gone');
  }
}
