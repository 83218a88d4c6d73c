/**
 * Where a lab's things are on the machine: a directory beneath the engine's run directory, which a reboot ends. It holds the bundle
 * (`config.json`, `rootfs`, the files of `skeleton` and `tools`), and `lab.json`. The states of hako-oci are beside the labs.
 */
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from '../kernel/process-stat.ts';
import { runDirectory, type Environment } from '../kernel/user-directories.ts';
import { LabError } from './error.ts';

/** A hierarchy's part that is a lab's. */
export interface LabHierarchy {
  /** Of version 1 the controllers of the hierarchy; of version 2 those that its cgroups have. */
  readonly controllers: readonly string[];
  readonly version: 1 | 2;
  /** The lab's root cgroup: an absolute directory of the machine's. */
  readonly path: string;
}

/** A lab that runs. */
export interface Lab extends ProcessIdentity {
  readonly name: string;
  /** Its files on the machine. */
  readonly directory: string;
  /** Its root is the machine's root, and not of a user namespace. */
  readonly realRoot: boolean;
  /** The machine's number of its root user. */
  readonly hostId: number;
  readonly cgroups: readonly LabHierarchy[];
  /** Its kernel objects as they were when it began: {@link inventoryOf}. */
  readonly inventory: readonly string[];
  readonly options: LabOptions;
}

/** What a lab is to be. */
export interface LabOptions {
  readonly name?: string;
  /** No user namespace: for root alone. */
  readonly realRoot?: boolean;
  /** Ceiling in bytes. */
  readonly memory?: number;
  /** Ceiling of processes and threads. */
  readonly pids?: number;
  /** How much its files may take, in bytes. */
  readonly size?: number;
}

/** The name of a lab where none is given: HAKO_LAB, else `lab`. */
export const defaultName = (environment: Environment = process.env): string => environment['HAKO_LAB'] || 'lab';

/** @throws LabError unless it can be a lab's name: it becomes a hostname and a part of paths */
export function checkName(name: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) return name;
  throw new LabError(`invalid lab name ${JSON.stringify(name.slice(0, 60))}: it becomes a hostname: up to 32 small letters, digits and hyphens`);
}

/** The directory of all labs. */
export const labsDirectory = (): string => join(runDirectory(process.env), 'labs');

/** The state directory of hako-oci, for labs alone. */
export const stateRoot = (): string => join(labsDirectory(), '.oci');

export const labDirectory = (name: string): string => join(labsDirectory(), checkName(name));

/** The cgroup of a lab, in every hierarchy. */
export const cgroupName = (name: string): string => `/hako-lab-${checkName(name)}`;

/** Names of labs of which something is there, running or not. */
export function labNames(): string[] {
  try {
    return readdirSync(labsDirectory())
      .filter((name) => /^[a-z0-9-]+$/.test(name))
      .toSorted();
  } catch {
    return [];
  }
}

/** What was noted of a lab, whether it runs or not; undefined where nothing was, or it cannot be read. */
export function noted(name: string): Lab | undefined {
  try {
    return JSON.parse(readFileSync(join(labDirectory(name), 'lab.json'), 'utf8')) as Lab;
  } catch (error) {
    if (error instanceof LabError) throw error;
    return undefined;
  }
}

/** A lab that runs. @throws LabError for what is no name */
export function findLab(name = defaultName()): Lab | undefined {
  const lab = noted(name);
  return lab && isAlive(lab) ? lab : undefined;
}

/** Notes it, whole or not at all. */
export function note(lab: Lab): void {
  const path = join(lab.directory, 'lab.json');
  writeFileSync(`${path}.new`, `${JSON.stringify(lab)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
