/** `hako cgroup make` and `set`: a cgroup in every hierarchy whose controllers are wanted, and its limits. See cgroups(7). */
import { existsSync, readdirSync } from 'node:fs';
import { readText } from '../../kernel/cgroupfs.ts';
import { directoryIn, findCgroup, type Cgroup } from '../../runtime/cgroup/cgroup.ts';
import { createCgroup } from '../../runtime/cgroup/create.ts';
import { enableControllers } from '../../runtime/cgroup/enable.ts';
import { hierarchyOf, nameIn, titleOf, type CgroupLayout, type Hierarchy } from '../../runtime/cgroup/layout.ts';
import { limit, unsupported } from '../../runtime/cgroup/limits.ts';
import { updateCgroup } from '../../runtime/cgroup/update.ts';
import { writeStep } from '../../runtime/cgroup/write.ts';
import type { Resources } from '../../runtime/spec.ts';
import { step, type Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { allControllers } from './machine.ts';
import { cgroupPath, changeable, refuseOthers } from './name.ts';

/** What a cgroup is to hold: limits, and files with the values to write to them. */
export interface Limits {
  readonly resources: Resources;
  readonly files: readonly FileValue[];
}

/** `FILE=VALUE`: a control file by its own name, of the version that this machine has. */
export interface FileValue {
  readonly file: string;
  readonly value: string;
}

/** What was made or changed, and which limits this machine cannot hold, one sentence each. */
export interface Changed {
  readonly cgroup: Cgroup;
  readonly warnings: readonly string[];
}

/**
 * Makes a cgroup, and those above it where they are missing.
 * @param controllers which ones it is to have; default: all that the machine has. A v2 tree is always used: freezing and killing are there
 * @throws ElementError when it is there already, is the machine's, or a controller is missing
 */
export function* make(layout: CgroupLayout, name: string, limits: Limits, controllers?: readonly string[]): Procedure<Changed> {
  const path = cgroupPath(name);
  refuseOthers(layout, path);
  const found = findCgroup(layout, path);
  if (found)
    throw new ElementError(
      `the cgroup ${path} is there already, in ${found.hierarchies.map(titleOf).join(', ')}: see it with: hako cgroup show ${path.slice(1)}`,
    );
  refuseUnsupported(layout, limits.resources);
  const cgroup = yield* createCgroup(layout, path, limits.resources, { hierarchies: hierarchiesWanted(layout, controllers) });
  yield* handDown(cgroup, [...(controllers ?? []), ...limits.files.map(controllerOf)]);
  const warnings = yield* limit(cgroup, limits.resources);
  yield* writeFiles(cgroup, limits.files);
  return { cgroup, warnings };
}

/** Gives a cgroup of version 2 controllers that it does not have by itself: those above it must hand them down. */
function* handDown({ layout, path, hierarchies }: Cgroup, controllers: readonly string[]): Procedure {
  const { unified } = layout;
  if (unified && hierarchies.includes(unified)) yield* enableControllers(unified, path.slice(0, path.lastIndexOf('/')), controllers);
}

const controllerOf = ({ file }: FileValue): string => file.slice(0, file.indexOf('.'));

/** Sets limits; those not named stay. @throws ElementError when there is no such cgroup, or it has no such file */
export function* set(layout: CgroupLayout, name: string, limits: Limits): Procedure<Changed> {
  const cgroup = changeable(layout, name);
  refuseUnsupported(layout, limits.resources);
  const { cgroup: updated, warnings } = yield* updateCgroup(cgroup, limits.resources);
  yield* handDown(updated, limits.files.map(controllerOf));
  yield* writeFiles(updated, limits.files);
  return { cgroup: updated, warnings };
}

/** A person who asks for one limit is not served by a warning in its place: what has no controller here is refused. */
function refuseUnsupported(layout: CgroupLayout, resources: Resources): void {
  const missing = unsupported(layout, resources).find((warning) => / cgroup controller /.test(warning));
  if (missing) throw new ElementError(missing.replace(' will not be in force', ' cannot be set'));
}

function hierarchiesWanted(layout: CgroupLayout, controllers: readonly string[] | undefined): Hierarchy[] {
  const wanted = new Set<Hierarchy>(layout.unified ? [layout.unified] : []);
  if (!controllers) for (const h of layout.hierarchies) if (h.controllers.length > 0 || h.own !== '/') wanted.add(h);
  for (const controller of controllers ?? []) {
    const hierarchy = hierarchyOf(layout, controller);
    if (!hierarchy) throw new ElementError(`this machine has no ${controller} cgroup controller; it has ${allControllers(layout).join(', ')}`);
    wanted.add(hierarchy);
  }
  return [...wanted];
}

function* writeFiles(cgroup: Cgroup, files: readonly FileValue[]): Procedure {
  for (const { file, value } of files) {
    const path = `${directoryOfFile(cgroup, file)}/${file}`;
    const before = readText(path)?.split('\n');
    // A file of several lines has one for each device or key: what a write changed of it is not known, so it is not put back.
    const restorable = before?.length === 1 && before[0] !== '' ? { before: before[0]! } : {};
    yield* step(writeStep({ id: 'cgroup.write', what: `Write ${value} to ${file} of ${cgroup.path}`, path, value, ...restorable }));
  }
}

/** The directory that has a control file. @throws ElementError when none has */
function directoryOfFile(cgroup: Cgroup, file: string): string {
  if (!/^[a-z0-9_]+\.[\w.]+$/i.test(file)) throw new ElementError(`"${file}" is not a cgroup file: use a name such as cpu.shares or memory.high`);
  const controller = controllerOf({ file, value: '' });
  const place = (h: Hierarchy): boolean => (controller === 'cgroup' ? h.version === 2 : h.controllers.includes(nameIn(h, controller)));
  const hierarchy = cgroup.hierarchies.find(place);
  if (!hierarchy) {
    const has = cgroup.hierarchies.map(titleOf).join(', ');
    throw new ElementError(`the cgroup ${cgroup.path} has no ${controller} controller, so no file ${file}; it has ${has}`);
  }
  const directory = directoryIn(hierarchy, cgroup.path);
  // In an explanation it may not be made yet, or not have the controller yet.
  const present = hierarchy.version === 1 || controller === 'cgroup' || readText(`${directory}/cgroup.controllers`)?.split(' ').includes(controller);
  if (existsSync(directory) && present && !existsSync(`${directory}/${file}`)) {
    const others = readdirSync(directory).filter((name) => name.startsWith(`${controller}.`));
    throw new ElementError(`the cgroup ${cgroup.path} has no file ${file} in ${directory}; it has ${others.join(', ')}`);
  }
  return directory;
}
