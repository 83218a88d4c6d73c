/** Creating a container: everything that can be refused is refused here, before anything runs. */
import { closeSync } from 'node:fs';
import type { ContainerCreateBody, CreateResponse, MountPoint } from '../api/schema.ts';
import type { ResolvedImage } from '../image/images.ts';
import { openOverlay } from '../runtime/rootfs/rootfs.ts';
import { Container, never, type ContainerRecord } from './container.ts';
import { EngineError } from './engine.ts';
import { logLimits } from './logs.ts';
import { announce, type Parts } from './parts.ts';
import { removeAnonymousVolumes } from './remove-container.ts';
import { answering } from './storage-failure.ts';
import { mergeImageConfig } from './spec/merge.ts';
import { validateCreate, validateName } from './spec/validate.ts';
import { resolveMounts } from './spec/volumes.ts';
import { now, rfc3339 } from './time.ts';

/** Checks the request and gives the record, without writing or reserving anything but the volumes it names. */
export async function draftContainer(
  parts: Parts,
  body: ContainerCreateBody,
  name: string | undefined,
  explain: boolean,
): Promise<{ readonly container: Container; readonly image: ResolvedImage; readonly warnings: string[] }> {
  const warnings = validateCreate(body, explain ? parts.layout : await parts.cgroups.available());
  const hostConfig = body.HostConfig ?? {};
  warnings.push(...logLimits(hostConfig.LogConfig).warnings);
  if (name !== undefined && name !== '') validateName(name);
  if (!body.Image) throw new EngineError(400, 'no image specified');
  const image = await parts.resolveImage(body.Image);
  const config = mergeImageConfig(body, image.config);
  const mounts = resolveMounts(config, hostConfig, {
    volume: (asked) => volume(parts, asked, explain),
    mountsOf: (ref) => parts.containers.find(ref).record.mounts,
    create: !explain,
  });
  const record: ContainerRecord = {
    id: parts.containers.newId(),
    name: name || parts.containers.randomName(),
    created: rfc3339(now()),
    image: { id: image.id, reference: body.Image, chain: image.chain },
    config,
    hostConfig,
    mounts,
    networks: body.NetworkingConfig?.EndpointsConfig ?? {},
    state: { status: 'created', exitCode: 0, oomKilled: false, error: '', startedAt: never, finishedAt: never, stoppedByUser: false },
    restartCount: 0,
  };
  return { container: new Container(record), image, warnings };
}

function volume(
  parts: Parts,
  asked: {
    readonly name?: string;
    readonly driver?: string;
    readonly options?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  },
  explain: boolean,
): { readonly name: string; readonly path: string } {
  if (explain && !(asked.name && parts.volumes.has(asked.name)))
    return { name: asked.name ?? 'NEW', path: `${parts.settings.root}/volumes/${asked.name ?? 'NEW'}/_data` };
  const made =
    asked.name && parts.volumes.has(asked.name)
      ? parts.volumes.inspect(asked.name)
      : parts.volumes.create({
          ...(asked.name ? { Name: asked.name } : {}),
          ...(asked.driver ? { Driver: asked.driver } : {}),
          ...(asked.options ? { DriverOpts: asked.options } : {}),
          ...(asked.labels ? { Labels: asked.labels } : {}),
        });
  return { name: made.Name, path: made.Mountpoint };
}

/** Creates a container. */
export function createContainer(parts: Parts, body: ContainerCreateBody, name?: string): Promise<CreateResponse> {
  return answering('create the container', () => create(parts, body, name));
}

async function create(parts: Parts, body: ContainerCreateBody, name: string | undefined): Promise<CreateResponse> {
  const { container, image, warnings } = await draftContainer(parts, body, name, false);
  try {
    parts.containers.add(container);
  } catch (error) {
    await removeAnonymousVolumes(parts, container); // the name is taken
    throw error;
  }
  try {
    const overlay = parts.snapshots.create(container.id, image.lower);
    parts.files.create(container);
    await fillVolumes(parts, container, overlay);
  } catch (error) {
    parts.containers.remove(container);
    await parts.snapshots.remove(container.id).catch((problem: unknown) => parts.report(String(problem)));
    await removeAnonymousVolumes(parts, container);
    parts.files.remove(container);
    throw error;
  }
  announce(parts, container, 'create');
  return { Id: container.id, Warnings: warnings };
}

/** A new volume begins with what the image has in its place. */
async function fillVolumes(parts: Parts, container: Container, overlay: ReturnType<Parts['snapshots']['create']>): Promise<void> {
  const volumes = container.record.mounts.filter(
    (m): m is MountPoint & { Name: string } => m.Type === 'volume' && m.Name !== undefined && !/\bnocopy\b/.test(m.Mode),
  );
  if (volumes.length === 0) return;
  const root = openOverlay(overlay);
  if (root < 0) throw new EngineError(500, `the layers of the container can't be mounted (errno ${-root})`);
  try {
    for (const { Name, Destination } of volumes) await parts.volumes.copyUp(Name, root, Destination);
  } finally {
    closeSync(root);
  }
}
