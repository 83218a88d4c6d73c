/** The process of an exec: the container's own confinement, with the user and environment that the exec asks for. */
import { closeSync, openSync } from 'node:fs';
import type { ExecCreateBody } from '../../api/schema.ts';
import { resolveUser, UserError } from '../../runtime/user.ts';
import type { ProcessSpec, SeccompSpec } from '../../runtime/spec.ts';
import type { Container } from '../container.ts';
import { EngineError } from '../engine.ts';
import { confinementOf, environmentOf, processOf } from './process.ts';

/** @param pid of the container's first process: users are looked up in its root */
export function buildExecProcess(container: Container, body: ExecCreateBody, pid: number): { readonly process: ProcessSpec; readonly seccomp: SeccompSpec | undefined } {
  const { config, hostConfig, id } = container.record;
  const named = new Set((body.Env ?? []).map((entry) => entry.split('=', 1)[0]));
  const env = [...(config.Env ?? []).filter((entry) => !named.has(entry.split('=', 1)[0])), ...(body.Env ?? []).filter((entry) => entry.includes('='))];
  const privileged = hostConfig.Privileged === true || body.Privileged === true;
  const confinement = confinementOf(hostConfig, privileged);
  const root = openSync(`/proc/${pid}/root`, 'r');
  try {
    const user = resolveUser(root, body.User || config.User || '', hostConfig.GroupAdd ?? []);
    const { process } = processOf(hostConfig, confinement, user, {
      args: body.Cmd ?? [],
      env: environmentOf({ Env: env, Tty: body.Tty ?? false }, config.Hostname || id.slice(0, 12), user.home),
      cwd: body.WorkingDir || config.WorkingDir || '/',
      terminal: body.Tty ?? false,
    });
    return { process, seccomp: confinement.seccomp };
  } catch (error) {
    throw error instanceof UserError ? new EngineError(400, error.message) : error;
  } finally {
    closeSync(root);
  }
}
