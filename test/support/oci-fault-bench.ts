/**
 * The commands of hako-oci in this process, whose calls to the kernel can be told to fail (failing-kernel.ts), and what is asked after
 * each failure: was it told, in a sentence that names step, call and errno; is nothing left; can it be done again.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { call } from '../../src/kernel/call.ts';
import { errnoName } from '../../src/kernel/errno.ts';
import { waitFlags } from '../../src/kernel/flags.ts';
import { performNow } from '../../src/kernel/perform.ts';
import { command as create } from '../../src/oci/commands/create.ts';
import { command as del } from '../../src/oci/commands/delete.ts';
import { command as exec } from '../../src/oci/commands/exec.ts';
import { command as run } from '../../src/oci/commands/run.ts';
import { readWords } from '../../src/oci/command-line.ts';
import type { Command, Flags } from '../../src/oci/command.ts';
import type { Settings } from '../../src/oci/settings.ts';
import { StateStore } from '../../src/oci/state-store.ts';
import { plausibleErrnos } from './errnos.ts';
import { FailingKernel, type Fault, type Maker, type Point } from './failing-kernel.ts';
import { cgroupDirectories, difference, mounts, processesOf } from './inventory.ts';
import { bundleConfig, makeBundle, writeConfig } from './oci-bundle.ts';
import { sweep } from './sweep.ts';

/** What a caller has hako-oci do, of which each call is to fail once. */
export interface OciScenario {
  readonly name: string;
  /** The container is there and runs before. */
  readonly running?: boolean;
  readonly act: (bench: OciFaultBench) => Promise<void>;
  /** The container is gone after it. */
  readonly ends?: boolean;
}

/** A call with the errno that it is to give. */
export interface OciCase extends Fault {
  readonly scenario: OciScenario;
  readonly by: Maker;
  readonly text: string;
}

/** Longer than anything here takes, if it does not hang. */
const patience = 20_000;

