/** What is measured of hakobune: through its API on one kept connection, as a program uses it, and through its command line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TestEngine } from '../test/support/engine.ts';
import type { Contender } from './rounds.ts';

const launcher = join(import.meta.dirname, '../hako');

/** Creates, starts and waits for the end and removal of a container. */
export function startToExit(engine: TestEngine, network: 'none' | 'bridge'): Contender {
  return {
    name: network === 'none' ? 'hako' : 'hako, bridge',
    async once() {
      const body = { Image: 'base', Cmd: ['true'], HostConfig: { NetworkMode: network, AutoRemove: true } };
      const { Id } = await engine.api.ask<{ Id: string }>('POST', '/containers/create', body);
      const wait = await engine.api.open('POST', `/containers/${Id}/wait?condition=removed`);
      await engine.api.ask('POST', `/containers/${Id}/start`);
      const { StatusCode } = JSON.parse((await wait.setEncoding('utf8').toArray()).join('')) as { StatusCode: number };
      if (StatusCode !== 0) throw new Error(`true ended with ${StatusCode}`);
    },
  };
}

/** The same by `hako run`, from the launcher to its exit. */
export function commandLine(engine: TestEngine): Contender {
  return {
    name: 'hako run',
    once: () => succeed(launcher, ['run', '--rm', '--network', 'none', 'base', 'true'], engine.env),
  };
}

/** Starts a container that idles. @returns its id */
export async function idle(engine: TestEngine): Promise<string> {
  const body = { Image: 'base', Cmd: ['sleep', 'infinity'], HostConfig: { NetworkMode: 'none' } };
  const { Id } = await engine.api.ask<{ Id: string }>('POST', '/containers/create', body);
  await engine.api.ask('POST', `/containers/${Id}/start`);
  return Id;
}

/** `true` in a running container, until the exec's stream ends. */
export function execTrue(engine: TestEngine, container: string): Contender {
  return {
    name: 'hako',
    async once() {
      const body = { Cmd: ['true'], AttachStdout: true, AttachStderr: true };
      const { Id } = await engine.api.ask<{ Id: string }>('POST', `/containers/${container}/exec`, body);
      await engine.api.ask('POST', `/exec/${Id}/start`, { Detach: false, Tty: false });
    },
  };
}

/** Unpacks the base image's files into a directory, for the peers to start the same program. */
export async function exportRootfs(engine: TestEngine, directory: string): Promise<void> {
  const { Id } = await engine.api.ask<{ Id: string }>('POST', '/containers/create', { Image: 'base', Cmd: ['true'] });
  const archive = `${directory}.tar`;
  await pipeline(await engine.api.open('GET', `/containers/${Id}/export`), createWriteStream(archive));
  await engine.api.ask('DELETE', `/containers/${Id}`);
  await mkdir(directory, { recursive: true });
  await succeed('tar', ['-xf', archive, '-C', directory]);
  for (const name of ['proc', 'dev', 'sys', 'tmp']) await mkdir(join(directory, name), { recursive: true });
}

/** Runs a program to its end. @throws Error with what it wrote to stderr, unless it ends with 0 */
export async function succeed(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const closed = once(child, 'close');
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (code === 0) {
    child.stderr.destroy(); // what it left running in the background may hold the pipe
    return;
  }
  await closed;
  throw new Error(`${program} ended with ${signal ?? code}: ${said.trim().split('\n').at(-1)}`);
}
