/** The process of an exec: the container's own confinement, with the user and environment that the exec asks for. */
import { closeSync, openSync } from 'node:fs';
import type { ExecCreateBody } from '../../api/schema.ts';
import { resolveContainerUser } from './container-user.ts';
import type { ProcessSpec, SeccompSpec } from '../../runtime/spec.ts';
import type { Container } from '../container.ts';
import { environmentOf } from './environment.ts';
import { hostnameOf } from './hostname.ts';
import { confinementOf, processOf } from './process.ts';
import { refusing } from './refusal.ts';

/** @param pid of the container's first process: users are looked up in its root. @throws EngineError 400 for a user that there is not */
export function buildExecProcess(
  container: Container,
  body: ExecCreateBody,
  pid: number,
): { readonly process: ProcessSpec; readonly seccomp: SeccompSpec | undefined } {
  const { config, hostConfig, id } = container.record;
  const confinement = confinementOf(hostConfig, hostConfig.Privileged === true || body.Privileged === true);
  const root = openSync(`/proc/${pid}/root`, 'r');
  try {
    const user = refusing(() => resolveContainerUser(root, body.User || config.User || '', hostConfig.GroupAdd ?? []));
    const { process } = processOf(hostConfig, confinement, user, {
      args: body.Cmd ?? [],
      env: environmentOf({ Env: [...(config.Env ?? []), ...(body.Env ?? [])], Tty: body.Tty ?? false }, hostnameOf(id, config, hostConfig), user.home),
      cwd: body.WorkingDir || config.WorkingDir || '/',
      terminal: body.Tty ?? false,
    });
    return { process, seccomp: confinement.seccomp };
  } finally {
    closeSync(root);
  }
}
