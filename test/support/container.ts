/**
 * Containers without an engine: `start` of src/runtime on the real kernel, over a root file system made of the host's own programs.
 * For tests of the runtime alone; it plans as the engine does, so what is started is what `hako run` would start.
 */
import { closeSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isatty, ReadStream } from 'node:tty';
import type { ContainerConfig, HostConfig, MountPoint } from '../../src/api/schema.ts';
import { buildSpec } from '../../src/engine/spec/build.ts';
import { buildBaseRootfs } from '../../src/image/base/base-image.ts';
import { perform } from '../../src/kernel/perform.ts';
import { findCgroup } from '../../src/runtime/cgroup/cgroup.ts';
import { killAll } from '../../src/runtime/cgroup/kill.ts';
import { detectCgroups } from '../../src/runtime/cgroup/detect.ts';
import { removeCgroup } from '../../src/runtime/cgroup/remove.ts';
import { exec } from '../../src/runtime/exec.ts';
import type { ExitStatus } from '../../src/runtime/monitor.ts';
import type { ContainerProcess } from '../../src/runtime/process.ts';
import { start, type Started, type StartPlan } from '../../src/runtime/start.ts';
import { apply, type ApplyOptions } from '../../src/step/apply.ts';

/** What is asked of a container, in the words of the Docker API. */
export interface Asked {
  readonly command: readonly string[];
  readonly config?: ContainerConfig;
  readonly hostConfig?: HostConfig;
  readonly mounts?: readonly MountPoint[];
}

/** What a process wrote and how it ended. */
export interface Ended extends ExitStatus {
  readonly stdout: string;
  readonly stderr: string;
}

const kernel: ApplyOptions = { kernel: { call: perform } };

/** A place for containers: a root file system, a cgroup parent, directories. Hold it by `await using`. */
export class ContainerBench {
  readonly directory = mkdtempSync(join(process.env['HAKO_TEST_DIRECTORY'] ?? tmpdir(), 'hako-runtime-'));
  readonly layout = detectCgroups();
  readonly cgroup = `/hako-runtime-${process.pid}-${++benches}`;
  readonly lower = join(this.directory, 'lower');
  readonly #started: Started[] = [];
  #count = 0;

  /** Makes the root file system. */
  async prepare(): Promise<this> {
    mkdirSync(this.lower);
    await buildBaseRootfs(this.lower);
    return this;
  }

  /** The plan of a container: without network, unless asked otherwise. */
  plan(asked: Asked): StartPlan {
    const id = String(++this.#count).padStart(64, '0');
    const own = join(this.directory, id);
    const [upper, work, target] = ['upper', 'work', 'target'].map((name) => join(own, name)) as [string, string, string];
    for (const path of [upper, work, target]) mkdirSync(path, { recursive: true });
    const files = { hosts: join(own, 'hosts'), hostname: join(own, 'hostname'), resolvConf: join(own, 'resolv.conf') };
    for (const path of Object.values(files)) writeFileSync(path, '');
    const config: ContainerConfig = { Hostname: 'bench', Env: ['PATH=/usr/bin:/bin'], ...asked.config, Cmd: [...asked.command] };
    const { spec } = buildSpec({
      id,
      config,
      hostConfig: { NetworkMode: 'none', ...asked.hostConfig },
      user: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
      files,
      mounts: asked.mounts ?? [],
      joined: {},
      cgroupsPath: `${this.cgroup}/${id}`,
    });
    return { id, owner: this.directory, spec, overlay: { lower: [this.lower], upper, work, target }, layout: this.layout, stdin: config.OpenStdin ?? false };
  }

  /** Starts a container. */
  async start(plan: StartPlan, options: Partial<ApplyOptions> = {}): Promise<Started> {
    const started = await apply(start(plan), { ...kernel, ...options });
    this.#started.push(started);
    return started;
  }

  /** Starts a container and waits for its end. */
  run(asked: Asked): Promise<Ended> {
    return this.runPlan(this.plan(asked));
  }

  /** Starts the container of a plan and waits for its end. */
  async runPlan(plan: StartPlan): Promise<Ended> {
    const started = await this.start(plan);
    const ended = await outcome(started.process);
    await this.remove(started);
    return ended;
  }

  /** Runs one more process in a container, to its end. */
  async exec(plan: StartPlan, started: Started, command: readonly string[], terminal = false): Promise<Ended> {
    const { process: first, linux } = plan.spec;
    const procedure = exec({
      id: `exec-${++this.#count}`,
      owner: this.directory,
      process: { ...first, args: [...command], terminal },
      pid: started.process.pid,
      namespaces: linux.namespaces.map(({ type }) => type),
      cgroup: started.cgroup,
      ...(linux.seccomp ? { seccomp: linux.seccomp } : {}),
      stdin: false,
    });
    const process = await apply(procedure, kernel);
    const ended = await outcome(process);
    process.release();
    return ended;
  }

  /** Ends a container, and takes its cgroup away. */
  async remove(started: Started): Promise<void> {
    this.#started.splice(this.#started.indexOf(started), 1);
    started.process.signal(9);
    await started.process.exited;
    await apply(killAll(started.cgroup), kernel);
    started.process.release();
    if (!consumed.has(started.process)) for (const fd of Object.values(started.process.streams)) closeSync(fd as number);
    await apply(removeCgroup(started.cgroup), kernel);
  }

  /** Takes the cgroup of a container away that another process started. */
  async forget(plan: StartPlan): Promise<void> {
    const cgroup = findCgroup(this.layout, plan.spec.linux.cgroupsPath);
    if (!cgroup) return;
    await apply(killAll(cgroup), kernel);
    await apply(removeCgroup(cgroup), kernel);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const started of this.#started.toReversed()) await this.remove(started);
    const parent = findCgroup(this.layout, this.cgroup);
    if (parent) await apply(removeCgroup(parent), kernel);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

let benches = 0;

/** Processes whose streams are read, and so closed, by {@link outcome}. */
const consumed = new WeakSet<ContainerProcess>();

/** Waits for a process's end, and for the end of what it writes. */
export async function outcome(process: ContainerProcess): Promise<Ended> {
  const { stdout, stderr, terminal } = process.streams;
  consumed.add(process);
  const [out, err, status] = await Promise.all([read(terminal ?? stdout), read(stderr), process.exited]);
  return { ...status, stdout: out, stderr: err };
}

/** Reads a stream of a container to its end; of a terminal, the end is an error (EIO). */
function read(fd: number | undefined): Promise<string> {
  if (fd === undefined) return Promise.resolve('');
  const stream = isatty(fd) ? new ReadStream(fd) : new Socket({ fd, readable: true, writable: false });
  let text = '';
  stream.setEncoding('utf8').on('data', (data) => (text += data));
  return new Promise((resolve) => stream.on('error', () => {}).on('close', () => resolve(text)));
}
