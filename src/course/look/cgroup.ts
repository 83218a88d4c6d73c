/**
 * The cgroups of a lab, as conditions see them: every directory beneath the lab's root cgroup, in each hierarchy. What version 1 and
 * version 2 write differently is read here as the same figure, so that a condition says it once. See cgroups(7),
 * Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHierarchy } from '../../lab/place.ts';
import { attempt } from '../../kernel/attempt.ts';

/** A CPU limit: microseconds in each period; `quota` undefined for none. */
export interface CpuLimit {
  readonly quota: number | undefined;
  readonly period: number;
}

/** One cgroup of the lab's. */
export class LabCgroup {
  readonly hierarchy: LabHierarchy;
  /** As the lab sees it, `/` for its root. */
  readonly name: string;
  readonly directory: string;

  constructor(hierarchy: LabHierarchy, name: string) {
    this.hierarchy = hierarchy;
    this.name = name;
    this.directory = join(hierarchy.path, name);
  }

  get version(): 1 | 2 {
    return this.hierarchy.version;
  }

  /** A file of it, without its last newline; undefined where there is none. */
  read(file: string): string | undefined {
    return attempt(() => readFileSync(join(this.directory, file), 'utf8').trimEnd());
  }

  /** A file that is one number; `max` and version 1's "no limit" are Infinity. */
  number(file: string): number | undefined {
    const text = this.read(file);
    if (text === undefined || !/^-?\d+$|^max$/.test(text)) return undefined;
    const value = text === 'max' ? Infinity : Number(text);
    return value >= 0x7fff_ffff_ffff_f000 ? Infinity : value;
  }

  /** A value of a file of lines `KEY VALUE`: `memory.events` `oom_kill`. */
  keyed(file: string, key: string): number | undefined {
    const found = new RegExp(`^${key} (\\d+)$`, 'm').exec(this.read(file) ?? '')?.[1];
    return found === undefined ? undefined : Number(found);
  }

  /** The processes in it, as the machine counts, without those of the cgroups below. */
  get processes(): number[] {
    return (this.read('cgroup.procs') ?? '').split('\n').filter(Boolean).map(Number);
  }

  /** The same file's names in both versions. */
  #by<T>(v1: T, v2: T): T {
    return this.version === 1 ? v1 : v2;
  }

  get cpuLimit(): CpuLimit | undefined {
    if (this.version === 1) {
      const [quota, period] = [this.number('cpu.cfs_quota_us'), this.number('cpu.cfs_period_us')];
      return quota === undefined || period === undefined ? undefined : { quota: quota < 0 ? undefined : quota, period };
    }
    const [quota, period] = (this.read('cpu.max') ?? '').split(' ');
    return period === undefined ? undefined : { quota: quota === 'max' ? undefined : Number(quota), period: Number(period) };
  }

  /** How many periods ended with the quota used up. */
  get throttledPeriods(): number | undefined {
    return this.keyed('cpu.stat', 'nr_throttled');
  }

  /** 100 is what is given by default, whichever the version's own scale. */
  get cpuWeight(): number | undefined {
    return this.version === 1 ? ((shares) => (shares === undefined ? undefined : (shares * 100) / 1024))(this.number('cpu.shares')) : this.number('cpu.weight');
  }

  /** Bytes; Infinity for none. */
  get memoryLimit(): number | undefined {
    return this.number(this.#by('memory.limit_in_bytes', 'memory.max'));
  }

  /** How many processes the kernel has killed here for want of memory. */
  get oomKills(): number | undefined {
    return this.#by(this.keyed('memory.oom_control', 'oom_kill'), this.keyed('memory.events', 'oom_kill'));
  }

  /** Infinity for none. */
  get pidsLimit(): number | undefined {
    return this.number('pids.max');
  }

  get pidsUsage(): number | undefined {
    return this.number('pids.current');
  }

  /** How many forks the limit has refused. */
  get pidsRefused(): number | undefined {
    return this.keyed('pids.events', 'max');
  }

  /** Whether all in it stand still. */
  get isFrozen(): boolean {
    return this.version === 1 ? this.read('freezer.state') === 'FROZEN' : this.keyed('cgroup.events', 'frozen') === 1;
  }
}

/** All cgroups beneath the roots, without the roots themselves, the upper ones first. */
export function labCgroups(hierarchies: readonly LabHierarchy[]): LabCgroup[] {
  const below = (hierarchy: LabHierarchy, name: string): LabCgroup[] => {
    const entries = attempt(() => readdirSync(join(hierarchy.path, name), { withFileTypes: true })) ?? [];
    return entries
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => {
        const child = join(name, entry.name);
        return [new LabCgroup(hierarchy, child), ...below(hierarchy, child)];
      });
  };
  return hierarchies.flatMap((hierarchy) => below(hierarchy, '/'));
}
