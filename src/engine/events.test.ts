import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineEvent, Filters } from '../api/schema.ts';
import { Events } from './events.ts';
import { now } from './time.ts';

const never = new AbortController().signal;

async function take(source: AsyncIterable<EngineEvent>): Promise<string[]> {
  const actions: string[] = [];
  for await (const { Action } of source) actions.push(Action);
  return actions;
}

test('a listener hears what happens after it began to listen, until it is told to stop', async () => {
  const events = new Events();
  events.publish('container', 'early', 'id', {});
  const stop = new AbortController();
  const heard = take(events.read({ filters: {}, signal: stop.signal }));
  events.publish('container', 'create', 'id', {});
  await new Promise(setImmediate);
  events.publish('volume', 'mount', 'data', {});
  assert.equal(events.listeners, 1);
  stop.abort();
  assert.deepEqual(await heard, ['create', 'mount']);
  assert.equal(events.listeners, 0);
});

test('since and until cut out a piece of the past', async () => {
  const events = new Events();
  events.publish('container', 'one', 'id', {});
  const since = now();
  events.publish('container', 'two', 'id', {});
  events.publish('container', 'three', 'id', {});
  const until = now();
  events.publish('container', 'four', 'id', {});
  assert.deepEqual(await take(events.read({ since, until, filters: {}, signal: never })), ['two', 'three']);
});

test('the past is bounded, and in order', async () => {
  const events = new Events();
  for (let number = 0; number < 3000; number += 1) events.publish('container', String(number), 'id', {});
  const past = await take(events.read({ since: 0n, until: now(), filters: {}, signal: never }));
  assert.deepEqual([past.length, past[0], past.at(-1)], [1024, '1976', '2999']);
});

test('a listener that does not read is let go, and the others hear on', { timeout: 5000 }, async () => {
  const events = new Events();
  const stop = new AbortController();
  const slow = events.read({ filters: {}, signal: never });
  let heard = 0;
  const quick = (async () => {
    for await (const _event of events.read({ filters: {}, signal: stop.signal })) heard += 1;
  })();
  for (let number = 0; number < 10_000; number += 1) {
    events.publish('container', String(number), 'id', {});
    if (number % 100 === 0) await new Promise(setImmediate);
  }
  assert.equal(events.listeners, 1);
  await assert.rejects(take(slow), /let go/);
  stop.abort();
  await quick;
  assert.equal(heard, 10_000);
});

test('filters choose by type, action, object and label', async () => {
  const events = new Events();
  events.publish('container', 'start', 'abc123', { name: 'box', image: 'base:1', tier: 'web' });
  events.publish('container', 'exec_start: sh', 'def456', { name: 'other', image: 'base', tier: 'db' });
  events.publish('image', 'tag', 'sha256:aa', { name: 'base:1' });
  events.publish('network', 'connect', 'net1', { name: 'bridge', container: 'abc123' });
  const chosen = (filters: Filters): Promise<string[]> => take(events.read({ since: 0n, until: now(), filters, signal: never }));
  assert.deepEqual(await chosen({ type: ['image'] }), ['tag']);
  assert.deepEqual(await chosen({ event: ['exec_start'] }), ['exec_start: sh']);
  assert.deepEqual(await chosen({ container: ['box'] }), ['start']);
  assert.deepEqual(await chosen({ container: ['abc'] }), ['start', 'connect']);
  assert.deepEqual(await chosen({ image: ['base'] }), ['start', 'exec_start: sh', 'tag']);
  assert.deepEqual(await chosen({ label: ['tier=web'] }), ['start']);
  assert.deepEqual(await chosen({ type: ['network'], network: ['bridge'] }), ['connect']);
  assert.throws(() => events.read({ filters: { colour: ['red'] }, signal: never }), /Invalid filter 'colour'/);
});
