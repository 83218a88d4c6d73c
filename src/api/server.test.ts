import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { text as textOf } from 'node:stream/consumers';
import { boxId, FakeEngine, FakeProcess } from './fake-engine.ts';
import { type ApiServer, startServer } from './server.ts';

const directory = mkdtempSync(join(tmpdir(), 'hako-api-'));
const socketPath = join(directory, 'api.sock');
const reports: string[] = [];
let fake = new FakeEngine();
let server: ApiServer;

// One server for all tests, whose engine is made anew for each.
const current = new Proxy({}, { get: (_target, name) => Reflect.get(fake.engine, name) as unknown });
before(async () => { server = await startServer(current as FakeEngine['engine'], { socketPath, report: (line) => reports.push(line) }); });
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => { fake = new FakeEngine(); });

function open(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, method, path, headers, agent: false }, resolve);
    request.on('error', reject).end(body);
  });
}

async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; headers: IncomingMessage['headers']; text: string; json: any }> {
  const response = await open(method, path, {}, typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  const text = await textOf(response);
  let json: unknown;
  try { json = JSON.parse(text); } catch { json = undefined; }
  return { status: response.statusCode ?? 0, headers: response.headers, text, json };
}

/** A connection on which a test speaks HTTP by hand. */
async function raw(text: string): Promise<{ socket: Socket; received: () => string; until: (mark: string) => Promise<void>; ended: Promise<void> }> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  let received = '';
  const waiting = new Set<() => void>();
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    for (const look of waiting) look();
  });
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => { socket.once('end', resolve).once('close', resolve); });
  await once(socket, 'connect');
  socket.write(text);
  const until = (mark: string): Promise<void> => new Promise((resolve) => {
    const look = (): void => {
      if (!received.includes(mark)) return;
      waiting.delete(look);
      resolve();
    };
    waiting.add(look);
    look();
  });
  return { socket, received: () => received, until, ended };
}

