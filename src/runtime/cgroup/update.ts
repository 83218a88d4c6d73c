/** Changing the limits of a cgroup that is in use. */
import { call } from '../../kernel/call.ts';
import { readNumbers } from '../../kernel/cgroupfs.ts';
import { errno } from '../../kernel/errno.ts';
import { AT_FDCWD } from '../../kernel/flags.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import type { Resources } from '../spec.ts';
import { controllersAsked, directoryIn, processes, type Cgroup } from './cgroup.ts';
import { createParents, fillCpuset } from './create.ts';
import { enableControllers } from './enable.ts';
import { freeze, isFrozen, thaw } from './freeze.ts';
import { hierarchyOf, titleOf, type Hierarchy } from './layout.ts';
import { limit } from './limits.ts';
import { removeDirectory } from './remove.ts';
import { restoreCalls, writeStep } from './write.ts';

/** The cgroup as it is after an update, and what of the limits is not in force. */
export interface Updated {
  readonly cgroup: Cgroup;
  readonly warnings: string[];
}

/**
 * Sets limits on a cgroup in use; those not named stay. A limit whose hierarchy the container does not use yet takes it
 * there: a cgroup is made, and its processes are moved, paused for the moment so that none escapes by forking.
 * When a write fails, the limits already written get their former values back.
 * @param options `strict`: refuse what can not be in force, before anything is written, instead of warning of it
 * @returns the cgroup with its hierarchies, to be used from now on, and warnings
 */
export function* updateCgroup(cgroup: Cgroup, resources: Resources, { strict = false }: { readonly strict?: boolean } = {}): Procedure<Updated> {
  const { layout, path } = cgroup;
  const needed = new Set(controllersAsked(resources).map((controller) => hierarchyOf(layout, controller)));
  const missing = [...needed].filter((h): h is Hierarchy => h !== undefined && !cgroup.hierarchies.includes(h));
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (layout.unified && cgroup.hierarchies.includes(layout.unified)) yield* enableControllers(layout.unified, parent, controllersAsked(resources));
  if (missing.length === 0) return { cgroup, warnings: yield* limit(cgroup, resources, { restorable: true, strict }) };

  for (const hierarchy of missing) {
    const directory = directoryIn(hierarchy, path);
    yield* createParents(hierarchy, parent);
    const make = call('mkdirat', [AT_FDCWD, directory, 0o755]);
    yield* step({
      id: 'cgroup.create',
      what: `Make the cgroup ${path} in ${titleOf(hierarchy)}, which it had not needed yet`,
      calls: [make],
      shell: `mkdir ${word(directory)}`,
      look: `ls -d ${word(directory)}`,
      undo: [removeDirectory(directory, make)],
    });
    if (hierarchy.controllers.includes('cpuset')) yield* fillCpuset(directory, resources.cpu);
  }
  const wider: Cgroup = { ...cgroup, hierarchies: [...cgroup.hierarchies, ...missing] };
  const warnings = yield* limit(wider, resources, { restorable: true, strict });
  const paused = isFrozen(cgroup);
  if (!paused) yield* freeze(cgroup);
  for (const hierarchy of missing) yield* moveAll(cgroup, hierarchy);
  if (!paused) yield* thaw(cgroup);
  return { cgroup: wider, warnings };
}

/** Moves the (paused) processes of a cgroup into its directory of one more hierarchy. */
function* moveAll(cgroup: Cgroup, hierarchy: Hierarchy): Procedure {
  const to = `${directoryIn(hierarchy, cgroup.path)}/cgroup.procs`;
  const there = new Set(readNumbers(to));
  for (const pid of processes(cgroup)) {
    if (there.has(pid)) continue;
    const value = String(pid);
    const accept = [errno.ESRCH]; // it ended meanwhile
    const what = `Move process ${pid} to the cgroup ${cgroup.path} of ${titleOf(hierarchy)}`;
    const back = restoreCalls(`${hierarchy.mountPoint}/cgroup.procs`, value, accept); // where it was: it had no cgroup in this hierarchy
    yield* step({ ...writeStep({ id: 'cgroup.move', what, path: to, value, accept }), undo: back });
  }
}
