/** Running one more process in a container. */
import { perform } from '../kernel/perform.ts';
import { groupsDenied } from '../kernel/user-namespace.ts';
import { execChild } from '../runtime/exec-child.ts';
import type { Child } from '../runtime/launch-child.ts';
import type { ProcessSpec, Spec } from '../runtime/spec.ts';
import { apply, type Kernel } from '../step/apply.ts';
import { cgroupToEnter } from './cgroup-to-enter.ts';
import { placeOf } from './cgroup-place.ts';
import { connectTo } from './descriptor-socket.ts';
import type { ContainerRecord } from './container-record.ts';
import { OciError } from './error.ts';
import { asOciError } from './start-failure.ts';
import { supervisorOf } from './supervisor.ts';
import { comeWithinReach } from './systemd/scope.ts';

/** What is to be run. */
export interface ExecRequest {
  readonly record: ContainerRecord;
  readonly spec: Spec;
  readonly process: ProcessSpec;
  readonly consoleSocket: string | undefined;
  /** The caller stays, and may have the terminal's other end itself. */
  readonly attached: boolean;
  readonly preserveFds: number;
  /** Cgroups below the container's: `path`, or `controller:path`. */
  readonly below: readonly string[];
  /** See Settings. */
  readonly kernel?: Kernel | undefined;
}

/** Starts the process. @throws OciError */
export async function execInContainer(request: ExecRequest): Promise<{ readonly child: Child; readonly master: number | undefined }> {
  const { record, spec, process, consoleSocket, attached } = request;
  if (consoleSocket !== undefined && !process.terminal) throw new OciError('cannot use console socket if tty is not set');
  if (process.terminal && consoleSocket === undefined && !attached)
    throw new OciError('cannot allocate tty if hako-oci will detach without setting console socket');
  const socket = consoleSocket === undefined ? undefined : connectTo(consoleSocket, 'console socket');
  let master: number | undefined;
  if (record.cgroup.rootless) await comeWithinReach(placeOf(record.cgroup));
  try {
    const child = await apply(
      execChild({
        id: record.id,
        owner: 'hako-oci',
        process,
        container: record.process!,
        namespaces: record.namespaces,
        cgroup: cgroupToEnter(record, request.below),
        seccomp: spec.linux.seccomp,
        personality: spec.linux.personality,
        keyring: record.keyring,
        groupsDenied: groupsDenied(record.process!.pid),
        preserveFds: request.preserveFds,
        supervisor: supervisorOf(spec, record, 'running'),
        takeTerminal: socket ? (fd) => socket.send(fd) : (fd) => void (master = fd),
      }),
      { kernel: request.kernel ?? { call: perform } },
    );
    return { child, master };
  } catch (error) {
    throw asOciError(error);
  } finally {
    socket?.close();
  }
}