const upgrade = (path: string, body = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const limit = { timeout: 10_000 };

describe('requests', limit, () => {
  test('are answered with and without a version, and say which API this is', async () => {
    for (const path of ['/_ping', '/v1.24/_ping', '/v1.50/_ping']) {
      const { status, text, headers } = await ask('GET', path);
      assert.deepEqual([status, text, headers['api-version'], headers['ostype'], headers['docker-experimental']], [200, 'OK', '1.50', 'linux', 'false']);
    }
    const head = await ask('HEAD', '/_ping');
    assert.deepEqual([head.status, head.text], [200, '']);
    assert.deepEqual([(await ask('GET', '/version')).json.ApiVersion, (await ask('GET', '/version')).json.MinAPIVersion], ['1.50', '1.24']);
  });

  test('of another version, path or method get a sentence', async () => {
    assert.match((await ask('GET', '/v1.51/info')).json.message, /^client version 1\.51 is too new\. Maximum supported API version is 1\.50$/);
    assert.match((await ask('GET', '/v1.12/info')).json.message, /too old/);
    assert.deepEqual([(await ask('GET', '/nowhere')).status, (await ask('PATCH', '/info')).status, (await ask('GET', '/containers/%zz/json')).status], [404, 404, 400]);
  });

  test("carry the engine's errors as they are", async () => {
    assert.deepEqual([(await ask('GET', '/containers/nobody/json')).status, (await ask('GET', '/containers/nobody/json')).json], [404, { message: 'No such container: nobody' }]);
    await ask('POST', '/containers/box/stop');
    const again = await ask('POST', '/containers/box/stop');
    assert.deepEqual([again.status, again.text], [304, '']);
  });

  test('with wrong parameters are told which', async () => {
    assert.match((await ask('POST', '/containers/box/stop?t=soon')).json.message, /'t' is 'soon'/);
    assert.match((await ask('POST', '/containers/box/resize?h=24')).json.message, /needs the parameters 'h' and 'w'/);
    assert.match((await ask('GET', '/containers/json?filters=[')).json.message, /'filters' is not JSON/);
    assert.match((await ask('GET', '/containers/box/logs')).json.message, /at least one/);
    assert.match((await ask('POST', '/containers/box/wait?condition=never')).json.message, /'never' is unknown/);
    assert.match((await ask('GET', '/containers/box/logs?stdout=1&since=yesterday')).json.message, /'yesterday' in 'since'/);
  });

  test('with wrong bodies are told where', async () => {
    assert.match((await ask('POST', '/containers/create', '{"Image":')).json.message, /not JSON/);
    assert.match((await ask('POST', '/containers/create')).json.message, /needs a JSON body/);
    assert.equal((await ask('POST', '/containers/create', { HostConfig: { Memory: '1g' } })).json.message, 'HostConfig.Memory is "1g": it must be a whole number.');
    assert.equal((await ask('POST', '/containers/create', { Env: ['A=1', 2] })).json.message, 'Env[1] is 2: it must be text.');
    assert.match((await ask('POST', '/containers/create', [])).json.message, /^The body is \[\]: it must be an object/);
    assert.equal(fake.created.length, 0);
  });

  test("create a container from whatever Docker's clients send", async () => {
    const body = {
      image: 'base', Cmd: 'sh', Entrypoint: null, Unknown: 1, Volumes: { '/data': {} }, Labels: { ['__proto__']: 'x' },
      HostConfig: { Binds: null, PortBindings: { '80/tcp': null }, RestartPolicy: { Name: '' }, ConsoleSize: [0, 0] }, NetworkingConfig: { EndpointsConfig: { bridge: null } },
    };
    const text = JSON.stringify(body).replace('"Labels":{}', '"Labels":{"__proto__":"x"}');
    assert.equal((await ask('POST', '/v1.50/containers/create?name=box', text)).status, 201);
    assert.equal(JSON.stringify(fake.created[0]), JSON.stringify({
      Image: 'base', Cmd: ['sh'], Volumes: { '/data': {} }, Labels: { ['__proto__']: 'x' },
      HostConfig: { PortBindings: { '80/tcp': [] }, RestartPolicy: { Name: '' }, ConsoleSize: [0, 0] }, NetworkingConfig: { EndpointsConfig: { bridge: {} } },
    }));
  });

  test('name images with slashes and tags', async () => {
    assert.equal((await ask('GET', '/images/registry.example/team/app:1/json')).json.Id, 'sha256:aa');
    assert.equal((await ask('POST', '/images/create?fromImage=registry.example/team/app&tag=1')).status, 200);
    const missing = await ask('POST', '/images/create?fromImage=debian&tag=12');
    assert.deepEqual([missing.status, missing.json.message], [404, 'The image debian:12 is not here, and pulling from a registry is not available: import an archive of it.']);
  });

  test('for files carry the path in a header and the archive in the body', async () => {
    const { headers } = await ask('HEAD', '/containers/box/archive?path=/etc/hosts');
    assert.deepEqual(JSON.parse(Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString()), { name: '/etc/hosts', size: 3, mode: 420, mtime: '2024-01-01T00:00:00Z', linkTarget: '' });
    assert.equal((await ask('PUT', '/containers/box/archive?path=/tmp', 'x'.repeat(300_000))).status, 200);
    assert.equal(fake.uploaded.length, 300_000);
  });
});

describe('streams', limit, () => {
  test('of wait send the headers before the container has ended', async () => {
    const response = await open('POST', '/containers/box/wait?condition=next-exit');
    assert.equal(response.statusCode, 200);
    fake.exit.resolve({ StatusCode: 3 });
    assert.deepEqual(JSON.parse(await textOf(response)), { StatusCode: 3 });
    assert.equal((await ask('POST', '/containers/nobody/wait')).status, 404);
  });

  test('of an attachment upgrade, carry frames one way and input the other, and end with the output', async () => {
    const client = await raw(upgrade('/v1.50/containers/box/attach?stream=1&stdin=1&stdout=1&stderr=1'));
    await client.until('\r\n\r\n');
    assert.match(client.received(), /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\n/);
    client.socket.end('hello');
    await fake.process.inputEnded.promise;
    assert.equal(fake.process.received, 'hello');
    fake.process.say('stdout', 'out');
    fake.process.say('stderr', 'error');
    fake.process.exit();
    await client.ended;
    assert.equal(client.received().split('\r\n\r\n')[1], '\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x05error');
  });

  test('of a big output come whole through frames', async () => {
    const client = await raw(upgrade('/containers/box/attach?stream=1&stdout=1'));
    await client.until('\r\n\r\n');
    const big = 'x'.repeat(3_000_000);
    fake.process.say('stdout', big);
    fake.process.exit();
    await client.ended;
    assert.equal(client.received().split('\r\n\r\n')[1]?.length, big.length + 8);
  });

  test('with a terminal are raw, and the detach keys leave', async () => {
    fake.process = new FakeProcess(true);
    const client = await raw(upgrade('/v1.41/containers/box/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,d'));
    await client.until('\r\n\r\n');
    assert.match(client.received(), /application\/vnd\.docker\.raw-stream/);
    fake.process.say('stdout', '$ ');
    await client.until('$ ');
    client.socket.write('ls\x01x\x01');
    client.socket.write('dgone');
    await fake.process.detached.promise;
    await client.ended;
    assert.equal(fake.process.received, 'ls\x01x');
  });

  test('detach when the client goes', async () => {
    const client = await raw(upgrade('/containers/box/attach?stream=1&stdout=1'));
    await client.until('\r\n\r\n');
    client.socket.destroy();
    await fake.process.detached.promise;
  });

  test('that cannot be had are an ordinary error, also after an upgrade was asked for', async () => {
    const client = await raw(upgrade('/containers/nobody/attach?stream=1'));
    await client.ended;
    assert.match(client.received(), /^HTTP\/1\.1 404 Not Found\r\n[^]*\{"message":"No such container: nobody"\}\n$/);
  });

  test('of an exec take the body before the upgrade and the input after it, in one write or many', async () => {
    const body = '{"Detach":false,"Tty":false}';
    const request = upgrade('/exec/e0/start', body);
    const whole = await raw(`${request}input`);
    await whole.until('101 UPGRADED');
    fake.exec.say('stdout', 'ok');
    whole.socket.end();
    await fake.exec.inputEnded.promise;
    assert.equal(fake.exec.received, 'input');
    fake.exec.exit();
    await whole.ended;

    fake.exec = new FakeProcess();
    const pieces = await raw(request.slice(0, -10));
    await new Promise(setImmediate);
    pieces.socket.end(`${request.slice(-10)}later`);
    await fake.exec.inputEnded.promise;
    assert.equal(fake.exec.received, 'later');
    fake.exec.exit();
    await pieces.ended;
  });

  test('of an exec without an upgrade are a plain answer; a detached one has none', async () => {
    const response = await open('POST', '/exec/e0/start', { 'Content-Type': 'application/json' }, '{"Detach":false}');
    assert.deepEqual([response.statusCode, response.headers['content-type']], [200, 'application/vnd.docker.multiplexed-stream']);
    fake.exec.say('stdout', 'plain');
    fake.exec.exit();
    assert.equal(await textOf(response), '\x01\0\0\0\0\0\0\x05plain');
    assert.deepEqual([(await ask('POST', '/exec/e0/start', { Detach: true })).text, (await ask('GET', '/exec/e0/json')).json.ExitCode], ['', 7]);
  });

  test('of logs pass the parameters on, and the end of the client', async () => {
    const waiting = Promise.withResolvers<void>();
    fake.log = (async function* () {
      yield { stream: 'stdout' as const, data: Buffer.from('line\n') };
      await waiting.promise;
    })();
    const response = await open('GET', '/containers/box/logs?stdout=1&follow=1&tail=10&since=1700000000.5&timestamps=true');
    await once(response, 'data');
    response.destroy();
    while (!fake.calls.includes('logs aborted')) await new Promise(setImmediate);
    waiting.resolve();
    assert.equal(fake.calls[0], 'logs {"stdout":true,"stderr":false,"follow":true,"timestamps":true,"tail":10,"since":"1700000000500000000"}');
  });

  test('of events are filtered JSON lines with exact nanoseconds, until the client goes', async () => {
    const filters = encodeURIComponent(JSON.stringify({ event: { start: true }, label: ['tier=web'] }));
    const response = await open('GET', `/events?filters=${filters}`);
    fake.bus.publish('container', 'create', boxId, { name: 'box', tier: 'web' });
    fake.bus.publish('container', 'start', boxId, { name: 'other' });
    fake.bus.publish('container', 'start', boxId, { name: 'box', image: 'base', tier: 'web' });
    const [chunk] = await once(response, 'data') as [Buffer];
    const event = JSON.parse(chunk.toString());
    assert.deepEqual([event.Type, event.Action, event.Actor.ID, event.Actor.Attributes.name, event.from, event.scope], ['container', 'start', boxId, 'box', 'base', 'local']);
    const nanoseconds = /"timeNano":(\d{19})\}/.exec(chunk.toString())?.[1] ?? '';
    assert.equal(nanoseconds.slice(0, 10), String(event.time));
    response.destroy();
    while (fake.bus.listeners > 0) await new Promise(setImmediate);
  });

  test('that fail in the middle break off, so that nobody takes a part for the whole', async () => {
    const response = await open('GET', '/containers/box/export');
    await assert.rejects(textOf(response));
    assert.match(reports.at(-1) ?? '', /the disk is gone/);
    const load = await ask('POST', '/images/load', 'tar');
    assert.deepEqual([load.status, load.text.trim().split('\r\n').map((line) => Object.keys(JSON.parse(line) as object).join())], [200, ['stream', 'error,errorDetail']]);
  });
});

