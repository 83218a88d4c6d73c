/** Checks of namespaces and of the restart policy: values that are none, and pairs that contradict each other. */
import type { ContainerConfig, HostConfig } from '../../api/schema.ts';
import { inFirstUserNamespace } from '../../kernel/user-namespace.ts';
import { hasUserNamespace, networkTarget, userMapping } from './namespaces.ts';
import { refuse } from './refusal.ts';

/** @returns warnings. @throws EngineError 400 */
export function validateModes(body: ContainerConfig, host: HostConfig): string[] {
  const { PidMode = '', IpcMode = '', UTSMode = '', CgroupnsMode = '' } = host;
  refuse(!/^(|host|private|container:.+)$/.test(PidMode), `invalid PID mode: ${PidMode.slice(0, 80)}`);
  refuse(!/^(|host|private|shareable|none|container:.+)$/.test(IpcMode), `invalid IPC mode: ${IpcMode.slice(0, 80)}`);
  refuse(!['', 'host', 'private'].includes(UTSMode), `invalid UTS mode: ${UTSMode.slice(0, 80)}`);
  refuse(!['', 'private', 'host'].includes(CgroupnsMode), `invalid cgroup namespace mode: ${CgroupnsMode}`);
  refuse(UTSMode === 'host' && !!body.Hostname, 'conflicting options: hostname and the UTS mode');
  refuse(UTSMode === 'host' && !!body.Domainname, 'conflicting options: domain name and the UTS mode');
  validateUserNamespace(host);
  validateRestartPolicy(host);
  const sharer = /^container:(.+)$/.exec(IpcMode)?.[1];
  return sharer === undefined ? [] : [`POSIX shared memory (/dev/shm) is not shared with the container ${sharer}; System V IPC and message queues are`];
}

/** What belongs to the host's user namespace cannot be changed, or mounted, from another one. */
function validateUserNamespace(host: HostConfig): void {
  if (!hasUserNamespace(host)) return;
  refuse(
    !inFirstUserNamespace(),
    'a container of an ordinary user is in the user namespace of their engine, and one of its own needs the engine of root, since only that may map ids of images: leave out --userns',
  );
  userMapping(host.UsernsMode!);
  const shares = (mode: string | undefined): boolean => mode?.startsWith('container:') ?? false;
  refuse(
    host.Privileged === true,
    'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
  );
  refuse(networkTarget(host).kind === 'container', "cannot share another container's network namespace when user namespaces are enabled");
  refuse(host.PidMode === 'host', 'cannot share the host PID namespace when user namespaces are enabled');
  refuse(shares(host.PidMode), "cannot share another container's PID namespace when user namespaces are enabled");
  refuse(shares(host.IpcMode), "cannot share another container's IPC namespace when user namespaces are enabled");
}

function validateRestartPolicy({ RestartPolicy = {}, AutoRemove }: HostConfig): void {
  const { Name = '', MaximumRetryCount: retries = 0 } = RestartPolicy;
  refuse(
    !['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(Name),
    `invalid restart policy: unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
  );
  refuse(retries < 0, 'invalid restart policy: maximum retry count cannot be negative');
  refuse(retries > 0 && Name !== 'on-failure', "invalid restart policy: maximum retry count can only be used with 'on-failure'");
  refuse(AutoRemove === true && Name !== '' && Name !== 'no', "can't create 'AutoRemove' container with restart policy");
}
