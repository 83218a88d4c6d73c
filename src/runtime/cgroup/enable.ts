/** Handing controllers of version 2 down the tree. See cgroup-v2.rst, "Enabling and Disabling". */
import { existsSync } from 'node:fs';
import { readText } from '../../kernel/cgroupfs.ts';
import { errno } from '../../kernel/errno.ts';
import { StepError } from '../../step/apply.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import { directoryIn, prefixes, type Cgroup } from './cgroup.ts';
import { CgroupError } from './error.ts';
import type { Hierarchy } from './layout.ts';
import { writeCalls } from './write.ts';

const listed = (path: string): string[] => (readText(path) ?? '').split(' ');
const handedDown = (directory: string): string[] => listed(`${directory}/cgroup.subtree_control`);
const above = (parent: string): string[] => ['', ...prefixes(parent)];

/**
 * Gives controllers of v2 to the cgroups below `parent`: each cgroup on the way hands them down in its
 * cgroup.subtree_control.
 */
export function* enableControllers(unified: Hierarchy, parent: string, wanted: readonly string[]): Procedure {
  const offered = [...new Set(wanted)].filter((c) => unified.controllers.includes(c));
  if (offered.length === 0) return;
  const below = handedDown(directoryIn(unified, parent));
  if (offered.every((c) => below.includes(c))) return; // then every cgroup above hands them down as well

  for (const ancestor of above(parent)) {
    const has = handedDown(directoryIn(unified, ancestor));
    const missing = offered.filter((c) => !has.includes(c));
    if (missing.length === 0) continue;
    try {
      yield* handDown(unified, ancestor, missing);
    } catch (error) {
      throw explained(error, directoryIn(unified, ancestor));
    }
  }
}

/**
 * Gives the cgroups below `parent` all controllers that they can be given. Not all can: a cgroup in which processes are hands none
 * down that counts memory or I/O, one that belongs to another user is not to be written.
 * @param asked those that a limit needs: that one of them can not be given is an error
 */
export function* offerControllers(unified: Hierarchy, parent: string, asked: readonly string[]): Procedure {
  const below = handedDown(directoryIn(unified, parent));
  if (unified.controllers.every((c) => below.includes(c))) return;
  for (const ancestor of above(parent)) {
    const directory = directoryIn(unified, ancestor);
    const [has, can] = [handedDown(directory), listed(`${directory}/cgroup.controllers`)];
    const missing = unified.controllers.filter((c) => !has.includes(c) && can.includes(c));
    if (missing.length === 0) continue;
    try {
      yield* handDown(unified, ancestor, missing);
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      yield* handDownEach(unified, ancestor, missing, asked); // the kernel takes all or none of one write
    }
  }
}

/** A cgroup, as one with those controllers of version 2 only that the one above it hands down. Where that is not made yet, it is taken to hand down all. */
export function withHandedDown(cgroup: Cgroup): Cgroup {
  const { unified } = cgroup.layout;
  const above = unified && directoryIn(unified, cgroup.path.slice(0, cgroup.path.lastIndexOf('/')));
  if (!above || !existsSync(above)) return cgroup;
  const has = handedDown(above);
  const given = { ...unified, controllers: unified.controllers.filter((controller) => has.includes(controller)) };
  const replaced = (hierarchies: readonly Hierarchy[]): Hierarchy[] => hierarchies.map((h) => (h === unified ? given : h));
  return {
    ...cgroup,
    hierarchies: replaced(cgroup.hierarchies),
    layout: { ...cgroup.layout, unified: given, hierarchies: replaced(cgroup.layout.hierarchies) },
  };
}

function* handDownEach(unified: Hierarchy, ancestor: string, controllers: readonly string[], asked: readonly string[]): Procedure {
  for (const controller of controllers) {
    try {
      yield* handDown(unified, ancestor, [controller]);
    } catch (error) {
      if (!(error instanceof StepError) || asked.includes(controller)) throw explained(error, directoryIn(unified, ancestor));
    }
  }
}

function* handDown(unified: Hierarchy, ancestor: string, controllers: readonly string[]): Procedure {
  const path = `${directoryIn(unified, ancestor)}/cgroup.subtree_control`;
  const value = controllers.map((c) => `+${c}`).join(' ');
  yield* step({
    id: 'cgroup.enable',
    what: `Give the controllers ${value} to the cgroups below ${ancestor || '/'}`,
    ...writeCalls(path, value),
    shell: `echo ${word(value)} >${word(path)}`,
    look: `cat ${word(path)}`,
    undone: 'stays: other containers may count on it; goes with the cgroup that hands it down',
  });
}

function explained(error: unknown, directory: string): unknown {
  if (!(error instanceof StepError) || error.errno !== errno.EBUSY) return error;
  const move = `mkdir ${directory}/init && for p in $(cat ${directory}/cgroup.procs); do echo $p > ${directory}/init/cgroup.procs; done`;
  const why = 'because processes are in it (EBUSY), and cgroup v2 wants them at the ends of the tree only';
  return new CgroupError(`the cgroup ${directory} can not hand its controllers down, ${why}: move them below, for example with: ${move}`, { cause: error });
}
