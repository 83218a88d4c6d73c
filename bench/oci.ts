/**
 * The OCI runtimes beside one another: what each command of a container's life costs its caller, and where hako-oci's milliseconds go.
 * Node's own start is measured in the same rounds, since hako-oci cannot be below it.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../test/support/needs.ts';
import { quantile } from './rounds.ts';

const repository = join(import.meta.dirname, '..');
const commands = ['create', 'start', 'state', 'exec', 'kill', 'delete'] as const;
/** As callers have it: nothing of a shell, the launcher included. */
const environment = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };

interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
}

/** @param rootfs what containers have as their root @param work directory for bundles and states */
export function measureOci(rootfs: string, work: string, rounds: number): void {
  const candidates = [
    { name: 'hako-oci', program: join(repository, 'hako-oci') },
    { name: 'runc', program: findProgram('runc') },
    { name: 'crun', program: findProgram('crun') },
  ];
  const runtimes = candidates.flatMap(({ name, program }): Runtime[] => {
    if (program === undefined) return [];
    mkdirSync(join(work, name), { recursive: true });
    return [{ name, command: [program, '--root', join(work, `${name}-oci`)] }];
  });
  const bundle = writeBundle(rootfs, join(work, 'oci-bundle'));
  const working = runtimes.filter((runtime) => works(runtime, bundle, join(work, 'said')));
  const node = join(repository, 'node_modules/.bin/node');
  writeFileSync(join(work, 'empty.js'), '');
  const times = new Map<string, number[]>();
  const note = (what: string, ms: number): void => void times.set(what, [...(times.get(what) ?? []), ms]);
  for (let round = -1; round < rounds; round++) {
    for (const runtime of working.toSorted(() => Math.random() - 0.5))
      for (const [command, ms] of life(runtime, bundle, round)) if (round >= 0) note(`${runtime.name} ${command}`, ms);
    for (const [what, ms] of ladder(node, work, round)) if (round >= 0) note(what, ms);
  }
  printCommands(working, times);
  printLadder(times);
}

/** @param said a descriptor for what it says: no pipe, which a container that goes on would keep open */
function run(words: readonly string[], said: number | 'ignore' = 'ignore'): number {
  const began = performance.now();
  const { status } = spawnSync(words[0]!, words.slice(1), { stdio: ['ignore', 'ignore', said], env: environment });
  const ms = performance.now() - began;
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}`);
  return ms;
}

function* life({ name, command }: Runtime, bundle: string, round: number, said?: number): Generator<[string, number]> {
  const id = `hako-bench-${name}-${process.pid}-${round}`;
  try {
    yield ['create', run([...command, 'create', '--bundle', bundle, id], said)];
    yield ['start', run([...command, 'start', id])];
    yield ['state', run([...command, 'state', id])];
    yield ['exec', run([...command, 'exec', id, 'true'])];
    yield ['kill', run([...command, 'kill', id, 'KILL'])];
    while (!spawnSync(command[0]!, [...command.slice(1), 'state', id], { encoding: 'utf8' }).stdout.includes('"stopped"'));
    yield ['delete', run([...command, 'delete', id])];
  } catch (error) {
    spawnSync(command[0]!, [...command.slice(1), 'delete', '--force', id]);
    throw error;
  }
}

function works(runtime: Runtime, bundle: string, file: string): boolean {
  const said = openSync(file, 'w');
  try {
    for (const _ of life(runtime, bundle, -2, said));
    return true;
  } catch (error) {
    console.log(`(${runtime.name} is left out: ${readFileSync(file, 'utf8').trim() || (error as Error).message})`);
    return false;
  } finally {
    closeSync(said);
  }
}

/** Commands that come further and further on the way of a create. */
function* ladder(node: string, work: string, round: number): Generator<[string, number]> {
  const oci = join(repository, 'hako-oci');
  const fails = (words: readonly string[]): number => {
    const began = performance.now();
    spawnSync(words[0]!, words.slice(1), { stdio: 'ignore', env: environment });
    return performance.now() - began;
  };
  const id = `hako-bench-ladder-${process.pid}-${round}`;
  const broken = join(work, 'oci-broken');
  mkdirSync(broken, { recursive: true });
  writeFileSync(join(broken, 'config.json'), '{}');
  yield ["Node's own start", run([node, '--single-threaded', join(work, 'empty.js')])];
  yield ['and the launcher, and our first module', run([oci, '--version'])];
  yield ['and all code of create', fails([oci, '--root', join(work, 'hako-oci-ladder'), 'create', '--bundle', join(work, 'not-there'), id])];
  yield ['and config.json read', fails([oci, '--root', join(work, 'hako-oci-ladder'), 'create', '--bundle', broken, id])];
}

const median = (times: ReadonlyMap<string, readonly number[]>, what: string): number => quantile(times.get(what) ?? [], 0.5);

function printCommands(runtimes: readonly Runtime[], times: ReadonlyMap<string, readonly number[]>): void {
  const node = median(times, "Node's own start");
  console.log(
    `\n### One command of an OCI runtime, median ms\n\n| | ${runtimes.map(({ name }) => name).join(' | ')} | hako-oci beyond Node's start |\n|---|${'---|'.repeat(runtimes.length + 1)}`,
  );
  for (const command of commands) {
    const of = (name: string): number => median(times, `${name} ${command}`);
    console.log(`| ${command} | ${runtimes.map(({ name }) => of(name).toFixed(1)).join(' | ')} | ${(of('hako-oci') - node).toFixed(1)} |`);
  }
}

function printLadder(times: ReadonlyMap<string, readonly number[]>): void {
  const steps = ["Node's own start", 'and the launcher, and our first module', 'and all code of create', 'and config.json read'];
  console.log('\n### Where the milliseconds of `hako-oci create` go, median\n\n| up to here | ms | of that |\n|---|---|---|');
  let before = 0;
  const row = (what: string, ms: number): void => {
    console.log(`| ${what} | ${ms.toFixed(1)} | ${(ms - before).toFixed(1)} |`);
    before = ms;
  };
  for (const what of steps) row(what, median(times, what));
  row('and the container made', median(times, 'hako-oci create'));
}

/** A bundle with runc's default configuration, of a version that all of them take; its program waits. */
function writeBundle(rootfs: string, directory: string): string {
  mkdirSync(directory, { recursive: true });
  spawnSync(join(repository, 'hako-oci'), ['spec', '--bundle', directory], { stdio: 'inherit' });
  const path = join(directory, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as { ociVersion: string; process: object; root: object };
  config.ociVersion = '1.0.2';
  config.process = { ...config.process, args: ['sleep', 'infinity'], terminal: false };
  config.root = { path: rootfs, readonly: true };
  writeFileSync(path, JSON.stringify(config));
  return directory;
}
