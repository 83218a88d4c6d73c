/**
 * Recovery: containers outlive the engine. It is killed while containers of every kind run, and at random moments of other work;
 * the next one finds what runs as it was, knows how the rest ended, and keeps nothing of what was cut off half-way.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { ContainerCreateBody, HostConfig } from '../src/api/schema.ts';
import { startEngine, type TestEngine } from './support/engine.ts';
import { difference, inventory, withoutReadyEndpoints } from './support/inventory.ts';
import { firstOf, needs, needsRoot } from './support/needs.ts';

/** Echoes what it is sent on port 80, once a call. */
const server = 'import socket; s = socket.create_server(("", 80)); [c.sendall(c.recv(9)) or c.close() for c, _ in iter(s.accept, 0)]';

/** How often it is killed at random; `npm run test:faults` does it some hundred times. */
const kills = Number(process.env.HAKO_KILLS ?? 20);

describe('an engine that was killed', { skip: firstOf(needsRoot(), needs('ip', 'unshare')) }, () => {
  let engine: TestEngine;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
  });
  after(() => engine?.close());

  const show = (name: string, format: string): Promise<string> => engine.must('inspect', '--format', format, name);
  const pid = async (name: string): Promise<number> => Number(await show(name, '{{.State.Pid}}'));
  const status = (name: string): Promise<string> => show(name, '{{.State.Status}}');
  const removeAll = async (...names: readonly string[]): Promise<string> => engine.must('rm', '-f', '-v', ...names);

  async function restart(): Promise<void> {
    await engine.kill('SIGKILL');
    await engine.start();
  }

  async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
    for (let tries = 0; tries < 250; tries++) {
      if (await holds()) return;
      await setTimeout(40);
    }
    assert.fail(`it did not happen that ${what}`);
  }

  test('finds containers running, as the same processes, and can still end them', async () => {
    await engine.must('run', '-d', '--name', 'plain', '--network', 'none', 'base', 'sleep', 'infinity');
    await engine.must('run', '-d', '-t', '--name', 'terminal', 'base', 'cat');
    await engine.must('run', '-d', '--restart', 'always', '--name', 'always', 'base', 'sleep', 'infinity');
    await engine.must('run', '-d', '--rm', '--name', 'removed', 'base', 'sleep', 'infinity');
    const names = ['plain', 'terminal', 'always', 'removed'];
    const before = await Promise.all(names.map(pid));
    await restart();
    assert.deepEqual(await Promise.all(names.map(pid)), before);
    for (const name of names) assert.equal(await engine.must('exec', name, 'echo', 'in'), 'in', name);
    assert.equal((await engine.must('top', 'plain', '-o', 'comm')).split('\n').at(-1), 'sleep');

    await engine.must('kill', 'always');
    assert.equal(await status('always'), 'exited', 'killed by its user, a container stays down');
    await engine.must('stop', '-t', '0', 'plain', 'terminal', 'removed');
    assert.equal(await show('plain', '{{.State.ExitCode}}'), '137');
    assert.equal((await engine.hako(['inspect', 'removed'])).code, 1, '--rm still removes it');
    await removeAll('plain', 'terminal', 'always');
  });

  test('knows how those ended that ended meanwhile', async () => {
    const ends = { seven: 'exit 7', zero: 'exit 0', signal: 'exec sleep infinity' };
    const waiting = (how: string): readonly string[] => [
      '--network',
      'none',
      '--volume',
      'gate:/gate',
      'base',
      'sh',
      '-c',
      `while [ ! -e /gate/open ]; do sleep 0.05; done; ${how}`,
    ];
    for (const [name, how] of Object.entries(ends)) await engine.must('run', '-d', '--name', name, ...waiting(how));
    await engine.must('run', '-d', '--rm', '--name', 'gone', ...waiting('exit 1'));
    await engine.must('run', '-d', '--restart', 'on-failure:5', '--name', 'again', ...waiting('[ -e /second ] && exec sleep infinity; touch /second; exit 3'));
    const pids = await Promise.all(['seven', 'zero', 'signal', 'gone'].map(pid));
    const opener = await engine.must('run', '-d', '--volume', 'gate:/gate', 'base', 'sh', '-c', 'sleep 1; touch /gate/open');
    await engine.kill('SIGKILL');
    process.kill(pids[2]!, 'SIGKILL');
    await until(() => pids.every((p) => !isAlive(p)), 'the containers ended while no engine was there');
    await engine.start();
    assert.equal(await engine.must('wait', 'seven', 'zero', 'signal'), '7\n0\n137');
    assert.equal(await status('seven'), 'exited');
    await until(async () => (await engine.hako(['inspect', 'gone'])).code === 1, 'the container with --rm was removed');
    await until(async () => (await status('again')) === 'running', 'the restart policy brought it back');
    await removeAll('seven', 'zero', 'signal', 'again', opener);
    await engine.must('volume', 'rm', 'gate');
  });

  test('goes on with the logs where it was: no line is there twice, and none is lost but what a kill met between reading and writing', async () => {
    const count = 'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; echo err $i >&2; sleep 0.005; done';
    await engine.must('run', '-d', '--name', 'talker', 'base', 'sh', '-c', count);
    await engine.must('run', '-d', '-t', '--name', 'terminal-talker', 'base', 'sh', '-c', count);
    for (let kills = 0; kills < 3; kills++) {
      await setTimeout(250);
      await restart();
    }
    await engine.must('wait', 'talker', 'terminal-talker');
    const { stdout, stderr } = await engine.hako(['logs', 'talker']);
    const terminal = (await engine.hako(['logs', 'terminal-talker'])).stdout;
    await removeAll('talker', 'terminal-talker');
    for (const [text, word] of [
      [stdout, 'line'],
      [stderr, 'err'],
      [terminal, 'line'],
    ] as const) {
      const lines = text
        .split('\n')
        .filter((line) => line.startsWith(word))
        .map((line) => line.trim());
      const written = Array.from({ length: 400 }, (_, i) => `${word} ${i + 1}`);
      assert.deepEqual(
        lines,
        written.filter((line) => lines.includes(line)),
        'in their order, and once',
      );
      // A line every five milliseconds, three kills: each takes one at most.
      assert.ok(lines.length >= 400 - 3, `${400 - lines.length} lines of ${word} are lost`);
    }
  });

  test('serves published ports again, and closes them with the container', { skip: needs('python3', 'curl') }, async () => {
    const files = ['/usr', '/lib', '/lib64', '/bin'].flatMap((path) => ['--volume', `${path}:${path}:ro`]);
    await engine.must('run', '-d', '--name', 'server', '--publish', '9080:80', ...files, 'base', 'python3', '-c', server);
    const ask = async (): Promise<string> =>
      (await engine.runInNetwork('curl', '--silent', '--max-time', '2', 'telnet://127.0.0.1:9080')).code === 0 ? 'open' : 'closed';
    const reachable = async (): Promise<boolean> => {
      const { stdout } = await engine.runInNetwork(
        'python3',
        '-c',
        'import socket\ntry:\n c = socket.create_connection(("127.0.0.1", 9080), 2); c.sendall(b"hello"); print(c.recv(9).decode())\nexcept OSError as e: print(e)',
      );
      return stdout === 'hello\n';
    };
    await until(reachable, 'the server answered');
    await engine.kill('SIGKILL');
    await engine.start();
    assert.ok(await reachable(), 'the port is served by the next engine');
    const second = await engine.hako(['run', '--rm', '--publish', '9080:80', 'base', 'true']);
    assert.match(second.stderr, /9080/, 'and it is taken');
    await removeAll('server');
    assert.equal(await reachable(), false);
    assert.equal(await ask(), 'closed');
  });

  test('keeps a paused container frozen until it is unpaused', async () => {
    await engine.must('run', '-d', '--name', 'frozen', 'base', 'sh', '-c', 'while :; do echo tick; sleep 0.02; done');
    await engine.must('pause', 'frozen');
    await restart();
    assert.equal(await status('frozen'), 'paused');
    const count = async (): Promise<number> => (await engine.must('logs', 'frozen')).split('\n').length;
    const before = await count();
    await setTimeout(200);
    assert.equal(await count(), before);
    await engine.must('unpause', 'frozen');
    await until(async () => (await count()) > before, 'it went on');
    await engine.must('pause', 'frozen');
    await restart();
    await removeAll('frozen');
  });

  test('ends the execs whose clients it has lost, and takes new ones', async () => {
    await engine.must('run', '-d', '--name', 'host', 'base', 'sleep', 'infinity');
    // By the API: a client of the command line would start the next engine itself.
    const { Id } = await engine.api.ask<{ Id: string }>('POST', '/containers/host/exec', { Cmd: ['sh', '-c', 'echo up; exec sleep 999'], AttachStdout: true });
    const session = await engine.api.open('POST', `/exec/${Id}/start`, {});
    const cutOff = new Promise((resolve) => session.on('error', () => {}).once('close', resolve));
    await once(session, 'data');
    await restart();
    await cutOff;
    await until(async () => !(await engine.must('top', 'host', '-o', 'args')).includes('999'), 'the exec was ended');
    assert.equal(await engine.must('exec', 'host', 'echo', 'new'), 'new');
    await removeAll('host');
  });

  test('at any moment of a container, leaves nothing, and no container is lost or doubled', async (t) => {
    const steady = async (): Promise<string[]> => {
      await engine.must('run', '--rm', '--publish', '9081:80', '--memory', '32m', '--cpus', '1', 'base', 'true');
      let last = withoutReadyEndpoints(inventory(engine));
      for (let tries = 0; tries < 50; tries++) {
        await setTimeout(200);
        const next = withoutReadyEndpoints(inventory(engine));
        if (difference(last, next).length === 0) break;
        last = next;
      }
      return last;
    };
    const clean = await steady();
    const ask = (method: string, path: string, body?: unknown): Promise<unknown> => engine.api.ask(method, path, body);
    // Those that the engine has answered for, and that nobody has asked it to remove since.
    const kept = new Set<string>();
    const run = async (name: string, body: ContainerCreateBody): Promise<void> => {
      const { Id } = (await ask('POST', `/containers/create?name=${name}`, { Image: 'base', Cmd: ['true'], ...body })) as { Id: string };
      if (!body.HostConfig?.AutoRemove) kept.add(Id);
      await ask('POST', `/containers/${name}/start`);
    };
    const idsNow = async (): Promise<string[]> => (await engine.must('ps', '--all', '--quiet', '--no-trunc')).split('\n').filter((id) => id !== '');
    const publish = (port: string, HostPort: string): HostConfig => ({ PortBindings: { [port]: [{ HostPort }] } });
    const work: readonly (() => Promise<unknown>)[] = [
      () => run('short', { HostConfig: { ...publish('80/tcp', '9081'), Memory: 2 ** 25, AutoRemove: true } }),
      () => run('worker', { Cmd: ['sleep', 'infinity'], Volumes: { '/data': {} }, HostConfig: publish('80/udp', '9082') }),
      async () => ask('POST', `/exec/${((await ask('POST', '/containers/worker/exec', { Cmd: ['true'] })) as { Id: string }).Id}/start`, {}),
      () => run('terminal', { Tty: true, HostConfig: { NetworkMode: 'none', AutoRemove: true } }),
      () => {
        kept.clear();
        return ask('DELETE', '/containers/worker?force=1&v=1');
      },
    ];
    let checked = 0;
    for (let kill = 0; kill < kills; kill++) {
      let killed = false;
      const killing = setTimeout(30 + Math.random() * 1000).then(() => {
        killed = true;
        return engine.kill('SIGKILL');
      });
      // Whether something succeeds depends on the moment; that it is answered, or cut off, does not.
      for (let at = kill; !killed; at++) await work[at % work.length]!().catch(() => {});
      await killing;
      await engine.start();
      const listed = await idsNow();
      assert.equal(new Set(listed).size, listed.length, `a container is there twice after kill ${kill + 1}`);
      for (const id of kept) assert.ok(listed.includes(id), `a container is lost after kill ${kill + 1}: ${id}`);
      checked += kept.size;
    }
    t.diagnostic(`${kills} kills; ${checked} times a container that had to be there was there`);
    const ids = await idsNow();
    if (ids.length > 0) await removeAll(...ids);
    const volumes = (await engine.must('volume', 'ls', '-q')).split('\n').filter((name) => name !== '');
    assert.deepEqual(volumes, [], 'anonymous volumes go with their containers');
    assert.deepEqual(difference(clean, await steady()), []);
  });
});

/** Whether a process runs: one that has ended and was not waited for does not. */
function isAlive(process: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${process}/status`, 'utf8'));
  } catch {
    return false;
  }
}
