/** Which containers a list shows: the filters of `docker ps`. */
import type { Filters } from '../api/schema.ts';
import { EngineError } from './engine.ts';
import { checkFilters, filterFlag, filterValues, matchesExactly, matchesLabels, matchesPattern } from './filters.ts';

/** What the filters look at. */
export interface FilterableContainer {
  readonly id: string;
  /** Without a leading slash. */
  readonly name: string;
  readonly status: string;
  /** Of a container that ran and ended. */
  readonly exitCode: number | undefined;
  readonly health: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Nanoseconds since the epoch. */
  readonly created: bigint;
  /** The image as named at creation, its id, and every tag of it and of the images below it. */
  readonly images: readonly string[];
  /** Names and ids. */
  readonly networks: readonly string[];
  /** Volumes' names and destinations of mounts. */
  readonly mounts: readonly string[];
  /** `PORT/PROTOCOL`, in the container, and on the host. */
  readonly exposed: readonly string[];
  readonly published: readonly string[];
}

const known = [
  'ancestor',
  'before',
  'expose',
  'exited',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
];
const states = ['created', 'dead', 'exited', 'paused', 'removing', 'restarting', 'running'];

/**
 * A predicate for the filters.
 * @param find the container that `before` and `since` name; it throws where there is none
 * @throws EngineError 400 for an unknown filter or value
 */
export function containerFilter(filters: Filters, find: (ref: string) => { readonly created: bigint }): (container: FilterableContainer) => boolean {
  checkFilters(filters, known);
  const wrong = filterValues(filters, 'status')?.find((value) => !states.includes(value));
  if (wrong !== undefined) throw new EngineError(400, `Invalid filter 'status=${wrong.slice(0, 64)}': use one of ${states.join(', ')}.`);
  const exits = filterValues(filters, 'exited')?.map((value) => {
    if (!/^-?\d{1,9}$/.test(value)) throw new EngineError(400, `Invalid filter 'exited=${value.slice(0, 64)}': give an exit code.`);
    return Number(value);
  });
  const before = filterValues(filters, 'before')?.map((ref) => find(ref).created);
  const since = filterValues(filters, 'since')?.map((ref) => find(ref).created);
  const ancestors = filterValues(filters, 'ancestor')?.flatMap(imageNames);
  const exposed = portsOf(filters, 'expose');
  const published = portsOf(filters, 'publish');
  const task = filterFlag(filters, 'is-task');
  return (container) =>
    matchesExactly(filters, 'status', container.status) &&
    matchesLabels(filters, container.labels) &&
    (filterValues(filters, 'id')?.some((value) => container.id.startsWith(value)) ?? true) &&
    matchesPattern(filters, 'name', container.name, `/${container.name}`) &&
    matchesExactly(filters, 'health', container.health) &&
    (!exits || (container.exitCode !== undefined && exits.includes(container.exitCode))) &&
    (!before || before.some((time) => container.created < time)) &&
    (!since || since.some((time) => container.created > time)) &&
    (!ancestors ||
      ancestors.some((name) => container.images.some((image) => image === name || (image.startsWith(`sha256:${name}`) && /^[0-9a-f]{4,}$/.test(name))))) &&
    (filterValues(filters, 'network')?.some((value) =>
      container.networks.some((network) => network === value || (value.length >= 12 && network.startsWith(value))),
    ) ??
      true) &&
    matchesExactly(filters, 'volume', ...container.mounts) &&
    (!exposed || container.exposed.some((port) => exposed.has(port))) &&
    (!published || container.published.some((port) => published.has(port))) &&
    task !== true;
}

/** A name without a tag means `latest`. */
function imageNames(name: string): string[] {
  return /[:@]/.test(name.slice(name.lastIndexOf('/') + 1)) ? [name] : [name, `${name}:latest`];
}

/** `80`, `80/tcp`, `8000-8010/udp`. @throws EngineError 400 */
function portsOf(filters: Filters, name: string): Set<string> | undefined {
  const values = filterValues(filters, name);
  if (!values) return undefined;
  const ports = new Set<string>();
  for (const value of values) {
    const [, first, last = first, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value) ?? [];
    if (first === undefined || Number(last) > 65_535 || Number(last) < Number(first)) {
      throw new EngineError(400, `Invalid filter '${name}=${value.slice(0, 64)}': give PORT[-PORT][/PROTOCOL].`);
    }
    for (let port = Number(first); port <= Number(last); port += 1) ports.add(`${port}/${protocol}`);
  }
  return ports;
}
