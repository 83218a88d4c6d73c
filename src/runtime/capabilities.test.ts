import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { capabilityNames } from '../kernel/capability.ts';
import { availableCapabilities, capabilitySets, containerCapabilities, defaultCapabilities, type CapabilityOptions } from './capabilities.ts';

const all: readonly string[] = capabilityNames;
const given = (options: CapabilityOptions, available: readonly string[] = all): string[] => containerCapabilities(options, available).capabilities;

test('without options, Docker’s fourteen', () => {
  assert.deepEqual(given({}).sort(), defaultCapabilities.toSorted());
  assert.equal(defaultCapabilities.length, 14);
});

test('names are taken in any case, with or without CAP_', () => {
  for (const name of ['net_admin', 'NET_ADMIN', 'cap_net_admin', 'Cap_Net_Admin']) assert.ok(given({ add: [name] }).includes('CAP_NET_ADMIN'), name);
  assert.ok(!given({ drop: ['net_raw'] }).includes('CAP_NET_RAW'));
});

test('ALL and single names combine as in Docker', () => {
  assert.deepEqual(given({ add: ['all'] }), all);
  assert.deepEqual(
    given({ add: ['ALL'], drop: ['SYS_ADMIN'] }),
    all.filter((name) => name !== 'CAP_SYS_ADMIN'),
  );
  assert.deepEqual(given({ drop: ['all'] }), []);
  assert.deepEqual(given({ drop: ['ALL'], add: ['NET_BIND_SERVICE'] }), ['CAP_NET_BIND_SERVICE']);
  assert.deepEqual(given({ add: ['ALL'], drop: ['ALL'] }), all);
  assert.ok(given({ add: ['KILL'], drop: ['KILL'] }).includes('CAP_KILL'), 'an added name outweighs a dropped one');
  assert.deepEqual(given({ privileged: true, drop: ['ALL'] }), all);
});

test('what the machine cannot give is left out with a warning', () => {
  const available = all.filter((name) => name !== 'CAP_SYS_RESOURCE' && name !== 'CAP_KILL');
  const { capabilities, warnings } = containerCapabilities({ add: ['SYS_RESOURCE'] }, available);
  assert.ok(!capabilities.includes('CAP_SYS_RESOURCE'));
  assert.match(warnings.join(), /^CAP_KILL, CAP_SYS_RESOURCE cannot be given|^CAP_SYS_RESOURCE.*cannot be given/);
  assert.deepEqual(containerCapabilities({ privileged: true }, available), { capabilities: available, warnings: [] });
});

test('an unknown name is refused', () => {
  assert.throws(() => given({ add: ['FLY'] }), /invalid CapAdd: unknown capability: "CAP_FLY"/);
  assert.throws(() => given({ drop: [''] }), /invalid CapDrop: unknown capability: "CAP_"/);
});

test('what is available is what the bounding set of this process holds', () => {
  const bounding = BigInt(`0x${/CapBnd:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]}`);
  assert.deepEqual(
    availableCapabilities(),
    all.filter((_, number) => (bounding >> BigInt(number)) & 1n),
  );
  assert.equal(availableCapabilities(true).length, Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')) + 1);
});

test('inheritable and ambient stay empty', () => {
  assert.deepEqual(capabilitySets(['CAP_KILL']), { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] });
});
