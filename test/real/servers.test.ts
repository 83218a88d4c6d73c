/**
 * Real programs in an image of several layers that other people's tools made (scripts/real-images.sh): Python, nginx behind a
 * published port, Redis and PostgreSQL as users of their own under limits. What is asked is that they work, and that the kernel
 * shows the limits.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { cpuLimit, memoryLimit, timesThrottled } from '../support/cgroup-file.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const image = 'test/servers';
const skip = firstOf(needsRoot(), needs('mmdebstrap', 'buildah', 'curl', 'ip'));

/** The parts of `hako inspect` that are looked at here. */
interface Inspected {
  readonly Id: string;
  readonly State: { readonly Pid: number; readonly ExitCode: number; readonly OOMKilled: boolean };
}

describe('an image of real servers', { skip }, () => {
  let engine: TestEngine;
  let images: string;

  before(async () => {
    images = execFileSync('sh', [join(import.meta.dirname, '../../scripts/real-images.sh')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
    engine = await startEngine({ privateNetwork: true });
    await engine.must('load', '-q', '-i', join(images, 'docker.tar'));
  });
  after(() => engine?.close());

  const inspect = async (name: string): Promise<Inspected> => (JSON.parse(await engine.must('inspect', name)) as [Inspected])[0];

  /** Follows a container's log until it says something. */
  async function logged(name: string, pattern: RegExp): Promise<void> {
    const follower = engine.spawnHako(['logs', '--follow', name], ['ignore', 'pipe', 'pipe']);
    let text = '';
    const found = Promise.withResolvers<void>();
    for (const stream of [follower.stdout!, follower.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (pattern.test(text)) found.resolve();
      });
    }
    follower.once('close', () => found.reject(new Error(`${name} ended without saying ${pattern}:\n${text}`)));
    await found.promise;
    follower.kill();
  }

  /** The user that a container's first process runs as, by name, from the kernel's and the image's point of view. */
  async function userOf(name: string): Promise<{ readonly uid: number; readonly inside: string }> {
    const { State } = await inspect(name);
    const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${State.Pid}/status`, 'utf8'))?.[1]);
    return { uid, inside: await engine.must('exec', name, 'id', '-un') };
  }

  test('is imported with its layers, and is the same image from either format', async () => {
    const layers = async (name: string): Promise<string[]> =>
      (JSON.parse(await engine.must('image', 'inspect', name)) as [{ RootFS: { Layers: string[] } }])[0].RootFS.Layers;
    const fromDocker = await layers(image);
    assert.equal(fromDocker.length, 5);
    await engine.must('image', 'import', join(images, 'oci'), 'test/oci');
    assert.deepEqual(await layers('test/oci'), fromDocker);
    assert.equal((await engine.must('history', '-q', image)).split('\n').length >= 5, true);
  });

  test('a root file system alone is an image, too', async () => {
    await engine.must('image', 'import', join(images, 'rootfs.tar'), 'test/rootfs');
    assert.match(await engine.must('run', '--rm', 'test/rootfs', 'cat', '/etc/os-release'), /^VERSION_CODENAME=bookworm$/m);
  });

  test('runs Python, with its exit status', async () => {
    const program = 'import json, os, sys; print(json.dumps([sys.version_info[0], os.getpid(), os.uname().nodename])); sys.exit(7)';
    const { code, stdout, stderr } = await engine.hako(['run', '--rm', '--hostname', 'snake', image, 'python3', '-c', program]);
    assert.equal(code, 7, stderr);
    assert.deepEqual(JSON.parse(stdout), [3, 1, 'snake']);
  });

  test('nginx serves 128 MB through its published port', async () => {
    await engine.must('run', '-d', '--name', 'web', '--publish', '8080:80', image, 'nginx', '-g', 'daemon off;');
    await engine.must('exec', 'web', 'sh', '-c', 'until [ -s /run/nginx.pid ]; do sleep 0.02; done');
    const inside = (await engine.must('exec', 'web', 'sha256sum', '/var/www/html/128M')).split(' ')[0];
    const fetched = await engine.runInNetwork('sh', '-c', 'curl --fail --silent --show-error http://127.0.0.1:8080/128M | sha256sum');
    assert.equal(fetched.stdout.split(' ')[0], inside, fetched.stderr);
    await engine.must('rm', '-f', 'web');
    assert.equal((await engine.runInNetwork('curl', '--silent', 'http://127.0.0.1:8080/')).code, 7, 'the port is closed with the container');
  });

  test('Redis answers as its own user, within its limits, and dies of exceeding them', async () => {
    const server = ['redis-server', '--save', '', '--dir', '/tmp', '--enable-debug-command', 'yes'];
    await engine.must('run', '-d', '--name', 'cache', '--user', 'redis', '--memory', '64m', '--cpus', '0.25', image, ...server);
    await logged('cache', /Ready to accept connections/);
    const { uid, inside } = await userOf('cache');
    assert.notEqual(uid, 0);
    assert.equal(inside, 'redis');

    const { State } = await inspect('cache');
    assert.equal(memoryLimit(State.Pid), 64 * 2 ** 20);
    assert.equal(cpuLimit(State.Pid), 0.25);

    assert.equal(await engine.must('exec', 'cache', 'redis-cli', 'set', 'ship', 'box'), 'OK');
    assert.equal(await engine.must('exec', 'cache', 'redis-cli', 'get', 'ship'), 'box');
    await engine.must('exec', 'cache', 'redis-cli', 'eval', 'for i = 1, 2e6 do redis.call("get", "ship") end', '0');
    assert.ok(timesThrottled(State.Pid) > 0, 'a busy server meets its processor quota');

    await engine.hako(['exec', 'cache', 'redis-cli', 'debug', 'populate', '1000000', 'key', '1000']);
    assert.equal(await engine.must('wait', 'cache'), '137');
    assert.equal((await inspect('cache')).State.OOMKilled, true);
    await engine.must('rm', 'cache');
  });

  test('PostgreSQL keeps data over a restart, as its own user and within its limits', async () => {
    const server = [
      '/usr/lib/postgresql/15/bin/postgres',
      '-D',
      '/var/lib/postgresql/15/main',
      '-c',
      'config_file=/etc/postgresql/15/main/postgresql.conf',
      '-k',
      '/tmp',
    ];
    const limits = ['--memory', '256m', '--cpus', '1', '--shm-size', '64m'];
    await engine.must('run', '-d', '--name', 'database', '--user', 'postgres', '--stop-signal', 'SIGINT', ...limits, image, ...server);
    await logged('database', /ready to accept connections/);
    assert.equal((await userOf('database')).inside, 'postgres');
    const { State } = await inspect('database');
    assert.equal(memoryLimit(State.Pid), 256 * 2 ** 20);
    assert.equal(cpuLimit(State.Pid), 1);

    const query = (sql: string): Promise<string> => engine.must('exec', 'database', 'psql', '-h', '/tmp', '-At', '-c', sql);
    await query('create table cargo as select n, n::bigint * n as square from generate_series(1, 100000) n');
    assert.equal(await query('select count(*), sum(square) from cargo'), '100000|333338333350000');

    await engine.must('stop', 'database');
    assert.equal((await inspect('database')).State.ExitCode, 0, 'SIGINT is its fast shutdown');
    await engine.must('start', 'database');
    await engine.must('exec', 'database', 'sh', '-c', 'until psql -h /tmp -c "select 1" >/dev/null 2>&1; do sleep 0.05; done');
    assert.equal(await query('select max(square) from cargo'), '10000000000');
    await engine.must('rm', '-f', 'database');
  });
});
