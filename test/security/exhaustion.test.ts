/** A container, or a client, that takes what it can get: the engine goes on answering, and does not grow with what it is sent. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { after, afterEach, before, describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { needsController, needsRoot } from '../support/needs.ts';

const MiB = 2 ** 20;

describe('the engine', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  let pid: number;
  let socketPath: string;
  let idle: string;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    pid = engine.pid;
    socketPath = join(engine.run, 'hako.sock');
    idle = await engine.must('run', '-d', 'base', 'sleep', '1000');
  });
  after(() => engine?.close());

  /** Memory of the engine's own, in bytes. */
  const memory = (): number => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;

  /** Waits for the end of a connection, however it comes. */
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      socket.on('error', () => {}).once('close', () => resolve());
    });

  afterEach(async () => {
    assert.equal(await engine.must('exec', idle, 'echo', 'answered'), 'answered');
    assert.equal(engine.pid, pid);
    assert.ok(memory() < 512 * MiB, `the engine has ${memory() / MiB} MiB`);
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
    const id = await engine.must('run', '-d', 'base', 'sh', '-c', 'yes "a line of a flood, of some length" | head -c 600M; exec sleep 1000');
    const attached = connect(socketPath).pause();
    attached.write(`POST /containers/${id}/attach?stream=1&stdout=1&logs=0 HTTP/1.1\r\nHost: hako\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
    await engine.must('ps');
    await setTimeout(500);
    attached.destroy();
    await engine.must('rm', '-f', id);
  });

  test('keeps up with a flood of events, with a client that never reads them', async () => {
    const events = connect(socketPath).pause();
    events.write('GET /events HTTP/1.1\r\nHost: hako\r\n\r\n');
    for (let i = 0; i < 600; i++) await engine.api.ask('POST', `/containers/${idle}/rename?name=name${i}${'x'.repeat(200)}`);
    events.destroy();
  });

  test('forgets execs: thousands of them, run and never run', async () => {
    const create = (): Promise<{ Id: string }> => engine.api.ask('POST', `/containers/${idle}/exec`, { Cmd: ['true', 'x'.repeat(10_000)], AttachStdout: true });
    for (let i = 0; i < 1500; i++) await create();
    for (let i = 0; i < 50; i++) await engine.api.ask('POST', `/exec/${(await create()).Id}/start`, { Detach: false });
    assert.equal((await engine.hako(['exec', idle, 'sh', '-c', 'exit 7'])).code, 7, 'its exit code is not pushed out');
  });

  test('refuses a request that is too big, and headers without end', async () => {
    const sent = connect(socketPath);
    sent.write('POST /containers/create HTTP/1.1\r\nHost: hako\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
    for (let i = 0; i < 16; i++) sent.write(`${MiB.toString(16)}\r\n${' '.repeat(MiB)}\r\n`);
    sent.end('0\r\n\r\n');
    let answer = '';
    sent.setEncoding('utf8').on('data', (text: string) => (answer += text));
    await closed(sent);
    assert.match(answer, /^$|^HTTP\/1.1 413 /, 'an answer, where the end of the connection does not overtake it');
    const headers = connect(socketPath);
    headers.write(`GET /_ping HTTP/1.1\r\n${'X-Header: '.padEnd(1000, 'x')}\r\n`.padEnd(200_000, 'y'));
    headers.resume();
    await closed(headers);
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
      // The kernel lets some hundred wait to be accepted, and refuses more.
      if (i % 100 === 99) await engine.api.ask('GET', '/_ping');
    }
    await engine.must('run', '--rm', 'base', 'true');
    for (const socket of sockets) socket.destroy();
  });

  test('keeps no descriptor of what has ended', async () => {
    const count = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const run = async (): Promise<void> => {
      await Promise.all(Array.from({ length: 3 }, () => engine.hako(['run', '--rm', '--network', 'none', 'base', 'true'])));
      await engine.hako(['exec', idle, 'nothing-of-that-name']);
      await engine.hako(['run', '--rm', '--network', 'none', 'base', 'nothing-of-that-name']);
    };
    await run();
    const before = count();
    await run();
    assert.ok(count() <= before + 3, `${count()} descriptors after ${before}`);
  });

  test('is stopped by no limit of the container’s: a full /dev/shm, descriptors used up', async () => {
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
