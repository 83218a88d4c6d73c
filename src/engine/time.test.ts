import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now, parseDuration, parseMoment, rfc3339 } from './time.ts';

test('now is the wall clock, and never the same twice', () => {
  const times = Array.from({ length: 1000 }, now);
  assert.ok(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0n)));
  assert.ok(Math.abs(Number((times[0] ?? 0n) / 1_000_000n) - Date.now()) < 1000);
});

test('moments are read in each form that clients send', () => {
  assert.equal(parseMoment('1700000000', 't'), 1_700_000_000_000_000_000n);
  assert.equal(parseMoment('1700000000.000000001', 't'), 1_700_000_000_000_000_001n);
  assert.equal(parseMoment('1700000000.5', 't'), 1_700_000_000_500_000_000n);
  assert.equal(parseMoment('2023-11-14T22:13:20.000000001Z', 't'), 1_700_000_000_000_000_001n);
  assert.equal(parseMoment('2023-11-14T23:13:20+01:00', 't'), 1_700_000_000_000_000_000n);
  assert.equal(parseMoment('2023-11-14', 't'), 1_699_920_000_000_000_000n);
  const tenMinutes = now() - parseMoment('10m', 't');
  assert.ok(tenMinutes >= 599_000_000_000n && tenMinutes < 601_000_000_000n);
  for (const text of ['yesterday', '2023-99-99', '1e9', '']) assert.throws(() => parseMoment(text, 't'), /in 't' is not understood/, text);
});

test("durations are Go's", () => {
  assert.equal(parseDuration('1h30m'), 5_400_000_000_000n);
  assert.equal(parseDuration('1.5s'), 1_500_000_000n);
  assert.equal(parseDuration('250ms'), 250_000_000n);
  assert.equal(parseDuration('5'), undefined);
});

test('times are written with nine decimals', () => {
  assert.equal(rfc3339(1_700_000_000_000_000_001n), '2023-11-14T22:13:20.000000001Z');
});
