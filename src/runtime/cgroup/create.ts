/** Making a container's cgroup, and what a cgroup needs before a process can be in it. */
import { existsSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { readText } from '../../kernel/cgroupfs.ts';
import { errno } from '../../kernel/errno.ts';
import { AT_FDCWD } from '../../kernel/flags.ts';
import { StepError } from '../../step/apply.ts';
import { step, type Procedure } from '../../step/step.ts';
import type { Resources } from '../spec.ts';
import { checkPath, controllersAsked, directoryIn, findCgroup, hierarchiesFor, processes, type Cgroup } from './cgroup.ts';
import type { CgroupLayout, Hierarchy } from './layout.ts';
import { removeCgroup, removeDirectory } from './remove.ts';
import { writeCalls } from './write.ts';

const permissions = 0o755;

/** Controllers of v2 that a container gets without asking: those that give figures, and a share of its own. */
const usual = ['cpu', 'io', 'memory', 'pids'];

/**
 * Makes a cgroup in every hierarchy that a container with these limits uses (see {@link hierarchiesFor}), and the
 * cgroups above it where they are missing. Those above stay when this is undone: other containers may have come.
 * An empty cgroup left behind under the same path is removed first.
 * @param path absolute, below the root of each hierarchy: `/hako/ID`
 * @throws Error when the path is no cgroup path, or names a cgroup with processes in it
 */
export function* createCgroup(layout: CgroupLayout, path: string, resources: Resources = {}): Procedure<Cgroup> {
  checkPath(path);
  const hierarchies = hierarchiesFor(layout, resources);
  const [first] = hierarchies; // every container uses it, and it is the last to be removed, so it tells of what is left
  if (first && existsSync(directoryIn(first, path))) yield* removeLeftOver(layout, path);
  const parent = path.slice(0, path.lastIndexOf('/'));
  for (const hierarchy of hierarchies) yield* createParents(hierarchy, parent);
  if (layout.unified) yield* enableControllers(layout.unified, parent, [...usual, ...controllersAsked(resources)]);

  const directories = hierarchies.map((h) => directoryIn(h, path));
  yield* step({
    id: 'cgroup.create',
    what: `Make the cgroup ${path} in ${directories.length} hierarchies`,
    calls: directories.map((directory) => call('mkdirat', [AT_FDCWD, directory, permissions])),
    shell: `mkdir ${directories.join(' ')}`,
    look: `ls -d /sys/fs/cgroup${path} /sys/fs/cgroup/*${path}`,
    undo: directories.map(removeDirectory),
  });
  const cpuset = hierarchies.find(isV1Cpuset);
  if (cpuset) yield* fillCpuset(directoryIn(cpuset, path), resources.cpu);
  return { layout, path, hierarchies };
}

function* removeLeftOver(layout: CgroupLayout, path: string): Procedure {
  const left = findCgroup(layout, path);
  if (!left) return;
  const [pid] = processes(left);
  if (pid !== undefined) throw new Error(`the cgroup ${path} exists and has processes in it (${pid}): stop them, or use another path`);
  yield* removeCgroup(left);
}

const isV1Cpuset = (hierarchy: Hierarchy): boolean => hierarchy.version === 1 && hierarchy.controllers.includes('cpuset');

/** The prefixes of a path, shortest first: `/a`, `/a/b`. */
const prefixes = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((_, i, parts) => `/${parts.slice(0, i + 1).join('/')}`);

/** Makes the cgroups above the container's, where they are missing. */
export function* createParents(hierarchy: Hierarchy, parent: string): Procedure {
  if (parent === '' || existsSync(directoryIn(hierarchy, parent))) return;
  for (const ancestor of prefixes(parent)) {
    const directory = directoryIn(hierarchy, ancestor);
    if (existsSync(directory)) continue;
    yield* step({
      id: 'cgroup.parent',
      what: `Make the cgroup ${ancestor}, in which the containers' will be, in ${hierarchy.mountPoint}`,
      calls: [call('mkdirat', [AT_FDCWD, directory, permissions], { accept: [errno.EEXIST] })],
      shell: `mkdir -p ${directory}`,
      look: `ls -d ${directory}`,
    });
    if (isV1Cpuset(hierarchy)) yield* fillCpuset(directory);
  }
}

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
    shell: writes.map(({ path, from }) => `cat ${from} > ${path}`).join('\n'),
    look: `cat ${writes.map(({ path }) => path).join(' ')}`,
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

/**
 * Gives controllers of v2 to the cgroups below `parent`: each cgroup on the way hands them down in its
 * cgroup.subtree_control. See cgroup-v2.rst, "Enabling and Disabling".
 */
export function* enableControllers(unified: Hierarchy, parent: string, wanted: readonly string[]): Procedure {
  const offered = [...new Set(wanted)].filter((c) => unified.controllers.includes(c));
  if (offered.length === 0) return;
  const handedDown = (directory: string): string[] => (readText(`${directory}/cgroup.subtree_control`) ?? '').split(' ');
  const below = handedDown(directoryIn(unified, parent));
  if (offered.every((c) => below.includes(c))) return; // then every cgroup above hands them down as well

  for (const ancestor of ['', ...prefixes(parent)].filter((a) => a !== '/')) {
    const directory = directoryIn(unified, ancestor);
    const has = handedDown(directory);
    const missing = offered.filter((c) => !has.includes(c)).map((c) => `+${c}`);
    if (missing.length === 0) continue;
    const path = `${directory}/cgroup.subtree_control`;
    const value = missing.join(' ');
    try {
      yield* step({
        id: 'cgroup.enable',
        what: `Give the controllers ${value} to the cgroups below ${ancestor || '/'}`,
        ...writeCalls(path, value),
        shell: `echo '${value}' > ${path}`,
        look: `cat ${path}`,
      });
    } catch (error) {
      if (error instanceof StepError && error.errno === errno.EBUSY) {
        const move = `mkdir ${directory}/init && for p in $(cat ${directory}/cgroup.procs); do echo $p > ${directory}/init/cgroup.procs; done`;
        const why = 'because processes are in it (EBUSY), and cgroup v2 wants them at the ends of the tree only';
        throw new Error(`the cgroup ${directory} can not hand its controllers down, ${why}: move them below, for example with: ${move}`, { cause: error });
      }
      throw error;
    }
  }
}
