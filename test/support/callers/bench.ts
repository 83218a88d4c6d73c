/**
 * A machine of its own for the programs that call an OCI runtime: namespaces of mounts, network and processes, with an empty /run, so
 * that podman, containerd and dockerd start from nothing, meet nobody else's daemon, and are gone with the test, however it ends. /etc
 * is an overlay, since a mount on one file of it would go when somebody replaces the machine's.
 * The cgroups are the host's; those that were not there before must be gone at the end, as must every process.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { testImageArchive } from './image.ts';

/** What a command line printed, and its exit status. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command line is run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Gives it a terminal, by script(1); both outputs are then one. */
  readonly tty?: boolean;
  /** Its standard input; a pipe that stays open where there is none. */
  readonly input?: string;
}

/** An ordinary user of the bench, with ids of his own in /etc/subuid. */
export const ordinary = { name: 'ordinary', id: 64998 } as const;

/** A daemon of the bench. */
interface Daemon {
  readonly name: string;
  readonly process: ChildProcess;
}

/** The machine. */
export class CallerBench implements AsyncDisposable {
  /** Gone at the end. `image.tar` holds the test image; `bin/` comes first in PATH. */
  readonly directory = mkdtempSync(join(tmpdir(), 'hako-callers-'));
  /** The parent of all its cgroups, `/hako-test-callers-…`, in every hierarchy. */
  readonly cgroup = `/hako-test-callers-${process.pid}`;
  readonly #daemons: Daemon[] = [];
  /** Cgroups that a caller makes for itself, and leaves. */
  left?: RegExp;
  /** The first process of the machine, as the host numbers it, and what started it. */
  #first = 0;
  #holder!: ChildProcess;

  /** Makes the machine. */
  static async make(): Promise<CallerBench> {
    const bench = new CallerBench();
    chmodSync(bench.directory, 0o711); // mapped users pass through it
    mkdirSync(join(bench.directory, 'bin'));
    writeFileSync(join(bench.directory, 'image.tar'), await testImageArchive());
    // podman takes the range for --userns=auto, dockerd the one for userns-remap, from /etc/subuid; dockerd writes a key into /etc/docker.
    const { name, id } = ordinary;
    bench.file('subuid', `containers:2147483647:2147483648\ndockremap:200000:65536\n${name}:300000:65536\n`);
    bench.file('passwd', `${readFileSync('/etc/passwd', 'utf8')}dockremap:x:64999:64999::/:/bin/false\n${name}:x:${id}:${id}::/:/bin/sh\n`);
    bench.file('group', `${readFileSync('/etc/group', 'utf8')}dockremap:x:64999:\n${name}:x:${id}:\n`);
    // `eventually COMMAND…` waits for a command to succeed.
    bench.script('eventually', 'for attempt in $(seq 200); do "$@" >/dev/null 2>&1 && exit; sleep 0.05; done; exit 1');
    const prepare = `mount -t tmpfs tmpfs /run
      mkdir -p /run/lock /run/etc/changed /run/etc/work && mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/changed,workdir=/run/etc/work etc /etc
      cp ${bench.directory}/subuid /etc/subgid
      cd ${bench.directory} && cp subuid passwd group /etc && cd /
      ip link set lo up
      echo ready; exec catatonit -P`;
    // The machine ends with this process, even with SIGKILL; catatonit collects the processes that lose their parent.
    const unshare = ['--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-ec', prepare];
    bench.#holder = spawn('setpriv', unshare, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [chunk] = (await once(bench.#holder.stdout!, 'data')) as [Buffer];
    assert.equal(chunk.toString(), 'ready\n');
    bench.#first = Number(readFileSync(`/proc/${bench.#holder.pid}/task/${bench.#holder.pid}/children`, 'utf8'));
    return bench;
  }

