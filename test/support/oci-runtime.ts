/** hako-oci as its callers run it, and containers that are only a process, a cgroup and a state, for commands that need no more. */
import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, processStat, type ProcessIdentity } from '../../src/kernel/process-stat.ts';
import { perform } from '../../src/kernel/perform.ts';
import { prepareCgroup } from '../../src/oci/cgroup-driver.ts';
import { placeOf } from '../../src/oci/cgroup-place.ts';
import type { CgroupRecord, ContainerRecord } from '../../src/oci/container-record.ts';
import { StateStore } from '../../src/oci/state-store.ts';
import { directoryIn, type Cgroup } from '../../src/runtime/cgroup/cgroup.ts';
import { ended, firstLine, start, type Ended } from '../../src/runtime/cgroup/fixture.ts';
import { findHierarchies } from '../../src/runtime/cgroup/layout.ts';
import { killAll } from '../../src/runtime/cgroup/kill.ts';
import { removeCgroup } from '../../src/runtime/cgroup/remove.ts';
import type { Resources } from '../../src/runtime/spec.ts';
import { apply } from '../../src/step/apply.ts';

const repository = join(import.meta.dirname, '../..');
const program = process.env.HAKO_TEST_ENTRY === 'dist' ? 'dist/hako-oci.js' : 'src/oci/main.ts';

export const identify = (pid: number): ProcessIdentity => ({ pid, startTime: processStat(pid)!.startTime });

/** A container that runs. */
export interface RunningContainer {
  readonly runtime: OciRuntime;
  readonly record: ContainerRecord;
  readonly cgroup: Cgroup;
  readonly end: Promise<Ended>;
}

/** A root directory with the runtime that is called with it. */
export class OciRuntime implements AsyncDisposable {
  readonly base = mkdtempSync(join(tmpdir(), 'hako-oci-'));
  readonly root = join(this.base, 'root');
  readonly store = new StateStore(this.root);
  readonly #children: ChildProcess[] = [];
  readonly #cgroups: string[] = [];

  /** What comes after Node on the command line, up to the command. */
  get words(): string[] {
    return [join(repository, program), '--root', this.root];
  }

  /** A cgroup's path, for containers below it; it is removed at the end. */
  ownCgroup(): string {
    const path = `/hako-test-oci-${randomBytes(4).toString('hex')}`;
    this.#cgroups.push(path);
    return path;
  }

  /** Waits until a process has ended, one that is not our child; whoever collects it takes his time. */
  async ended(process: ProcessIdentity): Promise<void> {
    while (isAlive(process)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Runs a command. */
  run(...words: readonly string[]): SpawnSyncReturns<string> {
    return spawnSync(process.execPath, [...this.words, ...words], { encoding: 'utf8', cwd: this.base });
  }

  /** Runs a command that must succeed. @returns what it printed */
  must(...words: readonly string[]): string {
    const { status, stdout, stderr } = this.run(...words);
    if (status !== 0) throw new Error(`hako-oci ${words.join(' ')} ended with ${status}: ${stderr}`);
    return stdout;
  }

  /** Starts a program that is ended with the runtime at the latest. */
  spawn(command: string, ...args: readonly string[]): ChildProcess {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#children.push(child);
    return child;
  }

  /** Begins a command, with pipes; it is ended with the runtime at the latest. */
  begin(...words: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [...this.words, ...words], { stdio: ['pipe', 'pipe', 'pipe'], cwd: this.base });
    this.#children.push(child);
    return child;
  }

  /** A container whose first process is `child`, in a cgroup of every hierarchy. */
  async adopt(id: string, child: ChildProcess, more: Partial<ContainerRecord> = {}): Promise<ContainerRecord> {
    const { record: cgroup } = await this.#makeCgroup(id, { devices: [{ allow: true }] });
    const record = this.#note(id, child, cgroup, more);
    this.join(record, child.pid!);
    return record;
  }

  /** A container `box` with limits, whose process is a shell command that was in its cgroup from the first, and writes a line when it is ready. */
  async running(command: string, resources: Resources = {}): Promise<RunningContainer> {
    const made = await this.#makeCgroup('box', resources);
    const child = start(made.cgroup, command);
    this.#children.push(child);
    const end = ended(child);
    await firstLine(child);
    const record = this.#note('box', child, made.record);
    const config = { ociVersion: '1.2.0', process: {}, root: { path: '/' }, linux: { resources } };
    writeFileSync(join(this.store.directory(record.id), 'config.json'), JSON.stringify(config));
    return { runtime: this, record, cgroup: made.cgroup, end };
  }

  async #makeCgroup(id: string, resources: Resources): Promise<{ readonly record: CgroupRecord; readonly cgroup: Cgroup }> {
    const { record, make } = await prepareCgroup({ id, driver: 'cgroupfs', cgroupsPath: this.ownCgroup(), resources, rootless: false });
    const { cgroup } = await apply(make(), { kernel: { call: perform } });
    return { record, cgroup };
  }

  #note(id: string, child: ChildProcess, cgroup: CgroupRecord, more: Partial<ContainerRecord> = {}): ContainerRecord {
    const record: ContainerRecord = {
      id,
      ociVersion: '1.2.0',
      bundle: this.base,
      rootfs: join(this.base, 'rootfs'),
      created: '2026-01-02T03:04:05.678Z',
      owner: 0,
      annotations: {},
      process: identify(child.pid!),
      creator: identify(process.pid),
      cgroup,
      hooks: false,
      keyring: true,
      namespaces: ['pid'],
      ...more,
    };
    this.store.create(record);
    return record;
  }

  /** Puts a process into the container's cgroup. */
  join(record: ContainerRecord, pid: number): void {
    for (const directory of this.cgroups(record)) writeFileSync(`${directory}/cgroup.procs`, String(pid));
  }

  /** The container's cgroup directories that are there. */
  cgroups(record: ContainerRecord): string[] {
    const { path, hierarchies } = placeOf(record.cgroup);
    return hierarchies.map((hierarchy) => directoryIn(hierarchy, path)).filter((directory) => existsSync(directory));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#cgroups) {
      const place = { path, hierarchies: findHierarchies() };
      await apply(killAll(place), { kernel: { call: perform } });
      await apply(removeCgroup(place), { kernel: { call: perform } });
    }
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(this.base, { recursive: true, force: true });
  }
}
