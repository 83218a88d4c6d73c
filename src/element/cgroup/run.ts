/**
 * `hako cgroup run`, `move`, `freeze`, `thaw`, `kill` and `remove`: processes into a cgroup, and what is done to all that are in it.
 * See cgroups(7); docs/decisions/cgroup-join.md for how a process comes in.
 */
import { call, result, Unknown, type Known } from '../../kernel/call.ts';
import { readText } from '../../kernel/cgroupfs.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../../kernel/flags.ts';
import { directoryIn, processes, unifiedDirectory, type Cgroup } from '../../runtime/cgroup/cgroup.ts';
import { freeze, isFrozen, thaw } from '../../runtime/cgroup/freeze.ts';
import { joinSteps } from '../../runtime/cgroup/join.ts';
import { killAll } from '../../runtime/cgroup/kill.ts';
import { titleOf, type CgroupLayout, type Hierarchy } from '../../runtime/cgroup/layout.ts';
import { removeCgroup } from '../../runtime/cgroup/remove.ts';
import { restoreCalls, writeStep } from '../../runtime/cgroup/write.ts';
import { word, words } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import { foreground } from '../foreground.ts';
import { ElementError } from '../interpret.ts';
import { below, occupants } from './inside.ts';
import { cgroupsOf } from './machine.ts';
import { ProcessDirectory, vanished } from '../ns/processes.ts';
import { make, type Limits } from './make.ts';
import { changeable, existing } from './name.ts';

/** What is run in a cgroup. */
export interface Run {
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Make the cgroup for this run, with these limits, and remove it afterwards. */
  readonly make?: Limits;
}

/** Runs a program in the foreground, born in the cgroup. @returns its exit code */
export function* run(layout: CgroupLayout, name: string, plan: Run): Procedure<number> {
  const made = plan.make && (yield* make(layout, name, plan.make));
  const cgroup = made?.cgroup ?? existing(layout, name);
  if (made?.warnings.length) throw new ElementError(made.warnings[0]!);
  if (isFrozen(cgroup)) throw new ElementError(`the cgroup ${cgroup.path} is frozen, so nothing would run in it: thaw it with: hako cgroup thaw ${name}`);
  refuseInner(cgroup);
  const cgroupFd = yield* openUnified(cgroup);
  const join = joinSteps(cgroup);
  const code = yield* foreground({
    name: cgroup.path,
    flags: cgroupFd === undefined ? 0 : cloneFlags.CLONE_INTO_CGROUP,
    ...(cgroupFd === undefined ? {} : { cgroupFd }),
    inside: join,
    args: plan.args,
    env: plan.env,
    shell: `(${[...join, ...(cgroupFd === undefined ? [] : joinSteps(cgroup, { unified: 'write' }).slice(-1))].map((s) => s.shell).join('; ')}; exec ${words(plan.args)})`,
  });
  if (made) {
    yield* endAll(cgroup); // what it left running
    yield* removeCgroup(cgroup);
  }
  return code;
}

/**
 * Version 2 lets no process into a cgroup that hands controllers down, except the root ("no internal processes"): cgroup-v2.rst.
 * @throws ElementError that says where to instead of the kernel's EBUSY
 */
function refuseInner(cgroup: Cgroup): void {
  const unified = unifiedDirectory(cgroup);
  const handed = unified === undefined || cgroup.path === '' ? '' : (readText(`${unified}/cgroup.subtree_control`) ?? '');
  if (handed)
    throw new ElementError(
      `the cgroup ${cgroup.path} hands the controllers ${handed} to those below it, and cgroup v2 wants processes at the ends of the tree only: use one below it`,
    );
}

