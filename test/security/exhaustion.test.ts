/** A container, or a client, that takes what it can get: the engine goes on answering, and does not grow with what it is sent. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { after, afterEach, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { firstOf, needsController, needsRoot } from '../support/needs.ts';

const MiB = 2 ** 20;

describe('the engine', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  let pid: number;
  let socketPath: string;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    pid = engine.pid;
    socketPath = join(engine.run, 'hako.sock');
    await engine.must('run', '-d', '--name', 'idle', 'base', 'sleep', '1000');
  });
  after(() => engine?.close());

  /** Memory of the engine's own, in bytes. */
  const memory = (): number => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;

  afterEach(async () => {
    assert.equal(await engine.must('exec', 'idle', 'echo', 'answered'), 'answered');
    assert.equal(engine.pid, pid);
    assert.ok(memory() < 300 * MiB, `the engine has ${memory() / MiB} MiB`);
  });

  test('outlives a container that runs out of memory', { skip: needsController('memory') }, async () => {
    const { code } = await engine.hako(['run', '--name', 'hungry', '--memory', '16m', '--memory-swap', '16m', 'base', 'tail', '/dev/zero']);
    assert.equal(code, 137);
    assert.equal((JSON.parse(await engine.must('inspect', 'hungry')) as [{ State: { OOMKilled: boolean } }])[0].State.OOMKilled, true);
    await engine.must('rm', 'hungry');
  });

  test('bounds a container that makes processes without end', { skip: needsController('pids') }, async () => {
    const id = await engine.must('run', '-d', '--pids-limit', '20', 'base', 'sh', '-c', 'while :; do sleep 1000 & done');
    await engine.must('ps');
    await engine.must('rm', '-f', id);
  });

  test('keeps up with a flood of output, with a client that never reads it', async () => {
    const before = memory();
    const id = await engine.must('run', '-d', 'base', 'sh', '-c', 'yes "a line of a flood, of some length" | head -c 100M; exec sleep 1000');
    const attached = connect(socketPath).pause();
    attached.write(`POST /containers/${id}/attach?stream=1&stdout=1&logs=0 HTTP/1.1\r\nHost: hako\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
    await engine.must('ps');
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.ok(memory() - before < 100 * MiB, `it grew by ${(memory() - before) / MiB} MiB`);
    attached.destroy();
    await engine.must('rm', '-f', id);
  });

  test('keeps up with a flood of events, with a client that never reads them', async () => {
    const events = connect(socketPath).pause();
    events.write('GET /events HTTP/1.1\r\nHost: hako\r\n\r\n');
    const before = memory();
    for (let i = 0; i < 1500; i++) await engine.api.ask('POST', `/containers/idle/rename?name=idle${i}${'x'.repeat(200)}`);
    await engine.api.ask('POST', `/containers/idle1499${'x'.repeat(200)}/rename?name=idle`);
    assert.ok(memory() - before < 60 * MiB);
    events.destroy();
  });

  test('forgets execs: thousands of them, run and never run', async () => {
    const before = memory();
    const create = (): Promise<{ Id: string }> => engine.api.ask('POST', '/containers/idle/exec', { Cmd: ['true', 'x'.repeat(10_000)], AttachStdout: true });
    for (let i = 0; i < 2000; i++) await create();
    for (let i = 0; i < 10; i++)
      await Promise.all(Array.from({ length: 20 }, async () => engine.api.ask('POST', `/exec/${(await create()).Id}/start`, { Detach: false })));
    assert.ok(memory() - before < 100 * MiB, `it grew by ${(memory() - before) / MiB} MiB`);
  });

  test('refuses a request that is too big, and configuration that the kernel could not take', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const sent = request({ socketPath, method: 'POST', path: '/containers/create', headers: { 'Content-Type': 'application/json' } }, (response) =>
      resolve(response.resume().statusCode!),
    );
    sent.on('error', reject);
    const part = Buffer.alloc(MiB, '[');
    for (let i = 0; i < 64 && !sent.destroyed && !sent.writableFinished; i++)
      if (!sent.write(part)) await Promise.race([once(sent, 'drain'), promise, once(sent, 'close')]);
    sent.end();
    assert.equal(await promise.catch(() => 413), 413);
    const headers = connect(socketPath);
    headers.on('error', () => {});
    headers.write(`GET /_ping HTTP/1.1\r\n${'X-Header: '.padEnd(1000, 'x')}\r\n`.padEnd(200_000, 'y'));
    headers.resume();
    await once(headers, 'close');
  });

  test('refuses JSON that is nested without end', async () => {
    for (const body of ['['.repeat(1_000_000), '{"HostConfig":'.repeat(100_000)]) {
      const status = await new Promise<number>((resolve) =>
        request({ socketPath, method: 'POST', path: '/containers/create', headers: { 'Content-Type': 'application/json' } }, (r) =>
          resolve(r.resume().statusCode!),
        ).end(body),
      );
      assert.equal(status, 400);
    }
  });

  test('answers while a client holds a thousand connections open', async () => {
    const sockets: Socket[] = [];
    for (let i = 0; i < 1000; i++) {
      const socket = connect(socketPath);
      socket.on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
      socket.write('GET /contain');
    }
    await engine.must('run', '--rm', 'base', 'true');
    for (const socket of sockets) socket.destroy();
  });

  test('keeps no descriptor of what has ended', async () => {
    const count = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const run = async (): Promise<void> => {
      await Promise.all(Array.from({ length: 5 }, () => engine.hako(['run', '--rm', '--network', 'none', 'base', 'true'])));
      await engine.hako(['exec', 'idle', 'nothing-of-that-name']);
      await engine.hako(['run', '--rm', '--network', 'none', 'base', 'nothing-of-that-name']);
    };
    await run();
    const before = count();
    await run();
    await run();
    assert.ok(count() <= before + 3, `${count()} descriptors after ${before}`);
  });

  test('is stopped by no limit of the container’s: a full /dev/shm, descriptors used up', { skip: firstOf(false) }, async () => {
    const id = await engine.must(
      'run',
      '-d',
      '--ulimit',
      'nofile=20:20',
      '--shm-size',
      '1m',
      'base',
      'sh',
      '-c',
      'cat /dev/zero > /dev/shm/full 2>/dev/null; exec sleep 1000',
    );
    assert.equal(await engine.must('exec', id, 'sh', '-c', 'ulimit -n'), '20');
    await engine.must('rm', '-f', id);
    assert.ok(statSync(socketPath).isSocket());
  });
});
