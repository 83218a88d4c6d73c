/** The list of images and its filters, as `docker images` has them. */
import { matchesGlob } from 'node:path';
import type { Digest } from '../storage/digest.ts';
import { invalid } from '../storage/error.ts';
import { imageSize, secondsOf } from './inspect.ts';
import { familiarName } from './reference.ts';
import { resolveImage } from './resolve.ts';
import type { ImageStore, StoredImage } from './store.ts';

export interface ImageSummary {
  Id: Digest;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Seconds since the epoch. */
  Created: number;
  /** Bytes. */
  Size: number;
  SharedSize: number;
  Labels: Record<string, string> | null;
  Containers: number;
}

/** Names to values. An image passes a filter with one of its values (labels: with all). */
export type Filters = Readonly<Record<string, readonly string[]>>;

type Test = (image: StoredImage) => boolean;

/** How each filter judges; made once a listing, so that references are looked up once. */
const tests: Readonly<Record<string, (value: string, store: ImageStore) => Test>> = {
  dangling: (value) => {
    const wanted = parseBoolean(value, 'dangling');
    return (image) => (image.names.length === 0) === wanted;
  },
  label: (value) => (image) => hasLabel(image, value),
  'label!': (value) => (image) => !hasLabel(image, value),
  before: (value, store) => {
    const time = createdAt(resolveImage(store, value));
    return (image) => createdAt(image) < time;
  },
  since: (value, store) => {
    const time = createdAt(resolveImage(store, value));
    return (image) => createdAt(image) > time;
  },
  until: (value) => {
    const time = parseTime(value);
    return (image) => createdAt(image) < time;
  },
  reference: (value) => (image) => image.names.some((name) => matchesReference(name, value)),
};

/** Filters that hold only if all their values do; of the others one value is enough. */
const conjunctive = new Set(['label', 'label!']);

/**
 * Makes one test of filters.
 * @param known the filters that are allowed here
 * @throws StorageError (invalid) for an unknown filter or a bad value
 */
export function imageFilter(store: ImageStore, filters: Filters, known: readonly string[]): Test {
  const all = Object.entries(filters).map(([filter, values]): Test => {
    const make = tests[filter];
    if (!known.includes(filter) || !make) throw invalid(`images cannot be filtered by ${JSON.stringify(filter)}; known are ${known.join(', ')}`);
    const each = values.map((value) => make(value, store));
    return (image) => each.length === 0 || (conjunctive.has(filter) ? each.every((test) => test(image)) : each.some((test) => test(image)));
  });
  return (image) => all.every((test) => test(image));
}

/** Images, newest first. */
export function listImages(store: ImageStore, filters: Filters): ImageSummary[] {
  const passes = imageFilter(store, filters, Object.keys(tests));
  return store
    .images()
    .filter(passes)
    .sort((a, b) => createdAt(b) - createdAt(a))
    .map((image) => ({
      Id: image.id,
      ParentId: '',
      RepoTags: image.names.map(familiarName).filter((name) => !filters['reference']?.length || filters['reference'].some((p) => matchesReference(name, p))),
      RepoDigests: [],
      Created: secondsOf(image.configuration.created),
      Size: imageSize(store, image),
      SharedSize: -1,
      Labels: image.configuration.config.Labels ?? null,
      Containers: -1,
    }));
}

/** Milliseconds since the epoch. */
const createdAt = (image: StoredImage): number => Date.parse(image.configuration.created ?? '') || 0;

/** A pattern is matched with the familiar and the full name, with and without the tag, as Docker does. */
function matchesReference(name: string, pattern: string): boolean {
  const names = [name, familiarName(name)];
  return names.flatMap((n) => [n, n.slice(0, n.lastIndexOf(':'))]).some((n) => matchesGlob(n, pattern));
}

function hasLabel(image: StoredImage, label: string): boolean {
  const labels = image.configuration.config.Labels ?? {};
  const [key = '', ...value] = label.split('=');
  return Object.hasOwn(labels, key) && (value.length === 0 || labels[key] === value.join('='));
}

/** Filters' booleans. @throws StorageError (invalid) */
export function parseBoolean(value: string, filter: string): boolean {
  if (['true', '1', 't'].includes(value.toLowerCase())) return true;
  if (['false', '0', 'f'].includes(value.toLowerCase())) return false;
  throw invalid(`the filter ${filter} takes true or false, not ${JSON.stringify(value)}`);
}

/** A time as filters give it: seconds since the epoch, RFC 3339, or a duration before now such as `24h`. In milliseconds. */
function parseTime(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3 };
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length && parts.map((p) => p[0]).join('') === value)
    return Date.now() - parts.reduce((sum, [, n, unit]) => sum + Number(n) * (units[unit!] ?? 0), 0);
  const time = Date.parse(value);
  if (Number.isNaN(time))
    throw invalid(`the filter until takes a time (2024-01-31T10:00:00Z, seconds since the epoch) or a duration (24h), not ${JSON.stringify(value)}`);
  return time;
}
