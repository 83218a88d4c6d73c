/** The cgroup of a container that is being made, whichever driver (cgroup-driver.ts) finds its place: what is asked for, and its making. */
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import { createCgroup } from '../runtime/cgroup/create.ts';
import { devices } from '../runtime/cgroup/devices.ts';
import { titleOf, type CgroupLayout, type Hierarchy } from '../runtime/cgroup/layout.ts';
import { limit } from '../runtime/cgroup/limits.ts';
import type { DeviceRule, Resources } from '../runtime/spec.ts';
import type { Procedure } from '../step/step.ts';
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

/**
 * Makes what of the cgroup is not there yet, and sets limits and device rules.
 * @param kept where it is there already
 */
export function* makeCgroup(layout: CgroupLayout, record: CgroupRecord, request: CgroupRequest, kept: readonly Hierarchy[]): Procedure<MadeCgroup> {
  const { resources = {}, rootless } = request;
  const hierarchies = layout.hierarchies.filter((h) => record.hierarchies.includes(titleOf(h)));
  const cgroup = yield* createCgroup(layout, record.path, resources, { hierarchies, kept, modest: true });
  const warnings = yield* limit(cgroup, resources, { strict: true });
  if (rootless) return { cgroup, warnings }; // it can make no node of a device, and is given none but those of its user
  const unmet = yield* devices(cgroup, deviceRules(resources));
  if (unmet.length > 0) throw new OciError(`linux.resources.devices: ${unmet.join('; ')}`);
  return { cgroup, warnings };
}
