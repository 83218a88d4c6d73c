import assert from 'node:assert/strict';
import test from 'node:test';
import { identify } from '../kernel/process.ts';
import { processOf } from './monitor.ts';

test("a monitor's process is nobody once it was collected: its id may be another's", () => {
  const processId = (): number => process.pid;
  assert.deepEqual(processOf({ processId, exitStatus: () => undefined }), identify(process.pid));
  assert.equal(processOf({ processId, exitStatus: () => ({ code: 137, signal: 9 }) }), undefined);
  assert.equal(processOf({ processId: () => undefined, exitStatus: () => undefined }), undefined);
});
