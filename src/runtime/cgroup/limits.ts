/** Limits of a cgroup: each controller plans its own, here they become steps and warnings. */
import { existsSync } from 'node:fs';
import { cgroupTree, readText } from '../../kernel/cgroupfs.ts';
import type { Procedure } from '../../step/step.ts';
import { step } from '../../step/step.ts';
import type { Resources } from '../spec.ts';
import { directoryIn, type Cgroup } from './cgroup.ts';
import type { Files, Plan, PlanLimits } from './controllers/controller.ts';
import { planCpu } from './controllers/cpu.ts';
import { planCpuset } from './controllers/cpuset.ts';
import { planHugetlb } from './controllers/hugetlb.ts';
import { planIo } from './controllers/io.ts';
import { planMemory } from './controllers/memory.ts';
import { planNetCls } from './controllers/net-cls.ts';
import { planNetPrio } from './controllers/net-prio.ts';
import { planPids } from './controllers/pids.ts';
import { planRdma } from './controllers/rdma.ts';
import { planUnified } from './controllers/unified.ts';
import { CgroupError } from './error.ts';
import { hierarchyOf, type CgroupLayout, type Hierarchy } from './layout.ts';
import { writeStep } from './write.ts';

const controllers: readonly (readonly [name: string, asked: (resources: Resources) => boolean, plan: PlanLimits])[] = [
  ['cpuset', (r) => r.cpu !== undefined, planCpuset],
  ['cpu', (r) => r.cpu !== undefined, planCpu],
  ['memory', (r) => r.memory !== undefined, planMemory],
  ['pids', (r) => r.pids !== undefined, planPids],
  ['io', (r) => r.blockIO !== undefined, planIo],
  ['hugetlb', (r) => r.hugepageLimits !== undefined, planHugetlb],
  ['net-cls', (r) => r.network !== undefined, planNetCls],
  ['net-prio', (r) => r.network !== undefined, planNetPrio],
  ['rdma', (r) => r.rdma !== undefined, planRdma],
  ['unified', (r) => r.unified !== undefined, planUnified],
];

/** One controller's plan, with the directory that it is for. */
interface PlacedPlan extends Plan {
  readonly controller: string;
  readonly hierarchy: Hierarchy | undefined;
}

function plan(layout: CgroupLayout, resources: Resources, path: string): PlacedPlan[] {
  return controllers
    .filter(([, asked]) => asked(resources))
    .map(([controller, , planLimits]) => {
      const hierarchy = controller === 'unified' ? layout.unified : hierarchyOf(layout, controller.replace('-', '_'));
      return { controller, hierarchy, ...planLimits(hierarchy?.version, resources, hierarchy ? filesIn(hierarchy, path) : noFiles) };
    });
}

const noFiles: Files = { has: () => false, read: () => undefined, readRoot: () => undefined };

/**
 * The files that a cgroup has, or will have: before it is made, any other cgroup of the hierarchy tells (the root does
 * not, it lacks most files). Where there is none at all, the kernel is taken to have everything.
 */
function filesIn(hierarchy: Hierarchy, path: string): Files {
  const own = directoryIn(hierarchy, path);
  let sample: string | undefined;
  const look = (): string | undefined => (sample ??= path !== '/' && existsSync(own) ? own : cgroupTree(hierarchy.mountPoint)[1]);
  return {
    has: (file) => {
      const directory = look();
      // On v2 another cgroup may lack a controller that this one will be given: only our own is proof.
      if (directory === undefined || (hierarchy.version === 2 && directory !== own)) return true;
      return existsSync(`${directory}/${file}`);
    },
    read: (file) => readText(`${own}/${file}`),
    readRoot: (file) => readText(`${hierarchy.mountPoint}/${file}`),
  };
}

/** Options of {@link limit}. */
export interface LimitOptions {
  /** Note what each file had before, so that an undo restores it. For a cgroup that is in use; a new one is removed. */
  readonly restorable?: boolean;
  /** Refuse, before anything is written, what can not be in force; otherwise that is told among the warnings. */
  readonly strict?: boolean;
}

/**
 * Writes limits to a cgroup: only those asked for, one file each, in the order that the kernel takes them.
 * The cgroup must have the hierarchies for them: {@link createCgroup} with the same resources, or {@link updateCgroup}.
 * @returns warnings, one sentence each: what was asked for and can not be in force on this machine, unless `strict`
 * @throws CgroupError with `strict`, when a limit can not be in force
 */
export function* limit(cgroup: Cgroup, resources: Resources, options: LimitOptions = {}): Procedure<string[]> {
  const plans = plan(cgroup.layout, resources, cgroup.path);
  const unmet = plans.flatMap((p) => p.unmet);
  if (options.strict) refuseUnmet(cgroup, plans);
  for (const { controller, hierarchy, writes } of plans) {
    if (!hierarchy) continue;
    const directory = directoryIn(hierarchy, cgroup.path);
    for (const { file, value, what } of writes) {
      const path = `${directory}/${file}`;
      const before = options.restorable ? restorable(file, readText(path), value) : undefined;
      const write = { id: `cgroup.limit.${controller}`, what: `${what} (${cgroup.path})`, path, value };
      yield* step(writeStep(before === undefined ? write : { ...write, before }));
    }
  }
  return [...unmet, ...plans.flatMap((p) => p.warnings)];
}

function refuseUnmet(cgroup: Cgroup, plans: readonly PlacedPlan[]): void {
  const unmet = plans.flatMap((p) => p.unmet);
  if (unmet.length > 0) throw new CgroupError(unmet.join('; '));
  for (const { hierarchy, writes } of plans) {
    const directory = hierarchy && directoryIn(hierarchy, cgroup.path);
    const missing = directory !== undefined && existsSync(directory) ? writes.find(({ file }) => !existsSync(`${directory}/${file}`)) : undefined;
    if (missing) throw new CgroupError(`${missing.file} can not be set: ${directory} has no such file, so the cgroups above do not hand its controller down`);
  }
}

/** What to write to a file to have its present state again. Files with a line per device: the line of this device. */
function restorable(file: string, now: string | undefined, value: string): string | undefined {
  if (now === undefined) return undefined;
  const [device] = value.split(' ');
  // `default 100` and `oom_kill_disable 0` are read with a name and written without; an empty set is written as a newline.
  if (!/^\d+:\d+$/.test(device ?? '')) return now.split('\n')[0]!.replace(/^(default|oom_kill_disable) /, '') || '\n';
  const line = now.split('\n').find((l) => l.startsWith(`${device} `));
  if (line !== undefined) return line;
  if (file === 'io.max') return `${device} rbps=max wbps=max riops=max wiops=max`;
  return `${device} ${file.includes('weight') ? 'default' : '0'}`;
}

/**
 * What of these limits this machine can not give, one sentence each; empty when it can give all.
 * @param path a cgroup that exists, to look into; default: any
 */
export function unsupported(layout: CgroupLayout, resources: Resources, path = '/'): string[] {
  const warnings = plan(layout, resources, path).flatMap((p) => [...p.unmet, ...p.warnings]);
  if (resources.devices?.length && layout.deviceFilter === 'none') warnings.push(noDeviceFilter);
  return warnings;
}

/** The warning for device rules that nothing can hold. */
export const noDeviceFilter =
  'Device rules will not be in force: this machine has no devices cgroup controller, and eBPF device filters can not be loaded (they need root)';
