/** The supervisor of a container's seccomp filter, and what it is told: config-linux.md, "The Container Process State". */
import type { Supervisor } from '../runtime/seccomp/listener.ts';
import type { Spec } from '../runtime/spec.ts';
import type { ContainerRecord, Status } from './container-record.ts';
import { specifiedState } from './container-state.ts';

/** Whoever listens at the path that the configuration names; undefined where it names none. @param status of the container */
export function supervisorOf({ ociVersion, linux: { seccomp } }: Spec, record: ContainerRecord, status: Status): Supervisor | undefined {
  if (seccomp?.listenerPath === undefined) return undefined;
  const metadata = seccomp.listenerMetadata === undefined ? {} : { metadata: seccomp.listenerMetadata };
  return {
    path: seccomp.listenerPath,
    state: (pid) => JSON.stringify({ ociVersion, fds: ['seccompFd'], pid, ...metadata, state: specifiedState(record, status, record.process?.pid ?? pid) }),
  };
}
