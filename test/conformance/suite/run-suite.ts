/** Runs the properties' claims, several at a time where they allow it, and gives the results in a fixed order and in fixed words. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Bench } from './bench.ts';
import type { Claim, ClaimResult, Property, PropertyResult } from './property.ts';

const folder = join(import.meta.dirname, '..');

/** What is to be run. */
export interface SuiteOptions {
  /** The runtime's path. */
  readonly runtime: string;
  /** A directory with busybox, for the bundles. */
  readonly place: string;
  /** Properties to run; all when empty. */
  readonly names: readonly string[];
  /** Only the first two claims of each property. */
  readonly quick: boolean;
  /** How many claims at a time. */
  readonly jobs: number;
  /** Called when all claims of a property are done. */
  readonly done: (property: PropertyResult) => void;
}

/** The names of all properties. */
export function propertyNames(): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'suite')
    .map((entry) => entry.name)
    .toSorted();
}

/** Reads a property. */
export async function loadProperty(name: string): Promise<Property> {
  return ((await import(join(folder, name, 'property.ts'))) as { readonly default: Property }).default;
}

/** Runs properties. @returns their results by name */
export async function runSuite(options: SuiteOptions): Promise<PropertyResult[]> {
  const names = options.names.length > 0 ? options.names : propertyNames();
  const properties = await Promise.all(
    names.map(async (name) => ({
      name,
      claims: Object.entries(await loadProperty(name)).slice(0, options.quick ? 2 : undefined),
      results: new Map<string, ClaimResult>(),
    })),
  );
  const tasks = properties.flatMap((property) => property.claims.map(([name, claim]) => ({ property, name, claim })));
  const run = async ({ property, name, claim }: (typeof tasks)[number]): Promise<void> => {
    property.results.set(name, { name, spec: claim.spec, must: claim.must, ...(await judge(claim, options)) });
    if (property.results.size === property.claims.length) options.done(resultOf(property));
  };
  await inParallel(
    tasks.filter(({ claim }) => claim.alone !== true),
    options.jobs,
    run,
  );
  await inParallel(
    tasks.filter(({ claim }) => claim.alone === true),
    1,
    run,
  );
  return properties.map(resultOf);
}

function resultOf({
  name,
  claims,
  results,
}: {
  name: string;
  claims: readonly (readonly [string, Claim])[];
  results: ReadonlyMap<string, ClaimResult>;
}): PropertyResult {
  return { name, claims: claims.map(([claim]) => results.get(claim)!) };
}

async function inParallel<T>(tasks: readonly T[], jobs: number, run: (task: T) => Promise<void>): Promise<void> {
  const queue = tasks.values();
  const worker = async (): Promise<void> => {
    for (const task of queue) await run(task);
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, worker));
}

/** Checks a claim. What is left behind is a failure, too. */
async function judge(claim: Claim, { runtime, place }: SuiteOptions): Promise<Pick<ClaimResult, 'result' | 'detail'>> {
  const reason = claim.needs?.() ?? false;
  if (reason) return { result: 'not applicable', detail: reason };
  let directory = '';
  try {
    await using bench = new Bench(runtime, place);
    directory = bench.directory;
    await withinPatience(claim.check(bench));
    return { result: 'passed' };
  } catch (error) {
    return { result: 'failed', detail: inFixedWords(error instanceof Error ? error : new Error(String(error)), directory) };
  }
}

/** Longer than any check takes on a busy machine; what waits for something that does not come fails by it. */
const patience = 60_000;

async function withinPatience(check: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not done after ${patience / 1000} s`)), patience);
  try {
    await Promise.race([check, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A message without what differs from run to run: temporary directories, ids, process ids, times. */
function inFixedWords(error: Error, directory: string): string {
  return stripVTControlCharacters(error.message)
    .replaceAll(directory, 'BENCH')
    .replace(/conformance-\d+(-\d+)*/g, 'ID')
    .replace(/time="[^"]*" /g, '')
    .replace(/\b(\w+):\[\d+\]/g, '$1:[N]')
    .replace(/\/proc\/\d+\//g, '/proc/PID/')
    .trim();
}
