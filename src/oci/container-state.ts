/** A container's state as the world sees it: the specification's (runtime.md, "State"), with what runc adds. */
import { readFileSync } from 'node:fs';
import type { ContainerRecord, Status } from './container-record.ts';

export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 where there is no process any more, or none yet. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** A user's name, or the number of one who has none. */
  readonly owner: string;
}

export function containerState(record: ContainerRecord, status: Status): ContainerState {
  const { ociVersion, id, bundle, rootfs, created, annotations } = record;
  return {
    ociVersion,
    id,
    pid: status === 'stopped' ? 0 : (record.process?.pid ?? 0),
    status,
    bundle,
    rootfs,
    created,
    ...(Object.keys(annotations).length > 0 && { annotations }),
    owner: userName(record.owner),
  };
}

/** Only what the specification has, for hooks and supervisors. @param pid of the first process, where the record does not have it yet */
export function specifiedState(record: ContainerRecord, status: Status, pid?: number): Omit<ContainerState, 'owner' | 'rootfs' | 'created'> {
  const {
    owner: _,
    rootfs: __,
    created: ___,
    ...state
  } = containerState({ ...record, ...(pid === undefined ? {} : { process: { pid, startTime: '' } }) }, status);
  return state;
}

function userName(uid: number): string {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.split(':')[2] === String(uid));
    if (line) return line.slice(0, line.indexOf(':'));
  } catch {
    // no users are known by name
  }
  return String(uid);
}
