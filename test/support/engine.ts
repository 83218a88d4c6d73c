/**
 * A private engine for a test: its own hakod with its own directories, bridge and cgroup, so that it meets neither the machine's
 * engine nor those of other tests; and the client, to be run against it.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ApiClient } from './api-client.ts';
import { leftovers, sweep } from './sweep.ts';

const repository = join(import.meta.dirname, '../..');
/** `npm test` has made the bundle, which starts faster; a test run by hand takes the source as it stands. */
const bundled = process.env.HAKO_TEST_ENTRY === 'dist';
/** As the launcher starts it. */
const clientFlags = ['--single-threaded'];
const clientPath = join(repository, bundled ? 'dist/hako.js' : 'src/cli/main.ts');
const enginePath = join(repository, bundled ? 'dist/hakod.js' : 'src/engine/hakod.ts');

/** How a command ended, and what it wrote. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface EngineOptions {
  /**
   * Runs hakod in a network namespace of its own, so that all of its network can be looked at and nothing of the machine's is
   * in the way. Programs reach it with {@link TestEngine.runInNetwork}.
   */
  readonly privateNetwork?: boolean;
  /** Added to hakod's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

let engines = 0;

export class TestEngine {
  /** Holds everything of this engine: HAKO_ROOT, HAKO_RUN and hakod's log. */
  readonly directory = mkdtempSync(join(process.env.HAKO_TEST_DIRECTORY ?? tmpdir(), 'hako-test-'));
  readonly root = join(this.directory, 'root');
  readonly run = join(this.directory, 'run');
  readonly log = join(this.directory, 'hakod.log');
  /** At most 15 characters: it names a network interface. */
  readonly bridge = `hk${process.pid.toString(36)}x${(++engines).toString(36)}`;
  readonly cgroup = `hako-test-${process.pid}-${engines}`;
  readonly api = new ApiClient(join(this.run, 'hako.sock'));
  readonly env: Readonly<Record<string, string>>;
  readonly #options: EngineOptions;
  #daemon: ChildProcess | undefined;
  #network: ChildProcess | undefined;

  constructor(options: EngineOptions = {}) {
    this.#options = options;
    const inherited = Object.entries(process.env).filter(([name]) => name !== 'NODE_EXTRA_CA_CERTS' && !name.startsWith('NODE_TEST'));
    this.env = {
      ...(Object.fromEntries(inherited) as Record<string, string>),
      HAKO_ROOT: this.root,
      HAKO_RUN: this.run,
      HAKO_BRIDGE: this.bridge,
      HAKO_CGROUP: this.cgroup,
      ...options.env,
    };
  }

  /** hakod's process id. */
  get pid(): number {
    if (!this.#daemon?.pid) throw new Error('this engine is not running');
    return this.#daemon.pid;
  }

  /** A process in the engine's own network namespace, if it has one. */
  get networkOf(): number | undefined {
    return this.#network?.pid;
  }

  /** Starts hakod and returns when it says, on its descriptor 3, that it listens. Again after {@link kill}, it finds what it had. */
  async start(): Promise<void> {
    if (this.#options.privateNetwork && !this.#network) this.#network = await newNetwork();
    const [program, ...args] = this.#inNetwork([process.execPath, enginePath]);
    const daemon = spawn(program!, args, { env: this.env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const log = createWriteStream(this.log, { flags: 'a' });
    for (const stream of [daemon.stdout, daemon.stderr]) stream!.pipe(log, { end: false });
    this.#daemon = daemon;
    const report = (await (daemon.stdio[3] as Readable).setEncoding('utf8').toArray()).join('').trim();
    if (report.split('\n')[0] === 'ready') return;
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    this.#daemon = undefined;
    throw new Error(`hakod did not start: ${report || this.readLog()}`);
  }

  /** What hakod has written so far. */
  readLog(): string {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8') : '';
  }

  /** Ends hakod by a signal; its containers go on. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    daemon.kill(signal);
    await once(daemon, 'exit');
    this.#daemon = undefined;
  }

  /** The program and arguments that are `hako ARGUMENTS…`, to be run with {@link env}. */
  command(args: readonly string[]): string[] {
    return [process.execPath, ...clientFlags, clientPath, ...args];
  }

  /** Starts `hako ARGUMENTS…` against this engine. */
  spawnHako(args: readonly string[], stdio: StdioOptions = 'pipe'): ChildProcess {
    return spawn(process.execPath, [...clientFlags, clientPath, ...args], { env: this.env, stdio });
  }

  /** Starts `hako ARGUMENTS…` in a terminal of its own, that of script(1): what it shows comes, and keys go, through the child's pipes. */
  spawnInTerminal(args: readonly string[], size = { rows: 24, columns: 80 }): ChildProcess {
    const words = this.command(args).map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    const command = `stty rows ${size.rows} cols ${size.columns}; exec ${words.join(' ')}`;
    return spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env: { ...this.env, SHELL: '/bin/sh' }, stdio: 'pipe' });
  }

  /** Runs `hako ARGUMENTS…` to its end. */
  hako(args: readonly string[], options: { readonly input?: string | Buffer } = {}): Promise<Outcome> {
    return outcome(this.spawnHako(args), options.input);
  }

  /** Runs `hako ARGUMENTS…`, which must succeed. @returns its standard output, without the newline at its end */
  async must(...args: readonly string[]): Promise<string> {
    const { code, signal, stdout, stderr } = await this.hako(args);
    if (code !== 0) throw new Error(`hako ${args.join(' ')} ended with ${signal ?? code}: ${stderr}${stdout}`);
    return stdout.replace(/\n$/, '');
  }

  /** Runs a program of the machine in the network that hakod is in. */
  runInNetwork(program: string, ...args: readonly string[]): Promise<Outcome> {
    const [first, ...rest] = this.#inNetwork([program, ...args]);
    return outcome(spawn(first!, rest, { stdio: 'pipe' }));
  }

  #inNetwork(command: readonly string[]): readonly string[] {
    return this.#network ? ['nsenter', `--net=/proc/${this.#network.pid}/ns/net`, '--', ...command] : command;
  }

  /**
   * Removes all containers, ends hakod, and takes away whatever is left.
   * @throws Error naming what the engine had not removed itself: a test that ends with it has found a leak
   */
  async close(): Promise<void> {
    let left: string[] = [];
    try {
      if (this.#daemon?.exitCode === null && this.#daemon.signalCode === null) {
        await this.#removeContainers();
        await this.kill('SIGTERM');
        left = leftovers(this);
      }
    } finally {
      this.api.close();
      await sweep(this);
      this.#network?.kill();
      await rm(this.directory, { recursive: true, force: true });
    }
    if (left.length > 0) throw new Error(`the engine left behind:\n  ${left.join('\n  ')}`);
  }

  async #removeContainers(): Promise<void> {
    const containers = await this.api.ask<{ Id: string }[]>('GET', '/containers/json?all=1');
    for (const { Id } of containers) await this.api.send('DELETE', `/containers/${Id}?force=1&v=1`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Starts a private engine. End it with `close()`, or hold it by `await using`. */
export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const engine = new TestEngine(options);
  try {
    await engine.start();
  } catch (error) {
    await engine.close().catch(() => {});
    throw error;
  }
  return engine;
}

/** A process in a new network namespace, with loopback up, that lives until it is killed. */
async function newNetwork(): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec sleep infinity'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(holder.stdout, 'data')) as [Buffer];
  if (said.toString() !== 'up\n') throw new Error('cannot make a network namespace');
  return holder;
}

/** Waits for the end of a child, gives it its input, and collects what it writes. */
export async function outcome(child: ChildProcess, input?: string | Buffer): Promise<Outcome> {
  child.stdin!.on('error', () => {}); // a command that reads no input closes it
  child.stdin!.end(input);
  const [stdout, stderr] = [child.stdout!, child.stderr!].map(async (stream) => (await stream.setEncoding('utf8').toArray()).join(''));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout: await stdout!, stderr: await stderr! };
}
