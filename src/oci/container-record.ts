/**
 * What hako-oci keeps of a container between its calls: ROOT/ID/state.json. Beside it lie config.json, as it was validated, and,
 * while the container is created and not started, the FIFO `start` (src/oci/start-gate.ts).
 */
import type { ProcessIdentity } from '../kernel/process-stat.ts';

/** state.json. */
export interface ContainerRecord {
  readonly id: string;
  readonly ociVersion: string;
  /** Absolute. */
  readonly bundle: string;
  /** Absolute; the bundle's root file system. */
  readonly rootfs: string;
  /** ISO 8601. */
  readonly created: string;
  /** The user who created it, by number. */
  readonly owner: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** The container's first process; absent until it is cloned. Whether it lives, its start time tells. */
  readonly process?: ProcessIdentity;
  /** Who creates it: when that has died before there is a process, the creation failed. */
  readonly creator: ProcessIdentity;
  readonly cgroup: CgroupRecord;
  /** There are hooks for its start or its end, so that whoever starts or deletes it reads the configuration. */
  readonly hooks: boolean;
  /** Its processes have a session keyring of their own. */
  readonly keyring: boolean;
  /** Types of the namespaces that are not its caller's: `pid`, `mount`, … */
  readonly namespaces: readonly string[];
}

/** The container's cgroup: its path, and in which hierarchies it has a directory, by their names (src/runtime/cgroup/layout.ts). */
export interface CgroupRecord {
  readonly driver: 'cgroupfs' | 'systemd' | 'disabled';
  /** `/hako/ID`; empty with the driver `disabled`. */
  readonly path: string;
  readonly hierarchies: readonly string[];
  /** What the path is below, in those hierarchies in which that is not the root. */
  readonly bases?: Readonly<Record<string, string>>;
  /** Those in which the directory was there before the container: they are not removed with it. */
  readonly kept?: readonly string[];
  /** Of the systemd driver: `hako-ID.scope`. */
  readonly unit?: string;
  /** The unit is of the user's manager, not of the system's. */
  readonly rootless?: boolean;
  /** The group of resctrl that its processes are in, by its directory; `isOwn`: it goes with the container. */
  readonly resctrl?: { readonly mountPoint: string; readonly directory: string; readonly isOwn: boolean };
}

/** As the runtime specification has it, and `paused`, which runc and crun add. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';