export class OciFaultBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'hako-oci-faults-'));
  readonly scope = { directory: this.directory, bridge: '', cgroup: `hako-test-oci-faults-${process.pid}`, networkOf: process.pid };
  readonly kernel = new FailingKernel();
  readonly bundle = join(this.directory, 'bundle');
  readonly #root = join(this.directory, 'root');
  readonly #store = new StateStore(this.#root);
  readonly #told: string[] = [];
  #clean: readonly string[] = [];

  constructor() {
    mkdirSync(this.bundle);
    makeBundle(this.bundle);
    const config = bundleConfig(`/${this.scope.cgroup}/one`, ['sh', '-c', 'exit 0']);
    const hook = [{ path: '/bin/true' }];
    config['hooks'] = { prestart: hook, createRuntime: hook, createContainer: hook, startContainer: hook, poststart: hook, poststop: hook };
    config.process['rlimits'] = [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 64 }];
    config.process['oomScoreAdj'] = 100;
    config.process['capabilities'] = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'], inheritable: [], ambient: [] };
    config.process['user'] = { uid: 1000, gid: 1000, additionalGids: [2000], umask: 0o27 };
    config.process['cwd'] = '/tmp';
    Object.assign(config.linux, {
      resources: { pids: { limit: 20 }, memory: { limit: 64 << 20 }, devices: [{ allow: false, access: 'rwm' }] },
      maskedPaths: ['/proc/kcore', '/proc/acpi'],
      readonlyPaths: ['/proc/sys'],
      sysctl: { 'kernel.msgmax': '4096' },
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['acct'], action: 'SCMP_ACT_ERRNO' }] },
    });
    writeConfig(this.bundle, config);
    config.process['args'] = ['sleep', '1000'];
    mkdirSync(join(this.directory, 'sleeping'));
    writeConfig(join(this.directory, 'sleeping'), { ...config, root: { path: join(this.bundle, 'rootfs') } });
  }

  get settings(): Settings {
    const tell = (message: string): void => void this.#told.push(message);
    const log = { error: tell, warn: tell, debug() {}, flush() {} };
    return { root: this.#root, cgroupManager: 'cgroupfs', rootless: false, criu: 'criu', log, kernel: this.kernel };
  }

  /** Runs a command. @returns its exit status */
  async command<F extends Flags>(command: Command<F>, ...words: readonly string[]): Promise<number> {
    const read = readWords(command.flags, words, command.ownsRest);
    assert.ok(!read.help);
    return (await command.run(read, this.settings)) ?? 0;
  }

  async close(): Promise<void> {
    await this.#restore();
    await sweep(this.scope);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Goes through a scenario without a failure. @returns every call that it makes, with each errno that it may plausibly give */
  async cases(scenario: OciScenario): Promise<OciCase[]> {
    const points = new Map<string, Point>();
    for (let pass = 0; pass < 2; pass++) {
      const { error, wrong } = await this.#pass(scenario);
      assert.deepEqual([error, wrong], [undefined, []]);
      for (const point of this.kernel.points) points.set(point.key, point);
    }
    await this.forgive();
    return [...points.values()].flatMap((point) =>
      plausibleErrnos(point.call.name).map((errno) => ({ key: point.key, by: point.by, errno, scenario, text: `${point.key}: ${errnoName(errno)}` })),
    );
  }

  /** One call fails. @returns what is wrong; undefined where the call was not made this time */
  async run({ scenario, key, errno }: OciCase): Promise<readonly string[] | undefined> {
    const { error, wrong } = await this.#pass(scenario, { key, errno });
    const { failed } = this.kernel;
    if (!failed) return undefined;
    return [...wrong, ...this.#judge(failed, errno, error)];
  }

  async #pass(scenario: OciScenario, fault?: Fault): Promise<{ error: Error | undefined; wrong: string[] }> {
    const wrong: string[] = [];
    if (scenario.running) await this.command(run, '--detach', '--bundle', join(this.directory, 'sleeping'), 'one');
    this.#told.length = 0;
    this.kernel.watch(fault);
    const error = await withPatience(scenario.act(this), scenario.name).then(
      () => undefined,
      (e: unknown) => (e instanceof Error ? e : new Error(String(e))),
    );
    this.kernel.unwatch();
    const ids = this.#store.ids();
    // What failed to be made is gone; what failed to be deleted, or was only visited, is there.
    const mayStay = error ? scenario.running : !scenario.ends;
    if (!mayStay && ids.length > 0) wrong.push('its state is left');
    if (scenario.running && !scenario.ends && ids.length === 0) wrong.push('the container was lost');
    try {
      await withPatience(this.#restore(), `${scenario.name}, afterwards`);
    } catch (e) {
      wrong.push(`afterwards: ${String(e)}`);
    }
    return { error, wrong };
  }

  async #restore(): Promise<void> {
    await this.command(del, '--force', 'one');
  }

  #judge({ call: failed, by }: Point, errno: number, error: Error | undefined): string[] {
    const name = errnoName(errno);
    const isAnswer = failed.accept?.includes(errno) ?? false;
    // A row that says that its object is there has not made it: what comes of it is for the rows behind to tell.
    if (isAnswer && by !== 'engine') return [];
    if (isAnswer) return error ? [`the answer ${name} of ${failed.name} was taken for a failure: ${error.message}`] : [];
    const told = [...(error ? [error.message] : []), ...this.#told];
    // Another row tries it in another place or as another user, or execve(2) says what there is to say.
    if (by === 'process' && /^(exec|faccessat2$|openat2$|fchdir$|read$)/.test(failed.name) && (!error || error.message.startsWith('exec: "'))) return [];
    if (told.length === 0) return ['nobody was told'];
    // It waits at its gate by then: whoever comes to start it finds that it has ended.
    if (by === 'process' && failed.name === 'read' && error) return [];
    const says = (text: string): boolean => /\[step [a-z]+(\.[a-z-]+)+\]/.test(text) && text.includes(`${failed.name}(`) && text.includes(`(${name})`);
    return told.some(says) ? [] : [`the message does not name step, call and ${name}: ${told.join(' | ')}`];
  }

  /** What is there that was not, or is no more. */
  async left(): Promise<string[]> {
    let found = difference(this.#clean, this.#objects());
    for (let tries = 0; found.length > 0 && tries < 50; tries++) {
      await setTimeout(20);
      found = difference(this.#clean, this.#objects());
    }
    return found;
  }

  /** What is there is taken as what should be. */
  async forgive(): Promise<void> {
    await setTimeout(100);
    this.#clean = this.#objects();
  }

  #objects(): string[] {
    collectEnded();
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).replaceAll(/\d+/g, 'N');
      } catch {
        return ''; // that of the listing
      }
    });
    return [
      // A process's table and socket go with the command, which has one process to make, and ends.
      ...open.filter((target) => !/^($|pipe:|socket:|\/memfd:hako-table)/.test(target)).map((target) => `descriptor: ${target}`),
      ...mounts(this.scope),
      ...cgroupDirectories(this.scope).map((directory) => `cgroup ${directory}`),
      ...processesOf(this.scope).map(({ name }) => `process ${name}`),
      ...readdirSync(this.#root).map((name) => `state ${name}`),
    ];
  }
}

/** Who has ended is collected by the caller of hako-oci when that has ended; here the caller is we. */
function collectEnded(): void {
  const WNOHANG = 1;
  while (performNow(call('wait4', [-1, null, WNOHANG | waitFlags.__WALL, null])) > 0);
}

/** Fails for what takes too long, since it hangs. */
async function withPatience<T>(work: Promise<T>, what: string): Promise<T> {
  const late = new AbortController();
  const timeout = setTimeout(patience, undefined, { signal: late.signal }).then(() => {
    throw new Error(`${what} hangs`);
  });
  timeout.catch(() => {});
  try {
    return await Promise.race([work, timeout]);
  } finally {
    late.abort();
  }
}

/** Everything that is to be tried. */
export const ociScenarios: readonly OciScenario[] = [
  { name: 'oci create', act: async (bench) => void (await bench.command(create, '--bundle', bench.bundle, 'one')) },
  { name: 'oci run', ends: true, act: async (bench) => assert.equal(await bench.command(run, '--bundle', bench.bundle, 'one'), 0) },
  { name: 'oci exec', running: true, act: async (bench) => assert.equal(await bench.command(exec, 'one', 'true'), 0) },
  { name: 'oci delete', running: true, ends: true, act: async (bench) => void (await bench.command(del, '--force', 'one')) },
];
