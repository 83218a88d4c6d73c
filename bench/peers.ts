/** Other tools that start an isolated process, from Debian's packages, each where it is installed and works on this machine. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../test/support/needs.ts';
import { succeed } from './hakobune.ts';
import type { Contender } from './rounds.ts';

/** Contenders, and an end to what they keep running. */
export interface Peers {
  readonly starts: readonly Contender[];
  readonly execs: readonly Contender[];
  close(): Promise<void>;
}

/**
 * @param rootfs directory with the files of the base image, which each runs `true` in: no layers, no log, nothing kept
 * @param work directory for their bundles and states
 */
export async function peers(rootfs: string, work: string): Promise<Peers> {
  const starts: Contender[] = [{ name: 'spawn alone', once: () => succeed('true', []) }];
  const execs: Contender[] = [];
  const ends: (() => Promise<void>)[] = [];
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--fork'];
  await add(starts, 'unshare', ['unshare', ...namespaces, 'chroot', rootfs, 'true']);
  await add(starts, 'bwrap', ['bwrap', '--unshare-all', '--bind', rootfs, '/', '--proc', '/proc', '--dev', '/dev', 'true']);
  for (const name of ['runc', 'crun']) {
    const state = join(work, `${name}-state`);
    const runtime = [name, '--root', state];
    const bundle = await writeBundle(name, rootfs, join(work, name), ['true']);
    if (!(await add(starts, name, () => [...runtime, 'run', '--bundle', bundle!, unique(name)], bundle))) continue;
    const idle = await writeBundle(name, rootfs, join(work, `${name}-idle`), ['sleep', 'infinity']);
    const id = unique(name);
    await succeed(name, ['--root', state, 'run', '--detach', '--bundle', idle!, id]);
    ends.push(() => succeed(name, ['--root', state, 'delete', '--force', id]));
    await add(execs, name, [...runtime, 'exec', id, 'true']);
  }
  const store = ['--root', join(work, 'podman'), '--runroot', join(work, 'podman-run'), '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs'];
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']; // its defaults need CAP_SYS_RESOURCE
  const runtime = findProgram('runc') ? ['--runtime', 'runc'] : [];
  await add(starts, 'podman', ['podman', ...store, ...runtime, 'run', '--rm', ...limits, '--network', 'none', '--rootfs', rootfs, 'true']);
  return {
    starts,
    execs,
    async close() {
      for (const end of ends) await end();
    },
  };
}

let count = 0;
const unique = (name: string): string => `hako-bench-${name}-${process.pid}-${++count}`;

/** Adds a contender if its command works here, else says why not. */
async function add(to: Contender[], name: string, command: readonly string[] | (() => readonly string[]), bundle: string | undefined = ''): Promise<boolean> {
  const once = (): Promise<void> => {
    const [program, ...args] = typeof command === 'function' ? command() : command;
    return succeed(program!, args);
  };
  try {
    if (!findProgram(name) || bundle === undefined) throw new Error('not installed');
    await once();
  } catch (error) {
    console.log(`(${name} is left out: ${(error as Error).message})`);
    return false;
  }
  to.push({ name, once });
  return true;
}

/** An OCI bundle with the runtime's own default configuration. */
async function writeBundle(runtime: string, rootfs: string, directory: string, args: readonly string[]): Promise<string | undefined> {
  if (!findProgram(runtime)) return undefined;
  await mkdir(directory, { recursive: true });
  await succeed('sh', ['-c', `cd '${directory}' && ${runtime} spec`]);
  const path = join(directory, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as { process: object; root: object };
  config.process = { ...config.process, args, terminal: false };
  config.root = { path: rootfs, readonly: true };
  await writeFile(path, JSON.stringify(config));
  return directory;
}
