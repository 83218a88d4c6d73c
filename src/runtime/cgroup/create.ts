/** Making a container's cgroup, and what a cgroup needs before a process can be in it. */
import { existsSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { readText } from '../../kernel/cgroupfs.ts';
import { errno } from '../../kernel/errno.ts';
import { AT_FDCWD } from '../../kernel/flags.ts';
import { same, type Condition } from '../../step/goal.ts';
import { word, words } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import type { Resources } from '../spec.ts';
import { checkPath, controllersAsked, directoryIn, findCgroup, hierarchiesFor, prefixes, processes, type Cgroup } from './cgroup.ts';
import { enableControllers, offerControllers } from './enable.ts';
import type { CgroupLayout, Hierarchy } from './layout.ts';
import { removeCgroup, removeDirectory } from './remove.ts';
import { holdsValue } from './shown.ts';
import { writeCalls } from './write.ts';
import { CgroupError } from './error.ts';

const permissions = 0o755;

/** Controllers of v2 that a container gets without asking: those that give figures, and a share of its own. */
const usual = ['cpu', 'io', 'memory', 'pids'];

/** Options of {@link createCgroup}. */
export interface CreateOptions {
  /** Those to make it in; default: what a container with these limits needs ({@link hierarchiesFor}). */
  readonly hierarchies?: readonly Hierarchy[];
  /**
   * Hierarchies that have a cgroup of this path, which is kept with the limits it has, and processes if there are: who gave the path has
   * made it. It is not removed when this is undone. Without them one that is there was left behind, and is made anew.
   */
  readonly kept?: readonly Hierarchy[];
  /** Have controllers of version 2 that no limit asks for only as far as the cgroups above hand them down, or can be made to. */
  readonly modest?: boolean;
}

/**
 * Makes a cgroup in every hierarchy that it is to be in, and the cgroups above it where they are missing. Those above
 * stay when this is undone: other containers may have come.
 * @param path absolute, below the root of each hierarchy: `/hako/ID`
 * @throws CgroupError when the path is no cgroup path, or names a cgroup with processes in it that is to be made anew
 */
export function* createCgroup(layout: CgroupLayout, path: string, resources: Resources = {}, options: CreateOptions = {}): Procedure<Cgroup> {
  checkPath(path);
  const { hierarchies = hierarchiesFor(layout, resources), kept } = options;
  const [first] = hierarchies; // every container uses it, and it is the last to be removed, so it tells of what is left
  if (kept === undefined && first && existsSync(directoryIn(first, path))) yield* removeLeftOver(layout, path);
  const parent = path.slice(0, path.lastIndexOf('/'));
  for (const hierarchy of hierarchies) yield* createParents(hierarchy, parent);
  if (layout.unified && hierarchies.includes(layout.unified)) {
    const asked = controllersAsked(resources);
    yield* options.modest ? offerControllers(layout.unified, parent, asked) : enableControllers(layout.unified, parent, [...usual, ...asked]);
  }

  const missing = hierarchies.filter((h) => !kept?.includes(h));
  if (missing.length > 0) yield* makeDirectories(path, missing);
  const cpuset = hierarchies.find(isV1Cpuset);
  if (cpuset && (missing.includes(cpuset) || !readText(`${directoryIn(cpuset, path)}/cpuset.cpus`)))
    yield* fillCpuset(directoryIn(cpuset, path), resources.cpu);
  return { layout, path, hierarchies };
}

function* makeDirectories(path: string, hierarchies: readonly Hierarchy[]): Procedure {
  const directories = hierarchies.map((h) => directoryIn(h, path));
  const calls = directories.map((directory) => call('mkdirat', [AT_FDCWD, directory, permissions]));
  yield* step({
    id: 'cgroup.create',
    what: `Make the cgroup ${path} in ${directories.length} hierarchies`,
    calls,
    get shell() {
      return `mkdir ${words(directories)}`;
    },
    get shellUndo() {
      return `remove_cgroup ${words(directories.toReversed())}`;
    },
    get look() {
      return `ls -d ${words(directories)}`;
    },
    goal: () => directories.map(isThere),
    // One that was there already is another creator's.
    undo: calls.map((made, i) => removeDirectory(directories[i]!, made)),
  });
}

const isThere = (directory: string): Condition => same(directory, 'a cgroup', existsSync(`${directory}/cgroup.procs`) ? 'a cgroup' : '');

function* removeLeftOver(layout: CgroupLayout, path: string): Procedure {
  const left = findCgroup(layout, path);
  if (!left) return;
  refuseProcesses(path, left.hierarchies);
  yield* removeCgroup(left);
}

function refuseProcesses(path: string, hierarchies: readonly Hierarchy[]): void {
  const [pid] = processes({ path, hierarchies });
  if (pid !== undefined) throw new CgroupError(`the cgroup ${path} exists and has processes in it (${pid}): stop them, or use another path`);
}

const isV1Cpuset = (hierarchy: Hierarchy): boolean => hierarchy.version === 1 && hierarchy.controllers.includes('cpuset');

/** Makes the cgroups above the container's, where they are missing. */
export function* createParents(hierarchy: Hierarchy, parent: string): Procedure {
  if (parent === '') return;
  const cpuset = isV1Cpuset(hierarchy);
  if (existsSync(directoryIn(hierarchy, parent)) && !(cpuset && lacksMembers(directoryIn(hierarchy, parent)))) return;
  for (const ancestor of prefixes(parent)) {
    const directory = directoryIn(hierarchy, ancestor);
    if (existsSync(directory)) {
      if (cpuset) yield* fillCpuset(directory, membersOf(directory)); // somebody has made it who needed it for nothing
      continue;
    }
    yield* step({
      id: 'cgroup.parent',
      what: `Make the cgroup ${ancestor}, in which the containers' will be, in ${hierarchy.mountPoint}`,
      calls: [call('mkdirat', [AT_FDCWD, directory, permissions], { accept: [errno.EEXIST] })],
      shell: `mkdir -p ${word(directory)}`,
      shellUndo: `rmdir ${word(directory)} 2>/dev/null || true # unless others are in it`,
      look: `ls -d ${word(directory)}`,
      goal: () => [isThere(directory)],
      undone: 'stays: other containers may have come; goes with the engine, when no container runs',
    });
    if (cpuset) yield* fillCpuset(directory);
  }
}

/** The processors and memory nodes of a v1 cpuset, those that it has. */
function membersOf(directory: string): { cpus?: string; mems?: string } {
  const [cpus, mems] = [readText(`${directory}/cpuset.cpus`), readText(`${directory}/cpuset.mems`)];
  return { ...(cpus && { cpus }), ...(mems && { mems }) };
}

/** Whether no process can be in a v1 cpuset. */
const lacksMembers = (directory: string): boolean => Object.keys(membersOf(directory)).length < 2;

/**
 * A new v1 cpuset has no processors and no memory nodes, and no process can join it before it has: it gets those of
 * the cgroup above. What will be set as a limit is left out. See cpuset(7).
 * @param asked limits that {@link limit} is about to write
 */
export function* fillCpuset(directory: string, asked: { readonly cpus?: string; readonly mems?: string } = {}): Procedure {
  const files = [...(asked.cpus ? [] : ['cpuset.cpus']), ...(asked.mems ? [] : ['cpuset.mems'])];
  if (files.length === 0) return;
  const above = directory.slice(0, directory.lastIndexOf('/'));
  const writes = files.map((file) => ({ path: `${directory}/${file}`, value: inherited(above, file), from: `${above}/${file}` }));
  const made = writes.map(({ path, value }) => writeCalls(path, value));
  yield* step({
    id: 'cgroup.cpuset',
    what: `Give ${directory} the processors and memory nodes of the cgroup above, or nothing could run in it`,
    calls: made.flatMap((m) => m.calls),
    finally: made.flatMap((m) => m.finally ?? []),
    get shell() {
      return writes.map(({ path, from }) => `cat ${word(from)} >${word(path)}`).join('\n');
    },
    get look() {
      return `cat ${words(writes.map(({ path }) => path))}`;
    },
    goal: () => writes.map(({ path, value }) => holdsValue(path, value)),
    undone: 'goes with the cgroup',
  });
}

/** A cpuset file of a cgroup or, where it is not made yet (an explanation), of the nearest one above that is. */
function inherited(directory: string, file: string): string {
  for (let at = directory; at.length > 1; at = at.slice(0, at.lastIndexOf('/'))) {
    const value = readText(`${at}/${file}`);
    if (value) return value;
  }
  return '0';
}
