/** The list of containers, as `docker ps` gets it. */
import type { ContainerSummary, Filters, Health } from '../api/schema.ts';
import { familiarName } from '../image/reference.ts';
import { never, type Container } from './container.ts';
import { containerFilter, type FilterableContainer } from './container-filter.ts';
import { containerSizes, type ContainerSizes } from './container-sizes.ts';
import { statusText } from './container-status.ts';
import { filterValues } from './filters.ts';
import { healthOf } from './health.ts';
import { commandOf } from './inspect-container.ts';
import { networkId, networkMode, networkName, networksOf, portList } from './network-view.ts';
import type { BridgeView } from './networking.ts';
import type { Parts } from './parts.ts';
import { parseMoment } from './time.ts';

export interface ListOptions {
  /** Those that do not run, too. */
  readonly all: boolean;
  /** Only so many, the newest, whether they run or not. */
  readonly limit?: number;
  readonly size: boolean;
  readonly filters: Filters;
}

/** What is known of a container beside its record. */
export interface SummaryContext {
  /** Absent before the first container used it. */
  readonly bridge: BridgeView | undefined;
  /** Absent when it has no health check. */
  readonly health: Health | undefined;
  /** The id of the image that has the container's image's name now. */
  readonly named: string | undefined;
  /** Absent unless asked for. */
  readonly sizes?: ContainerSizes | undefined;
}

type ListParts = Pick<Parts, 'containers' | 'images' | 'snapshots' | 'networking'>;

/** The containers, newest first. @throws EngineError 400 or 404 for a bad filter */
export async function listContainers(parts: ListParts, options: ListOptions): Promise<ContainerSummary[]> {
  const { limit = 0, filters } = options;
  const passes = containerFilter(filters, (ref) => ({ created: createdAt(parts.containers.find(ref)) }));
  const images = filterValues(filters, 'ancestor') ? imageNames(parts) : undefined;
  const all = options.all || limit > 0 || filterValues(filters, 'status') !== undefined;
  const found = parts.containers.all().filter((c) => (all || isActive(c)) && passes(filterable(c, images)));
  found.sort((a, b) => (a.record.created < b.record.created ? 1 : -1));

  const named = remembering((reference) => idOf(parts, reference));
  const { view: bridge } = parts.networking;
  return Promise.all(
    (limit > 0 ? found.slice(0, limit) : found).map(async (c) =>
      summary(c, { bridge, health: healthOf(c), named: named(c.record.image.reference), sizes: options.size ? await containerSizes(parts, c) : undefined }),
    ),
  );
}

const isActive = ({ record: { state } }: Container): boolean => state.status === 'running' || state.status === 'paused' || state.status === 'restarting';
const createdAt = ({ record }: Container): bigint => parseMoment(record.created, 'created');

function filterable(container: Container, images: ImageNames | undefined): FilterableContainer {
  const { record } = container;
  const { state, image, config, mounts } = record;
  const network = networkName(container);
  const ports = portList(container);
  return {
    id: record.id,
    name: record.name,
    status: state.status,
    exitCode: container.isRunning || state.startedAt === never ? undefined : state.exitCode,
    health: healthOf(container)?.Status ?? 'none',
    labels: config.Labels ?? {},
    created: createdAt(container),
    images: [image.reference, image.id, ...(images?.(image.chain) ?? [])],
    networks: network === undefined ? [] : [network, networkId(network)],
    mounts: mounts.flatMap((m) => [m.Destination, ...(m.Name ? [m.Name] : [])]),
    exposed: ports.map((p) => `${p.PrivatePort}/${p.Type}`),
    published: ports.flatMap((p) => (p.PublicPort === undefined ? [] : [`${p.PublicPort}/${p.Type}`])),
  };
}

/** The names and ids of the images that a stack of layers contains. */
type ImageNames = (chain: readonly string[]) => string[];

function imageNames({ images }: Pick<Parts, 'images'>): ImageNames {
  const known = images.list().map(({ Id }) => images.resolve(Id));
  return (chain) =>
    known
      .filter((image) => image.chain.length > 0 && image.chain.every((layer, i) => chain[i] === layer))
      .flatMap((image) => [image.id, ...image.names.map(familiarName)]);
}

function idOf({ images }: Pick<Parts, 'images'>, reference: string): string | undefined {
  try {
    return images.resolve(reference).id;
  } catch {
    return undefined;
  }
}

/** Many containers have the same image: it is looked up once. */
function remembering<T>(look: (reference: string) => T): (reference: string) => T {
  const known = new Map<string, T>();
  return (reference) => {
    if (!known.has(reference)) known.set(reference, look(reference));
    return known.get(reference)!;
  };
}

/** A line of `ps`. */
export function summary(container: Container, context: SummaryContext): ContainerSummary {
  const { record } = container;
  const { image, state, hostConfig } = record;
  const { sizes } = context;
  const { Annotations } = hostConfig;
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    // A name that has gone to another image would mislead.
    Image: context.named === image.id ? image.reference : image.id,
    ImageID: image.id,
    Command: commandText(commandOf(record.config)),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portList(container),
    ...(sizes ? { SizeRw: sizes.rw, SizeRootFs: sizes.rootFs } : {}),
    Labels: record.config.Labels ?? {},
    State: state.status,
    Status: statusText(state, context.health),
    HostConfig: { NetworkMode: networkMode(container), ...(Annotations ? { Annotations } : {}) },
    NetworkSettings: { Networks: networksOf(container, context.bridge) },
    Mounts: [...record.mounts],
  };
}

/** The command as one text; arguments with blanks are quoted. */
const commandText = ([program = '', ...args]: readonly string[]): string => [program, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
