/** The filters of `docker ps` and `docker container prune`: which containers a listing keeps. */
import type { ContainerStatus, Filters, Health } from '../api/schema.ts';
import { never, type Container } from './container.ts';
import type { ContainerIndex } from './container-index.ts';
import { EngineError } from './engine.ts';
import { networkId, networkName, portList } from './network-view.ts';
import { parseMoment, rfc3339 } from './time.ts';

/** What the filters look things up in. */
export interface FilterContext {
  readonly containers: Pick<ContainerIndex, 'find'>;
  readonly health: (container: Container) => Health | undefined;
  /** The image of a reference, when there is one. */
  readonly image: (reference: string) => { readonly id: string; readonly chain: readonly string[] } | undefined;
}

type Test = (container: Container) => boolean;

/** A filter: makes the test of one value. Values are looked at once, not once a container. */
type Filter = (value: string, context: FilterContext) => Test;

const statuses: readonly ContainerStatus[] = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
const healths: readonly Health['Status'][] = ['none', 'starting', 'healthy', 'unhealthy'];

const hasLabel = (value: string): Test => {
  const [key = '', ...rest] = value.split('=');
  return ({ record: { config: { Labels = {} } } }) => Object.hasOwn(Labels, key) && (rest.length === 0 || Labels[key] === rest.join('='));
};

const label: Filter = (value) => hasLabel(value);
const notLabel: Filter = (value) => {
  const test = hasLabel(value);
  return (container) => !test(container);
};

const listFilters: Readonly<Record<string, Filter>> = {
  id: (value) => {
    const matches = pattern(value, 'id');
    return ({ id }) => matches(id);
  },
  name: (value) => {
    const matches = pattern(value, 'name');
    return ({ record: { name } }) => matches(name) || matches(`/${name}`);
  },
  label,
  'label!': notLabel,
  status: (value) => {
    const wanted = oneOf(value, statuses, 'status');
    return ({ record }) => record.state.status === wanted;
  },
  health: (value, { health }) => {
    const wanted = oneOf(value, healths, 'health');
    return (container) => (health(container)?.Status ?? 'none') === wanted;
  },
  exited: (value) => {
    if (!/^-?\d{1,9}$/.test(value)) throw invalid('exited', value, 'give an exit code');
    return ({ isRunning, record: { state } }) => !isRunning && state.startedAt !== never && state.exitCode === Number(value);
  },
  ancestor: (value, { image }) => {
    const found = image(value);
    if (!found) return () => false;
    return ({ record }) => record.image.id === found.id || (found.chain.length > 0 && found.chain.every((layer, i) => record.image.chain[i] === layer));
  },
  before: (value, { containers }) => {
    const { created } = containers.find(value).record;
    return ({ record }) => record.created < created;
  },
  since: (value, { containers }) => {
    const { created } = containers.find(value).record;
    return ({ record }) => record.created > created;
  },
  volume: (value) => ({ record }) => record.mounts.some((m) => m.Name === value || m.Destination === value || m.Source === value),
  network: (value) => (container) => {
    const name = networkName(container);
    return name !== undefined && (name === value || networkId(name) === value);
  },
  publish: (value) => {
    const wanted = portRange(value, 'publish');
    return (container) => portList(container).some((p) => p.PublicPort !== undefined && wanted(p.PublicPort, p.Type));
  },
  expose: (value) => {
    const wanted = portRange(value, 'expose');
    return (container) => portList(container).some((p) => wanted(p.PrivatePort, p.Type));
  },
  'is-task': (value) => {
    const wanted = oneOf(value.toLowerCase(), ['true', 'false', '1', '0'], 'is-task');
    return () => wanted === 'false' || wanted === '0'; // there are no swarms
  },
};

const pruneFilters: Readonly<Record<string, Filter>> = {
  label,
  'label!': notLabel,
  until: (value) => {
    const moment = rfc3339(parseMoment(value, 'until'));
    return ({ record }) => record.created < moment;
  },
};

/** Filters whose values must all hold; of the others one is enough. */
const conjunctive = new Set(['label', 'label!', 'before', 'since', 'until']);

/** The test of `ps`. @throws EngineError 400 for an unknown filter or a bad value, 404 where `before` or `since` name no container */
export const listFilter = (filters: Filters, context: FilterContext): Test => combine(filters, listFilters, context);

/** The test of `container prune`, which takes `until`, `label` and `label!`. @throws EngineError 400 */
export const pruneFilter = (filters: Filters, context: FilterContext): Test => combine(filters, pruneFilters, context);

function combine(filters: Filters, known: Readonly<Record<string, Filter>>, context: FilterContext): Test {
  const all = Object.entries(filters).map(([name, values]): Test => {
    const filter = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!filter) throw new EngineError(400, `invalid filter '${name.slice(0, 64)}': containers are filtered by ${Object.keys(known).join(', ')}`);
    const tests = values.map((value) => filter(value, context));
    if (tests.length === 0) return () => true;
    return conjunctive.has(name) ? (container) => tests.every((test) => test(container)) : (container) => tests.some((test) => test(container));
  });
  return (container) => all.every((test) => test(container));
}

const invalid = (filter: string, value: string, advice: string): EngineError => new EngineError(400, `invalid filter '${filter}=${value.slice(0, 64)}': ${advice}`);

function oneOf<T extends string>(value: string, known: readonly T[], filter: string): T {
  const found = known.find((k) => k === value);
  if (found === undefined) throw invalid(filter, value, `use one of ${known.join(', ')}`);
  return found;
}

/**
 * The filters `id` and `name` are regular expressions that may match anywhere. Those that could take for ever on a name
 * (many repetitions, repeated groups) are refused: they hold up the whole engine.
 */
function pattern(value: string, filter: string): (text: string) => boolean {
  if (/^[\w-]*$/.test(value)) return (text) => text.includes(value);
  const repetitions = value.match(/[*+?{]/g)?.length ?? 0;
  const groups = value.match(/\(/g)?.length ?? 0;
  if (value.length > 256 || repetitions > 3 || groups > 3 || /\)[*+?{]/.test(value)) throw invalid(filter, value, 'the pattern is too complicated');
  let expression: RegExp;
  try {
    expression = new RegExp(value, 'u');
  } catch {
    throw invalid(filter, value, 'it is no regular expression');
  }
  return (text) => expression.test(text.slice(0, 256));
}

/** `80`, `80/udp`, `8000-8010/tcp`. */
function portRange(value: string, filter: string): (port: number, protocol: string) => boolean {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  if (!match || first > last || last > 65535) throw invalid(filter, value, 'give a port or a range of ports, such as 80/tcp or 8000-8010/udp');
  const wanted = match[3] ?? 'tcp';
  return (port, protocol) => protocol === wanted && port >= first && port <= last;
}
