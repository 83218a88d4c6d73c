/** Commit: what a container has changed becomes an image. */
import type { ContainerConfig } from '../api/schema.ts';
import type { ImageConfig } from '../image/config.ts';
import { nameFor } from '../image/reference.ts';
import type { Container } from './container.ts';
import { announce, type Parts } from './parts.ts';
import { commandOf } from './inspect-container.ts';
import { idRangeOf } from './container-root.ts';
import { canPause, pauseContainer, unpauseContainer } from './stop-container.ts';

export interface CommitRequest {
  readonly repository?: string;
  readonly tag?: string;
  readonly comment?: string;
  readonly author?: string;
  /** Pause it meanwhile, so that its changes are of one moment. */
  readonly pause: boolean;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
}

/** Makes the image. @throws StorageError, EngineError */
export function commitContainer(parts: Parts, container: Container, request: CommitRequest): Promise<{ Id: string }> {
  const { record } = container;
  // Refused before anything is paused.
  const name = request.repository ? nameFor(request.repository, request.tag) : undefined;
  const { upper } = parts.snapshots.mountOf(container.id, []);
  const commit = (): Promise<{ readonly id: string }> =>
    parts.images.commit(upper, {
      image: record.image.id,
      config: imageConfig(record.config),
      changes: request.changes,
      idRange: idRangeOf(container),
      createdBy: commandOf(record.config).join(' '),
      ...(request.comment ? { comment: request.comment } : {}),
      ...(request.author ? { author: request.author } : {}),
      ...(name === undefined ? {} : { name }),
    });
  return container.exclusive(async () => {
    const running = request.pause && record.state.status === 'running' ? container.running : undefined;
    const pauses = running !== undefined && canPause(running);
    if (running && !pauses)
      parts.report(
        `container ${record.name} goes on while it is committed, since it has no cgroup to be paused in: what it writes meanwhile may be in the image`,
      );
    if (pauses) await pauseContainer(parts, container);
    try {
      const { id } = await commit();
      announce(parts, container, 'commit', { comment: request.comment ?? '', imageID: id, imageRef: name ?? '' });
      return { Id: id };
    } finally {
      if (pauses && container.isRunning) await unpauseContainer(parts, container);
    }
  });
}

const inherited = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Healthcheck',
  'ArgsEscaped',
  'Volumes',
  'WorkingDir',
  'OnBuild',
  'Labels',
  'StopSignal',
  'Shell',
] as const satisfies readonly (keyof ImageConfig & keyof ContainerConfig)[];

/** The part of a container's configuration that containers of an image inherit. */
const imageConfig = (config: ContainerConfig): ImageConfig =>
  Object.fromEntries(inherited.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]])));
