/**
 * The cgroup of a container that is being made, by one of three drivers: `cgroupfs` makes the directories itself, `systemd` has the
 * service manager make them (as a scope unit, which is then handed to us), `disabled` leaves the container where its caller is.
 *
 * It is in every hierarchy, not only in those that hold one of its limits: podman, containerd and what watches them read
 * the figures of memory, cpuacct, pids and blkio from the container's path in each.
 */
import { canLoadDeviceFilter } from '../kernel/bpf/program.ts';
import { controllersAsked, processes, type Cgroup } from '../runtime/cgroup/cgroup.ts';
import { findCgroup } from '../runtime/cgroup/cgroup.ts';
import { createCgroup } from '../runtime/cgroup/create.ts';
import { mounted } from '../runtime/cgroup/detect.ts';
import { devices } from '../runtime/cgroup/devices.ts';
import { isFrozen } from '../runtime/cgroup/freeze.ts';
import { findHierarchies, hierarchyOf, layoutOf, titleOf, type CgroupLayout } from '../runtime/cgroup/layout.ts';
import { limit } from '../runtime/cgroup/limits.ts';
import type { DeviceRule, Resources } from '../runtime/spec.ts';
import type { Procedure } from '../step/step.ts';
import { cgroupPlace, mayMake } from './cgroup-path.ts';
import type { CgroupRecord } from './container-record.ts';
import { OciError } from './error.ts';

/** What is asked for. */
export interface CgroupRequest {
  readonly id: string;
  readonly driver: CgroupRecord['driver'];
  /** linux.cgroupsPath. */
  readonly cgroupsPath?: string | undefined;
  /** linux.resources. */
  readonly resources?: Resources | undefined;
  /** The caller is not root of the machine: what it may not make, and has set no limit on, is left out. */
  readonly rootless: boolean;
  /** Of config.json; those of the form `org.systemd.property.NAME` are for the systemd driver. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A cgroup that is about to be made. */
export interface PreparedCgroup {
  /** To be noted before {@link begin}, so that what is left of a creation that died is found. */
  readonly record: CgroupRecord;
  /**
   * To be called before {@link make}: has the service manager do its part.
   * @throws OciError when the cgroup has processes in it or is frozen, or systemd does not make it
   */
  readonly begin: () => Promise<void>;
  /** Makes the cgroup and sets its limits and device rules. What the machine can not do is an error. */
  readonly make: () => Procedure<MadeCgroup>;
  /** To be called when the container's first process is in it. */
  readonly settle: () => Promise<void>;
  /** To be called instead when {@link begin} or the creation has failed, and the procedure is undone. */
  readonly abandon: () => Promise<void>;
}

/** A cgroup, ready for a process; without hierarchies where the container has none of its own. */
export interface MadeCgroup {
  readonly cgroup: Cgroup;
  /** Sentences for the log. */
  readonly warnings: readonly string[];
}

/** Devices that every container may use, whatever its rules say: what is in its /dev by the specification, and making nodes. As runc's and crun's. */
const defaultDevices: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 2],
    [136, undefined],
  ].map(([major, minor]): DeviceRule => ({
    allow: true,
    type: 'c',
    access: 'rwm',
    ...(major !== undefined && { major }),
    ...(minor !== undefined && { minor }),
  })),
];

/** The rules of a container's devices. */
export const deviceRules = (resources: Resources): DeviceRule[] => [...(resources.devices ?? []), ...defaultDevices];

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
  const whole = layoutOf(mounted(hierarchiesHere), () => !request.rootless && canLoadDeviceFilter());
  if (driver === 'systemd') {
    const { prepareScope } = await import('./systemd/prepare.ts');
    return prepareScope(request, whole);
  }
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
  return { record, begin: async () => refuseUsed(layout, path), make: () => makeCgroup(layout, record, request), settle: nothing, abandon: nothing };
}

/** Makes what of the cgroup is not there yet, and sets limits and device rules. */
export function* makeCgroup(layout: CgroupLayout, record: CgroupRecord, request: CgroupRequest): Procedure<MadeCgroup> {
  const { resources = {}, rootless } = request;
  const hierarchies = layout.hierarchies.filter((h) => record.hierarchies.includes(titleOf(h)));
  const cgroup = yield* createCgroup(layout, record.path, resources, { hierarchies, existing: 'kept', modest: true });
  const warnings = yield* limit(cgroup, resources, { strict: true });
  if (rootless) return { cgroup, warnings }; // it can make no node of a device, and is given none but those of its user
  const unmet = yield* devices(cgroup, deviceRules(resources));
  if (unmet.length > 0) throw new OciError(`linux.resources.devices: ${unmet.join('; ')}`);
  return { cgroup, warnings };
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
function refuseUsed(layout: CgroupLayout, path: string): void {
  const there = findCgroup(layout, path);
  if (!there) return;
  const pids = new Set(there.hierarchies.flatMap((h) => processes({ path, hierarchies: [h] })));
  if (pids.size > 0)
    throw new OciError(
      `container's cgroup is not empty: ${pids.size} process(es) found in ${path} (${[...pids].slice(0, 5).join(', ')}): give linux.cgroupsPath another value`,
    );
  const canTell = there.hierarchies.some((h) => h.version === 2 || h.controllers.includes('freezer'));
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
