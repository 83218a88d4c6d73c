import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ApiFixture, upgrade } from './api-fixture.ts';
import { startServer } from './server.ts';

const api = new ApiFixture();

describe('hostile clients', { timeout: 10_000 }, () => {
  test('that do not read hold back the process and nobody else', async () => {
    const client = await api.raw(upgrade('/containers/box/attach?stream=1&stdout=1'));
    await client.until('\r\n\r\n');
    client.socket.pause();
    for (let chunk = 0; chunk < 400; chunk += 1) api.fake.process.say('stdout', 'x'.repeat(64 * 1024));
    for (let turn = 0; turn < 50; turn += 1) assert.equal((await api.ask('GET', '/_ping')).status, 200);
    assert.ok(api.fake.process.taken < 100, `${api.fake.process.taken} of 400 chunks were taken for a client who reads none`);
    client.socket.destroy();
  });

  test('with bodies that are too big are refused before they are read', async () => {
    const client = await api.raw('POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999\r\n\r\n{');
    await client.until('bigger than');
    assert.match(client.received(), /^HTTP\/1\.1 413 /);
    client.socket.destroy();
    const chunked = await api.raw('POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n');
    const piece = `${(1 << 20).toString(16)}\r\n${' '.repeat(1 << 20)}\r\n`;
    for (let count = 0; count < 6; count += 1) chunked.socket.write(piece);
    await chunked.until('bigger than');
    chunked.socket.destroy();
  });

  test('that speak no HTTP, or headers without end, are told and let go', async () => {
    const nonsense = await api.raw('\x16\x03\x01 hello\r\n\r\n');
    await nonsense.ended;
    assert.match(nonsense.received(), /^HTTP\/1\.1 400 [^]*message/);
    const long = await api.raw(`GET /_ping HTTP/1.1\r\nHost: d\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`);
    await long.ended;
    assert.match(long.received(), /^HTTP\/1\.1 431 /);
  });

  test('that go in the middle of a request leave nothing', async () => {
    for (const text of [
      'POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 50\r\n\r\n{"Im',
      upgrade('/exec/e0/start', '{"Detach":false}').slice(0, -4),
      'PUT /containers/box/archive?path=/ HTTP/1.1\r\nHost: d\r\nContent-Length: 50\r\n\r\nabc',
    ]) {
      const client = await api.raw(text);
      client.socket.destroy();
    }
    assert.equal((await api.ask('GET', '/_ping')).status, 200);
    assert.equal(api.fake.created.length, 0);
  });
});

describe('the socket', { timeout: 10_000 }, () => {
  test('is for root and one group', () => {
    const { mode, uid } = statSync(api.socketPath);
    assert.deepEqual([(mode & 0o777).toString(8), uid], ['660', process.geteuid?.()]);
  });

  test('of a living engine is left alone, of a dead one replaced, and no other file removed', async () => {
    await assert.rejects(startServer(api.fake.engine, { socketPath: api.socketPath }), /Another engine answers on/);
    assert.equal((await api.ask('GET', '/_ping')).status, 200);

    const stale = join(api.directory, 'stale.sock');
    const dead = createServer().listen(stale);
    await once(dead, 'listening');
    // The file stays when the process goes without closing: so here, under another name while it closes.
    renameSync(stale, `${stale}.kept`);
    dead.close();
    await once(dead, 'close');
    renameSync(`${stale}.kept`, stale);
    await (await startServer(api.fake.engine, { socketPath: stale })).close();

    const file = join(api.directory, 'file');
    writeFileSync(file, 'precious');
    await assert.rejects(startServer(api.fake.engine, { socketPath: file }), /is not a socket/);
    assert.equal(statSync(file).size, 8);
  });
});
