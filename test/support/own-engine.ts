/**
 * An engine of an ordinary user, for tests: `nobody`, with directories of their own, in a mount namespace in which /etc/subuid, /etc/subgid
 * and /dev/net/tun are as the test wants them, since the machine's are the machine's. Closing it ends the engine and asserts that nothing
 * of it is left.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findProgram } from './needs.ts';

const repository = join(import.meta.dirname, '../..');
const bundled = process.env.HAKO_TEST_ENTRY === 'dist';
/** The client's file. */
export const clientPath = join(repository, bundled ? 'dist/hako.js' : 'src/cli/main.ts');

/** A user that every machine has, and nobody is. */
export const nobody = { name: 'nobody', uid: 65534, gid: 65534 };

export interface OwnEngineOptions {
  /** How many ids /etc/subuid and /etc/subgid grant, from {@link firstGranted} on; none unless given. */
  readonly granted?: number;
  /** What is installed beside the system's usual programs; nothing of this kind unless given. */
  readonly programs?: readonly ('slirp4netns' | 'pasta' | 'newuidmap' | 'newgidmap')[];
  /** Paths of cgroups that the client is to be in, whole. */
  readonly cgroup?: string;
}

export const firstGranted = 700_000;

/** What a command came to. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class OwnEngine {
  readonly base = mkdtempSync(join(tmpdir(), 'hako-own-'));
  readonly run = join(this.base, 'run/hako');
  readonly root = join(this.base, 'home/.local/share/hako');
  readonly #options: OwnEngineOptions;

  constructor(options: OwnEngineOptions = {}) {
    this.#options = options;
    chmodSync(this.base, 0o755);
    for (const name of ['run', 'home']) {
      mkdirSync(join(this.base, name), { mode: 0o700 });
      chownSync(join(this.base, name), nobody.uid, nobody.gid);
    }
    const granted = options.granted ? `${nobody.name}:${firstGranted}:${options.granted}\n` : '';
    for (const name of ['subuid', 'subgid']) writeFileSync(join(this.base, name), granted);
    spawnSync('mknod', ['-m', '666', join(this.base, 'tun'), 'c', '10', '200']);
    mkdirSync(join(this.base, 'bin'));
    for (const name of options.programs ?? []) symlinkSync(findProgram(name)!, join(this.base, 'bin', name));
  }

  /** The program and arguments that are `hako ARGUMENTS…` of this user. */
  command(...words: readonly string[]): string[] {
    const places = [
      ['subuid', '/etc/subuid'],
      ['subgid', '/etc/subgid'],
      ['tun', '/dev/net/tun'],
    ];
    const bind = places.map(([name, place]) => `[ -e ${place} ] && mount --bind ${join(this.base, name!)} ${place}`).join('; ');
    const enter = this.#options.cgroup === undefined ? '' : `echo $$ >${this.#options.cgroup}/cgroup.procs; `;
    const as = ['setpriv', `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups'];
    const env = ['env', '-i', `PATH=${join(this.base, 'bin')}`, `HOME=${join(this.base, 'home')}`, `XDG_RUNTIME_DIR=${join(this.base, 'run')}`];
    return ['unshare', '--mount', 'sh', '-c', `${enter}${bind}; exec "$@"`, 'sh', ...as, ...env, process.execPath, clientPath, ...words];
  }

  /** Runs `hako ARGUMENTS…` to its end. */
  async hako(...words: readonly string[]): Promise<Outcome> {
    const [program, ...args] = this.command(...words);
    const child = spawn(program!, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => stream.setEncoding('utf8').toArray());
    const [status] = (await once(child, 'exit')) as [number | null];
    return { status, stdout: (await stdout!).join(''), stderr: (await stderr!).join('') };
  }

  /** Runs it, and it must succeed. @returns its standard output, without white space around it */
  async must(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.hako(...words);
    assert.equal(status, 0, `hako ${words.join(' ')}: ${stderr}\n${this.log}`);
    return stdout.trim();
  }

  get log(): string {
    const path = join(this.run, 'hakod.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** hakod's process id, which its lock has. */
  get pid(): number {
    return Number(readFileSync(join(this.run, 'hakod.lock'), 'utf8'));
  }

  /** Ends hakod by SIGKILL, and waits until it has ended. */
  async kill(): Promise<void> {
    const { pid } = this;
    process.kill(pid, 'SIGKILL');
    while (existsSync(`/proc/${pid}/exe`)) await pause(5);
  }

  /** Processes that serve this engine: by their command lines, which name its directories. */
  processes(): { readonly pid: number; readonly line: string }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
          return line.includes(this.base) ? [{ pid: Number(pid), line }] : [];
        } catch {
          return [];
        }
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const ids = (await this.must('ps', '-aq')).split('\n').filter(Boolean);
      if (ids.length > 0) await this.must('rm', '-f', ...ids);
      await this.must('engine', 'stop');
      assert.deepEqual(this.processes(), [], 'processes are left');
      assert.deepEqual(readdirSync(this.run).sort(), ['containers', 'hakod.lock', 'hakod.log', 'namespaces.lock']);
      assert.deepEqual(readdirSync(join(this.run, 'containers')), []);
    } finally {
      for (const { pid } of this.processes()) process.kill(pid, 'SIGKILL');
      rmSync(this.base, { recursive: true, force: true });
    }
  }
}
