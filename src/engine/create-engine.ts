/** Puts an engine together: stores, network, containers; takes up what an earlier one left. */
import { join } from 'node:path';
import { Images } from '../image/images.ts';
import { perform } from '../kernel/perform.ts';
import { defaultCapabilities } from '../runtime/capabilities.ts';
import { defaultSeccomp, seccompFilter } from '../runtime/seccomp/load.ts';
import type { Kernel } from '../step/apply.ts';
import { LayerPool } from '../storage/layer-pool.ts';
import { Snapshots } from '../storage/snapshots.ts';
import { Volumes } from '../storage/volumes.ts';
import { ContainerIndex } from './container-index.ts';
import { containerOperations } from './containers.ts';
import type { Engine } from './engine.ts';
import { Events } from './events.ts';
import { execOperations } from './execs.ts';
import { imageOperations } from './image-operations.ts';
import { engineInfo } from './info.ts';
import { Networking } from './networking.ts';
import { networkOperations } from './networks.ts';
import type { Parts } from './parts.ts';
import { recover, removeCgroupParents } from './recovery.ts';
import { imageResolver } from './resolve-image.ts';
import { machineCgroups, userCgroups } from './rootless/cgroups.ts';
import { leaveNamespaces } from './rootless/leave.ts';
import { currentNamespaces } from './rootless/namespaces-file.ts';
import type { Settings } from './settings.ts';
import { StateFiles } from './state-files.ts';
import { volumeOperations } from './volume-operations.ts';

/**
 * Makes an engine.
 * @param report told, in one line, of what failed where nobody waits for an answer
 * @param kernel makes the calls of all steps; a test may let one fail
 */
export async function createEngine(settings: Settings, report: (message: string) => void, kernel: Kernel = { call: perform }): Promise<Engine> {
  const own = currentNamespaces(settings.run);
  const pool = new LayerPool(undefined, report);
  const containers = new ContainerIndex();
  const images = await Images.open(settings.root, pool, {
    usedBy: (id) =>
      containers
        .all()
        .filter((c) => c.record.image.id === id)
        .map((c) => ({ id: c.id, running: c.isRunning })),
    usedLayers: () => containers.all().flatMap((c) => c.record.image.chain),
  });
  const volumes = await Volumes.open(join(settings.root, 'volumes'), pool, (name) =>
    containers
      .all()
      .filter((c) => c.record.mounts.some((m) => m.Name === name))
      .map((c) => c.id),
  );
  const cgroups = own
    ? userCgroups(settings, [process.pid, own.holder.pid, ...(own.uplink ? [own.uplink.process.pid] : [])], kernel)
    : machineCgroups(settings);
  const parts: Parts = {
    settings,
    kernel,
    images,
    volumes,
    containers,
    report,
    layout: cgroups.layout,
    cgroups,
    resolveImage: imageResolver(images, report),
    snapshots: await Snapshots.open(join(settings.root, 'snapshots'), pool),
    files: new StateFiles(settings),
    networking: new Networking(settings, kernel, report, own),
    events: new Events(),
  };
  await recover(parts);
  // The first compilation takes some milliseconds, which the first container would wait for.
  setImmediate(() => seccompFilter(defaultSeccomp(defaultCapabilities)));

  return {
    containers: containerOperations(parts),
    execs: execOperations(parts),
    images: imageOperations(parts),
    volumes: volumeOperations(parts),
    networks: networkOperations(parts),
    info: () => engineInfo(parts),
    events: (options) => parts.events.read(options),
    async close() {
      const half = containers.all().filter((c) => c.stepping);
      for (const container of half) container.stepping?.abort('the engine was stopped meanwhile');
      await Promise.all(half.map((c) => c.exclusive(async () => {})));
      const running = containers.all().some((c) => c.isRunning);
      await parts.networking.close(!running);
      if (!running) removeCgroupParents(parts);
      await pool.close();
      if (own && !running) await leaveNamespaces(settings.run);
      if (!running) cgroups.leave();
    },
  };
}