describe('hostile clients', limit, () => {
  test('that do not read hold back the process and nobody else', async () => {
    const client = await raw(upgrade('/containers/box/attach?stream=1&stdout=1'));
    await client.until('\r\n\r\n');
    client.socket.pause();
    for (let chunk = 0; chunk < 400; chunk += 1) fake.process.say('stdout', 'x'.repeat(64 * 1024));
    for (let turn = 0; turn < 50; turn += 1) assert.equal((await ask('GET', '/_ping')).status, 200);
    assert.ok(fake.process.taken < 100, `${fake.process.taken} of 400 chunks were taken for a client who reads none`);
    client.socket.destroy();
  });

  test('with bodies that are too big are refused before they are read', async () => {
    const client = await raw('POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999\r\n\r\n{');
    await client.until('bigger than');
    assert.match(client.received(), /^HTTP\/1\.1 413 /);
    client.socket.destroy();
    const chunked = await raw('POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n');
    const piece = `${(1 << 20).toString(16)}\r\n${' '.repeat(1 << 20)}\r\n`;
    for (let count = 0; count < 6; count += 1) chunked.socket.write(piece);
    await chunked.until('bigger than');
    chunked.socket.destroy();
  });

  test('that speak no HTTP, or headers without end, are told and let go', async () => {
    const nonsense = await raw('\x16\x03\x01 hello\r\n\r\n');
    await nonsense.ended;
    assert.match(nonsense.received(), /^HTTP\/1\.1 400 [^]*message/);
    const long = await raw(`GET /_ping HTTP/1.1\r\nHost: d\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`);
    await long.ended;
    assert.match(long.received(), /^HTTP\/1\.1 431 /);
  });

  test('that go in the middle of a request leave nothing', async () => {
    for (const text of ['POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 50\r\n\r\n{"Im', upgrade('/exec/e0/start', '{"Detach":false}').slice(0, -4), 'PUT /containers/box/archive?path=/ HTTP/1.1\r\nHost: d\r\nContent-Length: 50\r\n\r\nabc']) {
      const client = await raw(text);
      client.socket.destroy();
    }
    assert.equal((await ask('GET', '/_ping')).status, 200);
    assert.equal(fake.created.length, 0);
  });
});

describe('the socket', limit, () => {
  test('is for root and one group', () => {
    const { mode, uid } = statSync(socketPath);
    assert.deepEqual([(mode & 0o777).toString(8), uid], ['660', process.geteuid?.()]);
  });

  test('of a living engine is left alone, of a dead one replaced, and no other file removed', async () => {
    await assert.rejects(startServer(fake.engine, { socketPath }), /Another engine answers on/);
    assert.equal((await ask('GET', '/_ping')).status, 200);

    const stale = join(directory, 'stale.sock');
    const dead = createServer().listen(stale);
    await once(dead, 'listening');
    // The file stays when the process goes without closing: so here, under another name while it closes.
    const { renameSync } = await import('node:fs');
    renameSync(stale, `${stale}.kept`);
    dead.close();
    await once(dead, 'close');
    renameSync(`${stale}.kept`, stale);
    await (await startServer(fake.engine, { socketPath: stale })).close();

    const file = join(directory, 'file');
    writeFileSync(file, 'precious');
    await assert.rejects(startServer(fake.engine, { socketPath: file }), /is not a socket/);
    assert.equal(statSync(file).size, 8);
  });
});
