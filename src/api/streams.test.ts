import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { ApiFixture, upgrade } from './api-fixture.ts';
import { boxId, FakeProcess } from './fake-engine.ts';

const api = new ApiFixture();

describe('streams', { timeout: 10_000 }, () => {
  test('of wait send the headers before the container has ended', async () => {
    const response = await api.open('POST', '/containers/box/wait?condition=next-exit');
    assert.equal(response.statusCode, 200);
    api.fake.exit.resolve({ StatusCode: 3 });
    assert.deepEqual(JSON.parse(await textOf(response)), { StatusCode: 3 });
    assert.equal((await api.ask('POST', '/containers/nobody/wait')).status, 404);
  });

  test('of an attachment upgrade, carry frames one way and input the other, and end with the output', async () => {
    const client = await api.raw(upgrade('/v1.50/containers/box/attach?stream=1&stdin=1&stdout=1&stderr=1'));
    await client.until('\r\n\r\n');
    assert.match(client.received(), /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\n/);
    client.socket.end('hello');
    await api.fake.process.inputEnded.promise;
    assert.equal(api.fake.process.received, 'hello');
    api.fake.process.say('stdout', 'out');
    api.fake.process.say('stderr', 'error');
    api.fake.process.exit();
    await client.ended;
    assert.equal(client.received().split('\r\n\r\n')[1], '\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x05error');
  });

  test('of a big output come whole through frames', async () => {
    const client = await api.raw(upgrade('/containers/box/attach?stream=1&stdout=1'));
    await client.until('\r\n\r\n');
    const big = 'x'.repeat(3_000_000);
    api.fake.process.say('stdout', big);
    api.fake.process.exit();
    await client.ended;
    assert.equal(client.received().split('\r\n\r\n')[1]?.length, big.length + 8);
  });

  test('with a terminal are raw, and the detach keys leave', async () => {
    api.fake.process = new FakeProcess(true);
    const client = await api.raw(upgrade('/v1.41/containers/box/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,d'));
    await client.until('\r\n\r\n');
    assert.match(client.received(), /application\/vnd\.docker\.raw-stream/);
    api.fake.process.say('stdout', '$ ');
    await client.until('$ ');
    client.socket.write('ls\x01x\x01');
    client.socket.write('dgone');
    await api.fake.process.detached.promise;
    await client.ended;
    assert.equal(api.fake.process.received, 'ls\x01x');
  });

  test('detach when the client goes', async () => {
    const client = await api.raw(upgrade('/containers/box/attach?stream=1&stdout=1'));
    await client.until('\r\n\r\n');
    client.socket.destroy();
    await api.fake.process.detached.promise;
  });

  test('that cannot be had are an ordinary error, also after an upgrade was asked for', async () => {
    const client = await api.raw(upgrade('/containers/nobody/attach?stream=1'));
    await client.ended;
    assert.match(client.received(), /^HTTP\/1\.1 404 Not Found\r\n[^]*\{"message":"No such container: nobody"\}\n$/);
  });

  test('of an exec take the body before the upgrade and the input after it, in one write or many', async () => {
    const body = '{"Detach":false,"Tty":false}';
    const request = upgrade('/exec/e0/start', body);
    const whole = await api.raw(`${request}input`);
    await whole.until('101 UPGRADED');
    api.fake.exec.say('stdout', 'ok');
    whole.socket.end();
    await api.fake.exec.inputEnded.promise;
    assert.equal(api.fake.exec.received, 'input');
    api.fake.exec.exit();
    await whole.ended;

    api.fake.exec = new FakeProcess();
    const pieces = await api.raw(request.slice(0, -10));
    await new Promise(setImmediate);
    pieces.socket.end(`${request.slice(-10)}later`);
    await api.fake.exec.inputEnded.promise;
    assert.equal(api.fake.exec.received, 'later');
    api.fake.exec.exit();
    await pieces.ended;
  });

  test('of an exec without an upgrade are a plain answer; a detached one has none', async () => {
    const response = await api.open('POST', '/exec/e0/start', { 'Content-Type': 'application/json' }, '{"Detach":false}');
    assert.deepEqual([response.statusCode, response.headers['content-type']], [200, 'application/vnd.docker.multiplexed-stream']);
    api.fake.exec.say('stdout', 'plain');
    api.fake.exec.exit();
    assert.equal(await textOf(response), '\x01\0\0\0\0\0\0\x05plain');
    assert.deepEqual([(await api.ask('POST', '/exec/e0/start', { Detach: true })).text, (await api.ask('GET', '/exec/e0/json')).json.ExitCode], ['', 7]);
  });

  test('of logs pass the parameters on, and the end of the client', async () => {
    const waiting = Promise.withResolvers<void>();
    api.fake.log = (async function* () {
      yield { stream: 'stdout' as const, data: Buffer.from('line\n') };
      await waiting.promise;
    })();
    const response = await api.open('GET', '/containers/box/logs?stdout=1&follow=1&tail=10&since=1700000000.5&timestamps=true');
    await once(response, 'data');
    response.destroy();
    while (!api.fake.calls.includes('logs aborted')) await new Promise(setImmediate);
    waiting.resolve();
    assert.equal(api.fake.calls[0], 'logs {"stdout":true,"stderr":false,"follow":true,"timestamps":true,"tail":10,"since":"1700000000500000000"}');
  });

  test('of logs come whole, whatever the size of the pieces', async () => {
    for (const size of [1, 16_000, 65_528, 65_530, 70_513, 104_254, 130_535, 217_898, 289_766]) {
      api.fake.log = (async function* () {
        for (let piece = 0; piece < 20; piece += 1) yield { stream: 'stdout' as const, data: Buffer.alloc(size, 'x') };
      })();
      const response = await api.open('GET', '/containers/box/logs?stdout=1');
      assert.equal((await textOf(response)).length, 20 * (size + 8), `pieces of ${size} bytes`);
    }
  });

  test('of events are filtered JSON lines with exact nanoseconds, until the client goes', async () => {
    const filters = encodeURIComponent(JSON.stringify({ event: { start: true }, label: ['tier=web'] }));
    const response = await api.open('GET', `/events?filters=${filters}`);
    api.fake.bus.publish('container', 'create', boxId, { name: 'box', tier: 'web' });
    api.fake.bus.publish('container', 'start', boxId, { name: 'other' });
    api.fake.bus.publish('container', 'start', boxId, { name: 'box', image: 'base', tier: 'web' });
    const [chunk] = (await once(response, 'data')) as [Buffer];
    const event = JSON.parse(chunk.toString());
    assert.deepEqual(
      [event.Type, event.Action, event.Actor.ID, event.Actor.Attributes.name, event.from, event.scope],
      ['container', 'start', boxId, 'box', 'base', 'local'],
    );
    const nanoseconds = /"timeNano":(\d{19})\}/.exec(chunk.toString())?.[1] ?? '';
    assert.equal(nanoseconds.slice(0, 10), String(event.time));
    response.destroy();
    while (api.fake.bus.listeners > 0) await new Promise(setImmediate);
  });

  test('that fail in the middle break off, so that nobody takes a part for the whole', async () => {
    const response = await api.open('GET', '/containers/box/export');
    await assert.rejects(textOf(response));
    assert.match(api.reports.at(-1) ?? '', /the disk is gone/);
    const load = await api.ask('POST', '/images/load', 'tar');
    assert.deepEqual(
      [
        load.status,
        load.text
          .trim()
          .split('\r\n')
          .map((line) => Object.keys(JSON.parse(line) as object).join()),
      ],
      [200, ['stream', 'error,errorDetail']],
    );
  });
});
