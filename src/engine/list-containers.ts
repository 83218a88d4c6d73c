/** The list of containers, as `docker ps` gets it. */
import type { ContainerSummary, Filters } from '../api/schema.ts';
import type { Container } from './container.ts';
import { listFilter, type FilterContext } from './container-filters.ts';
import { statusText } from './container-status.ts';
import { commandOf, type ContainerSizes } from './inspect-container.ts';
import { networkMode, networksOf, portList } from './network-view.ts';
import type { BridgeView } from './networking.ts';
import type { ContainerIndex } from './container-index.ts';

/** What a listing looks things up in. */
export interface ListContext extends FilterContext {
  readonly containers: ContainerIndex;
  /** Absent before the first container used it. */
  readonly bridge: BridgeView | undefined;
  readonly sizes: (container: Container) => Promise<ContainerSizes>;
}

export interface ListOptions {
  /** Those that do not run, too. */
  readonly all: boolean;
  /** Only so many, the newest, whether they run or not. */
  readonly limit?: number;
  readonly size: boolean;
  readonly filters: Filters;
}

/** The containers, newest first. @throws EngineError 400 or 404 for a bad filter */
export async function listContainers(context: ListContext, options: ListOptions): Promise<ContainerSummary[]> {
  const { limit = 0, filters } = options;
  const passes = listFilter(filters, context);
  const all = options.all || limit > 0 || (filters['status']?.length ?? 0) > 0;
  const found = [...context.containers].filter((c) => (all || isActive(c)) && passes(c)).sort((a, b) => (a.record.created < b.record.created ? 1 : -1));
  const image = remembering(context.image);
  const listed = limit > 0 ? found.slice(0, limit) : found;
  return Promise.all(listed.map(async (c) => summary(c, { ...context, image }, options.size ? await context.sizes(c) : undefined)));
}

const isActive = ({ record: { state } }: Container): boolean => state.status === 'running' || state.status === 'paused' || state.status === 'restarting';

/** Many containers have the same image: it is looked up once. */
function remembering<T>(look: (reference: string) => T): (reference: string) => T {
  const known = new Map<string, T>();
  return (reference) => {
    if (!known.has(reference)) known.set(reference, look(reference));
    return known.get(reference)!;
  };
}

/** A line of `ps`. */
export function summary(container: Container, context: Pick<ListContext, 'bridge' | 'health' | 'image'>, sizes?: ContainerSizes): ContainerSummary {
  const { record } = container;
  const { image, state, hostConfig } = record;
  const { Annotations } = hostConfig;
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    // A name that has gone to another image would mislead.
    Image: context.image(image.reference)?.id === image.id ? image.reference : image.id,
    ImageID: image.id,
    Command: commandText(commandOf(record.config)),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portList(container),
    ...(sizes ? { SizeRw: sizes.rw, SizeRootFs: sizes.rootFs } : {}),
    Labels: record.config.Labels ?? {},
    State: state.status,
    Status: statusText(state, context.health(container)),
    HostConfig: { NetworkMode: networkMode(container), ...(Annotations ? { Annotations } : {}) },
    NetworkSettings: { Networks: networksOf(container, context.bridge) },
    Mounts: [...record.mounts],
  };
}

/** The command as one text; arguments with blanks are quoted. */
const commandText = ([program = '', ...args]: readonly string[]): string => [program, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
