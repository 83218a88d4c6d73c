/**
 * A start that fails at any of its calls to the kernel leaves nothing. An engine in this process has each call of a start fail in
 * turn, with everything before it really done; then the kernel must hold what it held before. The engine's network is a private
 * one, so that all of it can be compared.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { ContainerCreateBody } from '../src/api/schema.ts';
import { createEngine } from '../src/engine/create-engine.ts';
import type { Engine } from '../src/engine/engine.ts';
import { errno } from '../src/kernel/errno.ts';
import { perform } from '../src/kernel/perform.ts';
import type { Kernel } from '../src/step/apply.ts';
import { difference, inventory, withoutReadyEndpoints, type Scope } from './support/inventory.ts';
import { firstOf, needs, needsRoot } from './support/needs.ts';
import { enterPrivateNetwork } from './support/private-network.ts';
import { sweep } from './support/sweep.ts';

/** The kernel, but for the call with a certain number. */
class FailingKernel implements Kernel {
  /** Calls to go until the one that fails; Infinity: none does. */
  remaining = Infinity;
  /** The name of the one that failed. */
  failed: string | undefined;

  call: Kernel['call'] = (call, resolve) => {
    // What close(2) closes is closed, whatever it answers.
    if (call.name === 'close' || this.remaining-- !== 0) return perform(call, resolve);
    this.failed = call.name;
    return -errno.ENOMEM;
  };
}

const limits = { Memory: 64 * 2 ** 20, NanoCpus: 5e8, PidsLimit: 50 };
const starts: readonly (readonly [name: string, body: ContainerCreateBody])[] = [
  ['without a network', { Image: 'base', Cmd: ['true'], HostConfig: { NetworkMode: 'none', ...limits } }],
  [
    'with a published port, a volume and a terminal',
    {
      Image: 'base',
      Cmd: ['true'],
      Tty: true,
      Volumes: { '/data': {} },
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] }, Tmpfs: { '/cache': '' }, ...limits },
    },
  ],
  ['in a user namespace', { Image: 'base', Cmd: ['true'], HostConfig: { UsernsMode: 'private', ...limits } }],
];

describe('a start that fails at any call', { skip: firstOf(needsRoot(), needs('ip')) }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-failing-'));
  const scope: Scope = { directory, bridge: 'hako-failing', cgroup: `hako-failing-${process.pid}`, networkOf: process.pid };
  const settings = { root: join(directory, 'root'), run: join(directory, 'run'), bridge: scope.bridge, cgroup: `/${scope.cgroup}` };
  const kernel = new FailingKernel();
  let engine: Engine;

  before(async () => {
    enterPrivateNetwork();
    engine = await createEngine(settings, () => {}, kernel);
  });
  after(async () => {
    await engine?.close();
    await sweep(scope);
    rmSync(directory, { recursive: true, force: true });
  });

  /** Starts a container, waits for its end and removes it. @returns whether it started */
  async function startAndRemove(body: ContainerCreateBody, failingCall: number): Promise<boolean> {
    const { Id } = await engine.containers.create(body);
    kernel.remaining = failingCall;
    kernel.failed = undefined;
    const started = await engine.containers.start(Id).then(
      () => true,
      () => false,
    );
    kernel.remaining = Infinity;
    if (started) await engine.containers.wait(Id, 'not-running').done;
    await engine.containers.remove(Id, { force: true, volumes: true });
    return started;
  }

  /** The kernel's objects, and this process's own descriptors, which hold some of them. */
  function objects(): string[] {
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // that of the listing
      }
    });
    // A pipe with both ends here is Node's own: threads that it keeps for a while have some.
    const isOurs = (target: string): boolean => !target.startsWith('pipe:') || open.filter((other) => other === target).length === 1;
    const kept = open
      .filter(isOurs)
      .filter((target) => /^(net|mnt|pid|user|ipc|uts|cgroup|time):|pidfd|memfd:|ptmx|^\/sys\/fs\/cgroup|^(socket|pipe):/.test(target));
    return withoutReadyEndpoints([...inventory(scope), ...kept.map((target) => `descriptor of hakod: ${target.replace(/[:[].*/, '')}`)]);
  }

  /** Waits until nothing differs from what was: the engine goes on clearing up for a moment after it has answered. */
  async function whatIsLeft(clean: readonly string[]): Promise<string[]> {
    let left = difference(clean, objects());
    for (let tries = 0; left.length > 0 && tries < 20; tries++) {
      await setTimeout(100);
      left = difference(clean, objects());
    }
    return left;
  }

  for (const [name, body] of starts) {
    test(name, async () => {
      for (let count = 0; count < 3; count++) await startAndRemove(body, Infinity);
      await setTimeout(300);
      const clean = objects();
      const failures: string[] = [];
      for (let call = 0; ; call++) {
        const started = await startAndRemove(body, call);
        if (kernel.failed === undefined) {
          assert.ok(started);
          break;
        }
        const left = await whatIsLeft(clean);
        if (left.length > 0) failures.push(`call ${call}, ${kernel.failed}:\n    ${left.join('\n    ')}`);
        assert.ok(failures.length < 5, failures.join('\n'));
      }
      assert.deepEqual(failures, []);
    });
  }
});
