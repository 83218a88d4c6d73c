/** An engine within a test's own process, with directories, bridge and cgroup of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerCreateBody } from '../api/schema.ts';
import { createEngine } from './create-engine.ts';
import type { Engine } from './engine.ts';
import { readSettings } from './settings.ts';

/** Why no engine can be had here, or false. */
export const unable: string | false = process.getuid?.() === 0 ? false : 'needs root, to run containers';

export interface EngineFixture {
  readonly engine: Engine;
  readonly directory: string;
  /** What the engine reported so far. */
  readonly reports: string[];
  /** Creates a container of `base` without a network, and starts it; its name is its id. */
  run(body?: ContainerCreateBody): Promise<string>;
  /** Runs a shell script in a new container of `base` to its end, and leaves the stopped container. */
  script(text: string, body?: ContainerCreateBody): Promise<string>;
  /** Removes all containers, and the engine. */
  close(): Promise<void>;
}

/** A command that does nothing until it is told to end. */
const idle = ['sh', '-c', 'trap exit TERM; sleep 1000 & wait'];

export async function openEngine(): Promise<EngineFixture> {
  const directory = mkdtempSync(join(tmpdir(), 'hako-engine-'));
  const name = directory.slice(-6).replace(/[^A-Za-z0-9]/g, 'x');
  const reports: string[] = [];
  const settings = readSettings({
    HAKO_ROOT: join(directory, 'root'),
    HAKO_RUN: join(directory, 'run'),
    HAKO_BRIDGE: `hk${name}`,
    HAKO_CGROUP: `hako-test-${name}`,
  });
  const engine = await createEngine(settings, (message) => reports.push(message));
  const { containers } = engine;
  const create = async ({ HostConfig, ...body }: ContainerCreateBody): Promise<string> =>
    (await containers.create({ Image: 'base', Cmd: idle, ...body, HostConfig: { NetworkMode: 'none', ...HostConfig } })).Id;
  return {
    engine,
    directory,
    reports,
    async run(body = {}) {
      const id = await create(body);
      await containers.start(id);
      return id;
    },
    async script(text, body = {}) {
      const id = await create({ ...body, Cmd: ['sh', '-c', text] });
      const { ready, done } = containers.wait(id, 'next-exit');
      await ready;
      await containers.start(id);
      const { StatusCode } = await done;
      if (StatusCode !== 0) throw new Error(`the script ended with ${StatusCode}`);
      return id;
    },
    async close() {
      for (const { Id } of await containers.list({ all: true, size: false, filters: {} })) await containers.remove(Id, { force: true, volumes: true });
      await engine.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
