/**
 * Nothing is left: after containers that ended, that never started, and that lived on while hakod was killed, the kernel holds
 * the same objects as before. The engine has a network namespace of its own, so that all of its network can be compared.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startEngine, TestEngine } from './support/engine.ts';
import { difference, inventory, withoutReadyEndpoints } from './support/inventory.ts';
import { firstOf, needs, needsRoot } from './support/needs.ts';

const limits = ['--init', '--memory', '64m', '--cpus', '1', '--cpuset-cpus', '0', '--pids-limit', '50'];
const published = ['--publish', '8080:80', '--publish', '8080:80/udp'];

describe('nothing is left', { skip: firstOf(needsRoot(), needs('ip', 'unshare')) }, () => {
  let engine: TestEngine;
  let clean: string[];

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    await warmUp();
    clean = await settled();
  });
  after(() => engine?.close());

  /** What the engine keeps from its first container on (image, bridge, rules, parents of cgroups) is not a container's. */
  const warmUp = (): Promise<string> => engine.must('run', '--rm', ...limits, ...published, 'base', 'true');

  /** The inventory once it stands still: the engine goes on clearing up for a moment after it has answered. */
  async function settled(): Promise<string[]> {
    let last = withoutReadyEndpoints(inventory(engine));
    for (let tries = 0; tries < 50; tries++) {
      await setTimeout(200);
      const next = withoutReadyEndpoints(inventory(engine));
      if (difference(last, next).length === 0) break;
      last = next;
    }
    return last;
  }

  async function assertClean(): Promise<void> {
    assert.deepEqual(difference(clean, await settled()), []);
  }

  for (const network of ['none', 'host', 'bridge']) {
    test(`after containers in the foreground with network ${network}, one at a time and together`, async () => {
      const run = (): Promise<string> => engine.must('run', '--rm', '--network', network, 'base', 'true');
      await run();
      await Promise.all(Array.from({ length: 6 }, run));
      await assertClean();
    });
  }

  test('after a container that ran in the foreground, with every kind of thing that it can have', async () => {
    const things = ['--volume', '/data', '--tmpfs', '/cache', '--hostname', 'a', '--init', '--shm-size', '1m', '--add-host', 'b:10.0.0.1'];
    await engine.must('run', '--rm', ...limits, ...published, ...things, 'base', 'sh', '-c', 'echo x >/data/file; echo x >/etc/new');
    await assertClean();
  });

  test('after stop and rm of a container that ran in the background, with an exec in it', async () => {
    await engine.must('run', '-d', '--name', 'sleeper', '--stop-signal', 'KILL', '--publish', '8081:80', 'base', 'sleep', 'infinity');
    await engine.must('exec', 'sleeper', 'true');
    await engine.must('exec', '-d', 'sleeper', 'sleep', 'infinity');
    await engine.must('stop', 'sleeper');
    await engine.must('rm', 'sleeper');
    await assertClean();
  });

  test('after a named volume, and the containers that shared it', async () => {
    await engine.must('volume', 'create', 'hold');
    await engine.must('run', '-d', '--name', 'writer', '--volume', 'hold:/hold', 'base', 'sleep', 'infinity');
    await engine.must('run', '--rm', '--volume', 'hold:/hold:ro', '--volume', '/other', 'base', 'ls', '/hold');
    await engine.must('exec', 'writer', 'touch', '/hold/file');
    assert.equal((await engine.hako(['volume', 'rm', 'hold'])).code, 1, 'a volume in use stays');
    await engine.must('rm', '-f', 'writer');
    await engine.must('volume', 'rm', 'hold');
    await assertClean();
  });

  test('after containers that could not start', async () => {
    const fails = async (code: number, ...args: readonly string[]): Promise<void> => {
      const outcome = await engine.hako(['run', '--rm', ...published, ...args]);
      assert.equal(outcome.code, code, outcome.stderr);
      assert.doesNotMatch(outcome.stderr, /\n\s+at /, 'a stack trace is not for users');
    };
    await fails(127, 'base', '/no/such/program');
    await fails(126, 'base', '/etc');
    await fails(127, '--user', '1000:1000', '--workdir', '/new', 'base', 'no-such-program');
    await fails(125, '--user', 'nobody-of-this-name', 'base', 'true');
    await fails(125, '--volume', '/no/such/../place/../../x:relative', 'base', 'true');
    await fails(125, '--mount', 'type=bind,source=/no/such/source,target=/a', 'base', 'true');
    await fails(125, '--sysctl', 'net.ipv4.no_such=1', 'base', 'true');
    await fails(125, '--network', 'container:nobody', 'base', 'true');
    await fails(125, '--publish', '99999:1', 'base', 'true');
    await fails(125, 'no-such-image', 'true');
    await assertClean();
  });

  test('after two containers that wanted the same port', async () => {
    await engine.must('run', '-d', '--name', 'first', '--publish', '8082:80', 'base', 'sleep', 'infinity');
    const second = await engine.hako(['run', '--rm', '--publish', '8082:80', 'base', 'true']);
    assert.equal(second.code, 125);
    assert.match(second.stderr, /8082/);
    await engine.must('rm', '-f', 'first');
    await assertClean();
  });

  test('after hakod was killed while containers ran, and one of them ended meanwhile', async () => {
    await engine.must('run', '-d', '--name', 'lasting', '--publish', '8083:80', 'base', 'sleep', 'infinity');
    await engine.must('run', '-d', '--name', 'ending', 'base', 'sh', '-c', 'sleep 0.5; exit 5');
    const pid = await engine.must('inspect', '--format', '{{.State.Pid}}', 'ending');
    await engine.kill('SIGKILL');
    while (existsSync(`/proc/${pid}/exe`)) await setTimeout(20);
    await engine.start();
    assert.equal(await engine.must('wait', 'ending'), '5');
    assert.equal(await engine.must('inspect', '--format', '{{.State.Status}}', 'lasting'), 'running');
    await engine.must('rm', '-f', 'lasting', 'ending');
    await warmUp();
    await assertClean();
  });

  test('after the engine has ended: as if it had never been', async () => {
    const other = new TestEngine({ privateNetwork: true });
    const kernelObjects = (): string[] => inventory(other).filter((line) => !line.startsWith('file '));
    try {
      await other.start();
      await other.kill('SIGTERM');
      const before = kernelObjects();
      await other.start();
      await other.must('run', '--rm', ...limits, ...published, 'base', 'true');
      await other.kill('SIGTERM');
      assert.deepEqual(difference(before, kernelObjects()), []);

      await other.start();
      await other.must('run', '-d', '--restart', 'always', '--name', 'lasting', ...published, 'base', 'sleep', 'infinity');
      await other.kill('SIGKILL');
      await other.start();
      await other.must('rm', '-f', 'lasting');
      await other.kill('SIGTERM');
      assert.deepEqual(difference(before, kernelObjects()), []);
    } finally {
      await other.close();
    }
  });
});