  /** Puts a shell script into `bin/`. */
  script(name: string, body: string): void {
    writeFileSync(join(this.directory, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  /** Writes a file into the directory, and gives its path. */
  file(name: string, contents: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, contents);
    return path;
  }

  /** Runs a command line of bash on the machine; 124 after a minute. */
  async run(line: string, options: RunOptions = {}): Promise<Outcome> {
    const command = options.tty ? ['script', '-qefc', line, '/dev/null'] : ['bash', '-c', line];
    const child = this.#spawn(['timeout', '--kill-after=2', '60', ...command], 'pipe', options.env);
    child.stdin!.on('error', () => {}); // the reader is free to end first
    if (options.input !== undefined) child.stdin!.end(options.input);
    else if (!options.tty) child.stdin!.end();
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const closed = once(child, 'close');
    const [status] = (await once(child, 'exit')) as [number | null];
    const open = await Promise.race([closed.then(() => false), sleep(10_000, true, { ref: false })]);
    assert.ok(!open, `a process in the background keeps the outputs open of: ${line}`);
    return { status: status ?? -1, stdout, stderr };
  }

  /** Runs a command line that must succeed. */
  async must(line: string, options?: RunOptions): Promise<string> {
    const { status, stdout, stderr } = await this.run(line, options);
    assert.equal(status, 0, `${line}: ${stderr}`);
    return stdout;
  }

  /** Starts a daemon, its outputs into NAME.log, and waits until the command line `ready` succeeds. */
  async daemon(name: string, command: string, ready: string): Promise<void> {
    const log = openSync(join(this.directory, `${name}.log`), 'w');
    const daemon = this.#spawn(['sh', '-c', `echo $$ >$DIR/${name}.pid; exec ${command}`], log);
    closeSync(log);
    this.#daemons.push({ name, process: daemon });
    const until = Date.now() + 30_000;
    while ((await this.run(ready)).status !== 0) {
      assert.ok(daemon.exitCode === null && Date.now() < until, `${name} is not ready: ${this.log(name)}`);
      await sleep(50);
    }
  }

  /** The end of a daemon's log. */
  log(name: string): string {
    return readFileSync(join(this.directory, `${name}.log`), 'utf8').slice(-4000);
  }

  /** Ends the daemons, then the machine; fails when a process or a cgroup is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name, process: daemon } of this.#daemons.toReversed()) {
      if (daemon.exitCode !== null) continue;
      const ended = once(daemon, 'exit');
      await this.run(`kill $(cat $DIR/${name}.pid)`);
      await ended;
    }
    const left = await this.#emptied();
    this.#holder.kill('SIGKILL');
    await once(this.#holder, 'exit');
    const cgroups = cgroupsBelow(this.cgroup);
    for (const path of cgroups.toReversed()) await removeCgroup(path);
    // podman has no option for the parent of these: a pod of Kubernetes, a conmon of a container without cgroups.
    for (const path of cgroupsBelow('/libpod_parent').toReversed()) removeIfEmpty(path);
    rmSync(this.directory, { recursive: true, force: true });
    const containers = cgroups.filter((path) => !path.endsWith(this.cgroup) && !this.left?.test(path));
    assert.deepEqual({ processes: left, cgroups: containers }, { processes: [], cgroups: [] });
  }

  /** The processes of the machine, when they have had time to end: conmon and shims do so a moment after their container. */
  async #emptied(): Promise<string[]> {
    for (let attempt = 0; ; attempt++) {
      const processes = (await this.run('ps -eo args= | grep -vE "^(catatonit -P|timeout .*|bash -c ps .*|ps -eo .*|grep .*)$"')).stdout;
      if (processes === '' || attempt === 100) return processes.split('\n').filter(Boolean);
      await sleep(50);
    }
  }

  #spawn(command: readonly string[], output: number | 'pipe', env?: Readonly<Record<string, string>>): ChildProcess {
    const PATH = `${join(this.directory, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`;
    const target = ['-t', String(this.#first), '-m', '-n', '-p', '--', ...command];
    return spawn('nsenter', target, {
      env: { PATH, HOME: this.directory, TERM: 'xterm', DIR: this.directory, ...env },
      stdio: [output === 'pipe' ? 'pipe' : 'ignore', output, output],
    });
  }
}

/** A cgroup and those beneath it, in every hierarchy, each before those beneath it. */
function cgroupsBelow(name: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').matchAll(/^\S+ \S+ \S+ \/ (\S+) .* - cgroup2? /gm);
  const below = (path: string): string[] => [
    path,
    ...(existsSync(path) ? readdirSync(path, { withFileTypes: true }) : []).flatMap((entry) => (entry.isDirectory() ? below(join(path, entry.name)) : [])),
  ];
  return [...mounts]
    .map(([, root]) => `${root!}${name}`)
    .filter((path) => existsSync(path))
    .flatMap(below);
}

/** Removes a cgroup, when what a failed test left in it is killed. */
async function removeCgroup(path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    for (const pid of readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(50);
    }
  }
}

/** Removes a cgroup that nobody is in; another bench may be using it, or be quicker. */
function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!['EBUSY', 'ENOTEMPTY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code!)) throw error;
  }
}
