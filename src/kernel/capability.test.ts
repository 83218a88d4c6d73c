import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { call } from './call.ts';
import {
  capabilitiesIn,
  capabilityData,
  capabilityHeader,
  capabilityMask,
  capabilityNames,
  capabilityNumber,
  lastCapability,
  parseCapabilityMasks,
} from './capability.ts';
import { must } from './perform.ts';

test('names have the kernel’s numbers', () => {
  assert.equal(capabilityNames.length, 41);
  for (const [name, number] of [
    ['CAP_CHOWN', 0],
    ['CAP_SYS_ADMIN', 21],
    ['CAP_SYS_RESOURCE', 24],
    ['CAP_SETFCAP', 31],
    ['CAP_CHECKPOINT_RESTORE', 40],
  ] as const) {
    assert.equal(capabilityNumber(name), number);
  }
  assert.equal(capabilityNumber('CAP_FLY'), undefined);
  assert.ok(lastCapability() >= 36 && lastCapability() < 64);
});

test('masks and names convert into each other', () => {
  const names = ['CAP_CHOWN', 'CAP_SETFCAP', 'CAP_MAC_OVERRIDE', 'CAP_CHECKPOINT_RESTORE'];
  assert.equal(capabilityMask(names), 0x10180000001n);
  assert.deepEqual(capabilitiesIn(0x10180000001n), names);
  assert.deepEqual(capabilitiesIn(1n << 50n), ['CAP_50']);
  assert.throws(() => capabilityMask(['CAP_FLY']), /CAP_FLY/);
});

test('the status text and capget(2) tell the same of this process', () => {
  const masks = parseCapabilityMasks(readFileSync('/proc/thread-self/status', 'utf8'));
  const data = capabilityData({ effective: 0n, permitted: 0n, inheritable: 0n });
  must(call('capget', [capabilityHeader(), data]));
  assert.deepEqual(data.bytes, capabilityData(masks).bytes);
  assert.equal(parseCapabilityMasks('Name:\tx\n').bounding, 0n);
});
