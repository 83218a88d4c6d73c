/**
 * The lab: a throw-away machine for learners. It is an OCI container of ours with namespaces of every kind, cgroups with ceilings that are
 * handed down to its root, a file system in memory and a small init. What is done in it ends with it (docs/decisions/course.md).
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, processStat } from '../kernel/process-stat.ts';
import { ceilingsOf, labConfiguration, type Ceilings } from './configuration.ts';
import { delegate, hierarchiesOf } from './delegation.ts';
import { LabError } from './error.ts';
import { chooseMaps } from './id-maps.ts';
import { inventoryOf, leftOnMachine, processesOf } from './inventory.ts';
import { lockFile } from './lock.ts';
import { cgroupName, checkName, defaultName, findLab, labDirectory, labsDirectory, note, noted, stateRoot, type Lab, type LabOptions } from './place.ts';
import { attempt } from '../kernel/attempt.ts';
import { mustCall } from './runtime.ts';
import { writeSkeleton } from './skeleton.ts';

export { LabError } from './error.ts';
export { inventoryOf } from './inventory.ts';
export { defaultName, findLab, labNames, noted, type Lab, type LabHierarchy, type LabOptions } from './place.ts';
export { runInLab, shellInLab, type RunOptions } from './run.ts';

/** Where this clone of hakobune is: the lab sees it at /opt/hako. */
const clone = (): string => join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../..' : '..');

/** How long the first process may take to set the lab up, in milliseconds. */
const patience = 20_000;

/**
 * Starts a lab, unless one of this form runs already.
 * @throws LabError where one of another form runs, or the machine cannot
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const name = options.name ?? defaultName();
  using _ = lockFile(labsDirectory(), checkName(name));
  const wanted = ceilingsOf(options);
  refuseRealRoot(options);
  const there = findLab(name);
  if (there) {
    const otherwise = differs(there, options, wanted);
    if (otherwise) throw new LabError(`the lab "${name}" runs ${otherwise}: stop it first (hako lab stop${name === 'lab' ? '' : ` --name ${name}`})`);
    return there;
  }
  await clear(name);
  return begin(name, options);
}

/** @throws LabError where an ordinary user asks for a lab of the machine's root */
function refuseRealRoot({ realRoot }: LabOptions): void {
  if (realRoot && process.geteuid!() !== 0) throw new LabError('a lab without a user namespace (--real-root) takes root: run hako as root');
}

/** What a lab that runs is, and was not asked for; undefined where it is what is wanted. */
function differs(there: Lab, options: LabOptions, wanted: Ceilings): string | undefined {
  if (options.realRoot !== undefined && options.realRoot !== there.realRoot) return `${there.realRoot ? 'without' : 'with'} a user namespace`;
  const has = ceilingsOf(there.options);
  const other = (['memory', 'pids', 'size'] as const).find((ceiling) => options[ceiling] !== undefined && wanted[ceiling] !== has[ceiling]);
  return other && `with another ceiling of ${{ memory: 'memory', pids: 'processes', size: 'files' }[other]} (${has[other]})`;
}

/** Ends a lab and takes away all that it was. @returns what is left of it on the machine, a line each: nothing, if all is well */
export async function stopLab(name = defaultName()): Promise<readonly string[]> {
  using _ = lockFile(labsDirectory(), checkName(name));
  const processes = processesOf(findLab(name));
  await clear(name);
  return leftOnMachine(name, processes);
}

/** Makes a lab anew, as it was first asked for. @param change what is to be otherwise than it was */
export async function resetLab(name = defaultName(), change: LabOptions = {}): Promise<Lab> {
  using _ = lockFile(labsDirectory(), checkName(name));
  const options = { ...noted(name)?.options, ...change };
  refuseRealRoot(options);
  ceilingsOf(options);
  await clear(name);
  return begin(name, options);
}

async function begin(name: string, options: LabOptions): Promise<Lab> {
  const directory = labDirectory(name);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    const maps = options.realRoot ? undefined : reserveIds(name, directory, options);
    writeSkeleton(directory, name);
    const hierarchies = hierarchiesOf(name);
    const plan = { name, directory, cgroupsPath: cgroupName(name), clone: clone(), options, maps, withoutCgroup: hierarchies.length === 0 };
    writeFileSync(join(directory, 'config.json'), JSON.stringify(labConfiguration(plan)));
    await mustCall('make the lab', ['create', '--bundle', directory, name]);
    delegate(hierarchies, maps?.users[0]?.hostID ?? 0, maps?.groups[0]?.hostID ?? 0);
    await mustCall('start the lab', ['start', name]);
    const { pid } = JSON.parse(await mustCall('look at the lab', ['state', name])) as { readonly pid: number };
    const lab = await ready({
      pid,
      name,
      directory,
      realRoot: maps === undefined,
      hostId: maps?.users[0]?.hostID ?? 0,
      cgroups: hierarchies,
      inventory: [],
      options,
    });
    const whole = { ...lab, inventory: inventoryOf(lab) };
    note(whole);
    return whole;
  } catch (error) {
    await clear(name).catch(() => {}); // what went wrong first is what to tell; a stop says what is left
    throw error;
  }
}

/** Chooses the lab's ids, and notes them before another lab can choose the same. */
function reserveIds(name: string, directory: string, options: LabOptions): ReturnType<typeof chooseMaps> {
  using _ = lockFile(labsDirectory(), '_ids'); // no lab's name has an underscore
  const maps = chooseMaps(name);
  note({ pid: 0, startTime: '', name, directory, realRoot: false, hostId: maps.users[0]?.hostID ?? 0, cgroups: [], inventory: [], options });
  return maps;
}

/** Waits until the first process has set the lab up and become the init. */
async function ready(lab: Omit<Lab, 'startTime'>): Promise<Lab> {
  const startTime = processStat(lab.pid)?.startTime ?? '';
  for (const until = Date.now() + patience; ; await pause(5)) {
    if (!isAlive({ pid: lab.pid, startTime })) throw new LabError('the lab ended while it was set up: is /usr/bin/sh of this machine whole?');
    if (attempt(() => readFileSync(`/proc/${lab.pid}/cmdline`, 'utf8'))?.startsWith('/opt/lab/init')) return { ...lab, startTime };
    if (Date.now() > until) throw new LabError(`the lab was not set up within ${patience / 1000} seconds`);
  }
}

/** Takes away what there is of a lab, running or not. */
async function clear(name: string): Promise<void> {
  const directory = labDirectory(name);
  if (existsSync(join(stateRoot(), name))) await mustCall('end the lab', ['delete', '--force', name]);
  rmSync(directory, { recursive: true, force: true });
}