function* openUnified(cgroup: Cgroup): Procedure<Known | undefined> {
  const directory = unifiedDirectory(cgroup);
  if (directory === undefined) return undefined;
  const open = call('openat', [AT_FDCWD, directory, openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { label: 'cgroup' });
  return yield* step<Known>({
    id: 'cgroup.open',
    what: `Open the cgroup ${cgroup.path} of the version 2 tree, for the process to be born in`,
    calls: [open],
    shell: `exec 9< ${directory}`,
    look: `cat ${word(directory)}/cgroup.procs`,
    finally: [call('close', [result(open)])],
    result: ([fd]) => fd!,
    unknown: new Unknown('CGROUP'),
  });
}

/** Moves processes in, with all their threads; `/` takes them out to the root. @throws ElementError for processes that are not there */
export function* move(layout: CgroupLayout, name: string, pids: readonly number[]): Procedure {
  const out = /^\/+$/.test(name);
  const cgroup: Cgroup = out ? { layout, path: '', hierarchies: layout.hierarchies } : changeable(layout, name);
  refuseInner(cgroup);
  for (const pid of pids) {
    if (pid === 1) throw new ElementError("process 1 is the machine's own, and is not moved");
    const before = cgroupsOf(pid);
    if (!before) throw vanished(pid);
    // Kernel threads have no executable; the kernel refuses to move most of them.
    for (const hierarchy of cgroup.hierarchies) {
      const from = before.get(keyOf(hierarchy)) ?? '/';
      if (from === (cgroup.path || '/')) continue;
      const what = `Move process ${pid} from ${from} to ${cgroup.path || '/'} of ${titleOf(hierarchy)}`;
      const write = writeStep({ id: 'cgroup.move', what, path: `${directoryIn(hierarchy, cgroup.path)}/cgroup.procs`, value: String(pid) });
      yield* step({ ...write, undo: restoreCalls(`${directoryIn(hierarchy, from === '/' ? '' : from)}/cgroup.procs`, String(pid)) });
    }
  }
}

/** By what /proc/PID/cgroup names a hierarchy. */
const keyOf = (h: Hierarchy): string => (h.version === 2 ? '' : h.name === undefined ? h.controllers[0]! : `name=${h.name}`);

/** Pauses all processes of a cgroup. */
export function* freezeNamed(layout: CgroupLayout, name: string): Procedure {
  yield* freeze(changeable(layout, name));
}

/** Lets them go on. */
export function* thawNamed(layout: CgroupLayout, name: string): Procedure {
  yield* thaw(changeable(layout, name));
}

/** Kills all processes of a cgroup and of those below it. @returns how many there were */
export function* killNamed(layout: CgroupLayout, name: string): Procedure<number> {
  const cgroup = changeable(layout, name);
  const count = occupants(cgroup).length;
  yield* endAll(cgroup);
  return count;
}

/** Kills what is in any of the cgroup's hierarchies, which may be more than is in the first: somebody may have moved it by hand. */
function* endAll(cgroup: Cgroup): Procedure {
  const first = new Set(processes(cgroup));
  yield* killAll(cgroup);
  for (const hierarchy of cgroup.hierarchies) {
    const alone = { ...cgroup, hierarchies: [hierarchy] };
    if (processes(alone).some((pid) => !first.has(pid))) yield* killAll(alone);
  }
}

/** Removes a cgroup. @throws ElementError when it has cgroups below it or processes in it, unless these are to be killed and removed too */
export function* remove(layout: CgroupLayout, name: string, force: boolean): Procedure {
  const cgroup = changeable(layout, name);
  if (!force) {
    const inside = occupants(cgroup);
    const others = below(cgroup);
    if (inside.length) {
      const some = inside.slice(0, 5).map((pid) => `${pid} (${ProcessDirectory.commandOf(pid)})`);
      const list = some.join(', ') + (inside.length > some.length ? ` and ${inside.length - some.length} more` : '');
      throw new ElementError(`the cgroup ${cgroup.path} has processes in it: ${list}; end or move them, or use --force to kill them`);
    }
    if (others.length) throw new ElementError(`the cgroup ${cgroup.path} has others below it (${others.join(', ')}): remove these first, or use --force`);
  }
  if (force) yield* endAll(cgroup);
  yield* removeCgroup(cgroup);
}
