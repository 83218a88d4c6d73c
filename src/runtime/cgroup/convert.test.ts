import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amount, blkioWeightToIoWeight, sharesToWeight, swapAlone } from './convert.ts';

test('shares become weights that keep the least, the default and the most', () => {
  assert.deepEqual([0, 2, 3, 512, 1024, 2048, 262144, 999999].map(sharesToWeight), [1, 1, 2, 59, 100, 174, 10000, 10000]);
});

test('block I/O weights are stretched from 10…1000 to 1…10000', () => {
  assert.deepEqual([10, 500, 1000].map(blkioWeightToIoWeight), [1, 4950, 10000]);
});

test('swap alone is the total without memory', () => {
  assert.equal(swapAlone(300, 100), 200);
  assert.equal(swapAlone(100, 100), 0);
  assert.equal(swapAlone(-1, 100), -1);
  assert.equal(swapAlone(300, -1), 300);
  assert.equal(swapAlone(300, Infinity), 300);
  assert.throws(() => swapAlone(300, undefined), /set both/);
  assert.throws(() => swapAlone(99, 100), /less than/);
  assert.equal(amount(-1), 'max');
});
