/** The docker command-line client against the API, with an engine that a test plays: what real clients read and send. */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { text as textOf } from 'node:stream/consumers';
import { boxId, FakeEngine } from './fake-engine.ts';
import { type ApiServer, startServer } from './server.ts';

const found = spawnSync('docker', ['--version']).status === 0;
const directory = mkdtempSync(join(tmpdir(), 'hako-docker-'));
const socketPath = join(directory, 'api.sock');
let fake = new FakeEngine();
let server: ApiServer;

function docker(...words: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn('docker', ['-H', `unix://${socketPath}`, ...words], { env: { PATH: process.env['PATH'], HOME: directory, DOCKER_CLI_HINTS: 'false' } });
}

async function outputOf(child: ChildProcessWithoutNullStreams): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const [stdout, stderr, [code]] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  return { stdout, stderr, code };
}

describe('docker', { skip: found ? false : 'the docker client is not installed (Debian: docker-cli)', timeout: 60_000 }, () => {
  before(async () => {
    const current = new Proxy({}, { get: (_target, name) => Reflect.get(fake.engine, name) as unknown });
    server = await startServer(current as FakeEngine['engine'], { socketPath });
  });
  after(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    fake = new FakeEngine();
  });

  test('version and ps show what the engine says', async () => {
    const version = await outputOf(
      docker('version', '--format', '{{.Server.Version}} {{.Server.APIVersion}} {{.Server.MinAPIVersion}} {{.Client.APIVersion}}'),
    );
    assert.equal(version.stdout, '9.9.9 1.50 1.24 1.50\n', version.stderr);
    const list = await outputOf(docker('ps', '--filter', 'label=a=b', '--format', '{{.ID}} {{.Names}} {{.State}}'));
    assert.equal(list.stdout, `${boxId.slice(0, 12)} box running\n`, list.stderr);
    assert.deepEqual(fake.calls, ['list {"all":false,"size":false,"filters":{"label":["a=b"]}}']);
  });

  test('run attaches, waits, starts, and gives streams and exit code back', async () => {
    const run = docker('run', '-i', '--rm', '-e', 'A=1', '-m', '64m', 'base', 'cat');
    const done = outputOf(run);
    run.stdin.end('typed');
    await fake.process.inputEnded.promise;
    fake.process.say('stdout', 'to stdout\n');
    fake.process.say('stderr', 'to stderr\n');
    fake.process.exit();
    fake.exit.resolve({ StatusCode: 42 });
    assert.deepEqual(await done, { stdout: 'to stdout\n', stderr: 'to stderr\n', code: 42 });
    assert.equal(fake.process.received, 'typed');
    assert.deepEqual(
      fake.calls.map((call) => call.split(' ')[0]),
      ['attach', 'wait', 'start'],
    );
    const [body] = fake.created;
    assert.deepEqual(
      [body?.Image, body?.Cmd, body?.Env, body?.HostConfig?.Memory, body?.HostConfig?.AutoRemove, body?.OpenStdin],
      ['base', ['cat'], ['A=1'], 64 << 20, true, true],
    );
  });

  test('logs come apart, with the parameters passed on', async () => {
    fake.log = (async function* () {
      yield { stream: 'stdout' as const, data: Buffer.from('one\n') };
      yield { stream: 'stderr' as const, data: Buffer.from(`${'x'.repeat(100_000)}\n`) };
    })();
    const { stdout, stderr } = await outputOf(docker('logs', '--tail', '5', '-t', 'box'));
    assert.deepEqual([stdout, stderr.length], ['one\n', 100_001]);
    assert.equal(fake.calls[0], 'logs {"stdout":true,"stderr":true,"follow":false,"timestamps":true,"tail":5}');
  });

  test('exec gives streams and exit code', async () => {
    const child = docker('exec', '-w', '/tmp', 'box', 'false');
    const done = outputOf(child);
    fake.exec.say('stderr', 'no\n');
    fake.exec.exit();
    assert.deepEqual(await done, { stdout: '', stderr: 'no\n', code: 7 });
    assert.deepEqual([fake.execBodies[0]?.Cmd, fake.execBodies[0]?.WorkingDir], [['false'], '/tmp']);
  });

  test('attach that is killed after it closed its input is noticed', async () => {
    const child = docker('attach', '--no-stdin', '--sig-proxy=false', 'box');
    fake.process.say('stdout', 'hello\n');
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    assert.equal(chunk.toString(), 'hello\n');
    child.kill('SIGKILL');
    await fake.process.detached.promise;
  });

  test('events are read as they come', async () => {
    const child = docker('events', '--filter', 'type=container', '--format', '{{.Action}} {{.Actor.Attributes.name}} {{.TimeNano}}');
    while (fake.bus.listeners === 0)
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    fake.bus.publish('image', 'tag', 'sha256:aa', {});
    fake.bus.publish('container', 'die', boxId, { name: 'box', exitCode: '0' });
    let line = '';
    for await (const chunk of child.stdout) if ((line += String(chunk)).endsWith('\n')) break;
    assert.match(line, /^die box \d{19}\n$/);
    child.kill('SIGKILL');
  });

  test('errors are shown as the engine words them', async () => {
    const { stderr, code } = await outputOf(docker('stop', 'nobody'));
    assert.deepEqual([stderr.trim().split('\n').at(-1), code], ['Error response from daemon: No such container: nobody', 1]);
  });
});
