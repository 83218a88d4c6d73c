/**
 * The cgroup of a container that is being made, by one of three drivers: `cgroupfs` makes the directories itself, `systemd` has the
 * service manager make them (as a scope unit, which is then handed to us), `disabled` leaves the container where its caller is.
 *
 * It is in every hierarchy, not only in those that hold one of its limits: podman, containerd and what watches them read
 * the figures of memory, cpuacct, pids and blkio from the container's path in each.
 */
import { controllersAsked, findCgroup, processes, type Cgroup, type CgroupPlace } from '../runtime/cgroup/cgroup.ts';
import { mounted } from '../runtime/cgroup/detect.ts';
import { takesDeviceFilter } from '../runtime/cgroup/devices.ts';
import { isFrozen } from '../runtime/cgroup/freeze.ts';
import { findHierarchies, hierarchyOf, layoutOf, titleOf, type CgroupLayout } from '../runtime/cgroup/layout.ts';
import type { Resources } from '../runtime/spec.ts';
import type { Procedure } from '../step/step.ts';
import { deviceRules, makeCgroup, type CgroupRequest, type MadeCgroup, type PreparedCgroup } from './cgroup-making.ts';
import { cgroupPlace, mayMake } from './cgroup-path.ts';
import type { CgroupRecord } from './container-record.ts';
import { OciError } from './error.ts';
import { prepareScope } from './systemd/prepare.ts';

const nothing = async (): Promise<void> => {};

/**
 * Finds out where the container's cgroup is to be. Makes nothing yet.
 * @throws OciError when the path is none, or is not for this user to make
 */
export async function prepareCgroup(request: CgroupRequest): Promise<PreparedCgroup> {
  const { driver, resources = {} } = request;
  const hierarchiesHere = findHierarchies();
  if (driver === 'disabled')
    return withoutCgroup(
      layoutOf(hierarchiesHere, () => false),
      resources,
    );
  const whole = layoutOf(mounted(hierarchiesHere), () => !request.rootless && takesDeviceFilter(deviceRules(resources)));
  if (driver === 'systemd') return prepareScope(request, whole);
  const { path, layout } = cgroupPlace(request.cgroupsPath, request.id, whole);
  const there = findCgroup(layout, path)?.hierarchies ?? [];
  const hierarchies = request.rootless ? layout.hierarchies.filter((h) => there.includes(h) || mayMake(h, path)) : layout.hierarchies;
  if (request.rootless) refuseUnreachable(request, layout, hierarchies);
  if (hierarchies.length === 0) return withoutCgroup(layout, {});
  const record: CgroupRecord = {
    driver,
    path,
    hierarchies: hierarchies.map(titleOf),
    ...(hierarchies.some(({ base }) => base) && { bases: Object.fromEntries(hierarchies.flatMap((h) => (h.base ? [[titleOf(h), h.base]] : []))) }),
    ...(there.length > 0 && { kept: there.map(titleOf) }),
  };
  // When the id is claimed: a container of this id has the cgroup, and that it is there already is what the caller is to hear.
  const begin = async (): Promise<void> => refuseUsed({ path, hierarchies: there });
  return { record, begin, make: () => makeCgroup(layout, record, request, there), settle: nothing, abandon: nothing };
}

function withoutCgroup(layout: CgroupLayout, resources: Resources): PreparedCgroup {
  const asked = controllersAsked(resources);
  if (asked.length > 0)
    throw new OciError(`linux.resources limits ${asked.join(', ')}, which takes a cgroup, and cgroups are disabled: leave out one or the other`);
  const warnings = resources.devices?.some((rule) => !rule.allow) ? ['linux.resources.devices is not in force: cgroups are disabled'] : [];
  const cgroup: Cgroup = { layout, path: '', hierarchies: [] };
  function* make(): Procedure<MadeCgroup> {
    yield* []; // no step
    return { cgroup, warnings };
  }
  return { record: { driver: 'disabled', path: '', hierarchies: [] }, begin: nothing, make, settle: nothing, abandon: nothing };
}

/** A cgroup that is there already must be empty, and not stand still. */
function refuseUsed(there: CgroupPlace): void {
  const { path, hierarchies } = there;
  const pids = new Set(hierarchies.flatMap((h) => processes({ path, hierarchies: [h] })));
  if (pids.size > 0)
    throw new OciError(
      `container's cgroup is not empty: ${pids.size} process(es) found in ${path} (${[...pids].slice(0, 5).join(', ')}): give linux.cgroupsPath another value`,
    );
  const canTell = hierarchies.some((h) => h.version === 2 || h.controllers.includes('freezer'));
  if (canTell && isFrozen(there)) throw new OciError(`container's cgroup unexpectedly frozen: ${path} is there and paused: thaw or remove it`);
}

function refuseUnreachable(request: CgroupRequest, layout: CgroupLayout, reachable: CgroupLayout['hierarchies']): void {
  const { cgroupsPath, resources = {} } = request;
  const beyond = controllersAsked(resources).find((controller) => {
    const hierarchy = hierarchyOf(layout, controller);
    return hierarchy && !reachable.includes(hierarchy);
  });
  if (beyond)
    throw new OciError(
      `linux.resources limits ${beyond}, but this user may not make cgroups there: have the service manager delegate it (systemd: Delegate=yes)`,
    );
  if (cgroupsPath?.startsWith('/') && reachable.length === 0)
    throw new OciError(`linux.cgroupsPath is ${cgroupsPath}, but this user may not make cgroups there: permission denied`);
}
