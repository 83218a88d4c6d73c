import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestamp } from './timestamp.ts';

test('a moment is written as toISOString writes it', (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  for (const moment of ['1970-01-01T00:00:00.000Z', '2024-02-29T23:59:59.999Z', '2026-01-02T03:04:05.006Z', '2026-12-31T10:20:30.040Z']) {
    t.mock.timers.setTime(Date.parse(moment));
    assert.equal(timestamp(), moment);
  }
});
