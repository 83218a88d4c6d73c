/** The framing of output, and the keys that detach, however the bytes are cut. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { detachScanner, parseDetachKeys } from './detach-keys.ts';
import { frame } from './engine-fixture.ts';
import { demultiplexer } from './multiplexed.ts';

test('frames are taken apart wherever the chunks are cut', () => {
  const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'error'), frame(1, ''), frame(1, 'x'.repeat(300))]);
  for (const size of [1, 2, 7, 8, 9, 11, 64, bytes.length]) {
    const got = { 1: '', 2: '' };
    const take = demultiplexer((stream, data) => (got[stream as 1 | 2] += data.toString()));
    for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size));
    assert.deepEqual(got, { 1: `out${'x'.repeat(300)}`, 2: 'error' }, `chunks of ${size}`);
  }
});

test('a stream that is no multiplexed one is refused', () => {
  assert.throws(() => demultiplexer(() => {})(Buffer.from('plain text')), /no stream has the number/);
});

test('detach keys: what only begins like them goes on to the container', () => {
  const scan = detachScanner(parseDetachKeys('ctrl-p,ctrl-q'));
  assert.deepEqual(scan(Buffer.from('ab\x10')), { data: Buffer.from('ab'), detached: false });
  assert.deepEqual(scan(Buffer.from('c')), { data: Buffer.from('\x10c'), detached: false });
  assert.deepEqual(scan(Buffer.from('\x10\x10')), { data: Buffer.from('\x10'), detached: false });
  assert.deepEqual(scan(Buffer.from('\x11')), { data: Buffer.alloc(0), detached: true });
  assert.deepEqual(detachScanner(Buffer.from('aab'))(Buffer.from('aaab')), { data: Buffer.from('a'), detached: true });
  assert.deepEqual(detachScanner(Buffer.from('abac'))(Buffer.from('ababac')), { data: Buffer.from('ab'), detached: true });
});

test('detach keys are written as Docker writes them', () => {
  assert.deepEqual([...parseDetachKeys('ctrl-a,x,ctrl-@,ctrl-[')], [1, 120, 0, 27]);
  assert.throws(() => parseDetachKeys('ctrl-1'), /invalid detach keys/);
});
