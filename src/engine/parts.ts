/** What the engine's operations work with. Made once, by create-engine.ts. */
import type { Images, ResolvedImage } from '../image/images.ts';
import type { CgroupLayout } from '../runtime/cgroup/layout.ts';
import type { Kernel } from '../step/apply.ts';
import type { Snapshots } from '../storage/snapshots.ts';
import type { Volumes } from '../storage/volumes.ts';
import type { Container } from './container.ts';
import type { ContainerIndex } from './container-index.ts';
import type { Events } from './events.ts';
import type { Networking } from './networking.ts';
import type { EngineCgroups } from './rootless/cgroups.ts';
import type { Settings } from './settings.ts';
import type { StateFiles } from './state-files.ts';

export interface Parts {
  readonly settings: Settings;
  readonly kernel: Kernel;
  readonly layout: CgroupLayout;
  /** The cgroups of this engine; `layout` is theirs. */
  readonly cgroups: EngineCgroups;
  readonly images: Images;
  /** Finds an image, making `base` when it is asked for first. @throws EngineError 404 */
  readonly resolveImage: (reference: string) => Promise<ResolvedImage>;
  readonly snapshots: Snapshots;
  readonly volumes: Volumes;
  readonly containers: ContainerIndex;
  readonly files: StateFiles;
  readonly networking: Networking;
  readonly events: Events;
  /** Told of what failed where nobody waits for an answer. */
  readonly report: (message: string) => void;
}

/** Publishes an event about a container, as Docker's `docker events` has them. */
export function announce(parts: Parts, container: Container, action: string, attributes: Readonly<Record<string, string>> = {}): void {
  const { record } = container;
  parts.events.publish('container', action, record.id, { ...record.config.Labels, image: record.image.reference, name: record.name, ...attributes });
}
