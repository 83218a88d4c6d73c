/** A container's configuration: what the client asked for, and where it said nothing, the image's. As Docker merges them. */
import type { ContainerConfig, ContainerCreateBody } from '../../api/schema.ts';
import type { ImageConfig } from '../../image/config.ts';
import { EngineError } from '../engine.ts';
import { mergeEnvironment } from './environment.ts';

/** @throws EngineError 400 when neither the client nor the image names a command */
export function mergeImageConfig(body: ContainerCreateBody, image: ImageConfig): ContainerConfig {
  const { HostConfig: _host, NetworkingConfig: _network, ...asked } = body;
  const clears = asked.Entrypoint?.length === 1 && asked.Entrypoint[0] === '';
  const ownEntrypoint = (asked.Entrypoint?.length ?? 0) > 0;
  const entrypoint = clears ? [] : ownEntrypoint ? asked.Entrypoint! : (image.Entrypoint ?? []);
  // An entry point of the client's own makes the image's command meaningless.
  const command = asked.Cmd?.length ? asked.Cmd : ownEntrypoint ? [] : (image.Cmd ?? []);
  if (entrypoint.length + command.length === 0) throw new EngineError(400, 'no command specified: name one after the image, or set one in the image');
  const health = mergeHealth(asked.Healthcheck, image.Healthcheck);
  const config: ContainerConfig = {
    ...asked,
    Entrypoint: entrypoint,
    Cmd: command,
    Env: mergeEnvironment(image.Env ?? [], asked.Env ?? []),
    Labels: { ...image.Labels, ...asked.Labels },
    ExposedPorts: { ...image.ExposedPorts, ...asked.ExposedPorts },
    Volumes: { ...image.Volumes, ...asked.Volumes },
    User: asked.User || image.User || '',
    WorkingDir: asked.WorkingDir || image.WorkingDir || '',
  };
  if (health) config.Healthcheck = health;
  const stop = asked.StopSignal || image.StopSignal;
  if (stop) config.StopSignal = stop;
  const shell = asked.Shell ?? image.Shell;
  if (shell) config.Shell = shell;
  return config;
}

function mergeHealth(asked: ContainerConfig['Healthcheck'], image: ImageConfig['Healthcheck']): ContainerConfig['Healthcheck'] {
  if (!asked) return image;
  return { ...image, ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== 0 && !(Array.isArray(value) && value.length === 0))) };
}
