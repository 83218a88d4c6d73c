/** Which devices a container may use: by their numbers, wherever a node of them is. */
import assert from 'node:assert/strict';
import { needsController } from '../../support/needs.ts';
import { isUnified } from '../suite/cgroups.ts';
import type { Bench } from '../suite/bench.ts';
import type { Fields } from '../suite/config.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxDeviceAllowedlist';
const needs = (): string | false => (isUnified() ? false : needsController('devices'));
// Nodes may be made in any case, as runc and crun have it: what is made can still not be opened.
const none = { allow: false, access: 'rwm' };

/** What root of a container with these rules may do with kmsg, a device that is not among the default ones. */
async function allowed(bench: Bench, ...rules: readonly Fields[]): Promise<string> {
  const capabilities = ['CAP_SYSLOG', 'CAP_DAC_OVERRIDE'];
  const script = `
    (: </dev/probe) 2>/dev/null && echo read
    (: >/dev/probe) 2>/dev/null && echo write
    (: >/dev/null </dev/zero) && echo default`;
  return (
    await bench.report({
      script,
      process: { capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities } },
      linux: { devices: [{ path: '/dev/probe', type: 'c', major: 1, minor: 11, fileMode: 0o666 }], resources: { devices: rules } },
    })
  ).replaceAll('\n', ' ');
}

const kmsg = { allow: true, type: 'c', major: 1, minor: 11 };

export default {
  'are as the rules say': {
    spec,
    must: 'A rule allows reading or writing a device, by type and numbers.',
    needs,
    check: async (bench) => {
      assert.equal(await allowed(bench, none, { ...kmsg, access: 'rwm' }), 'read write default');
      assert.equal(await allowed(bench, none, { ...kmsg, access: 'r' }), 'read default');
      assert.equal(await allowed(bench, none, { ...kmsg, access: 'w' }), 'write default');
      assert.equal(await allowed(bench, none, { ...kmsg, type: 'b', access: 'rw' }), 'default');
    },
  },
  'are all when type and numbers are absent': {
    spec,
    must: 'Unset values mean all.',
    needs,
    check: async (bench) => {
      assert.equal(await allowed(bench, { allow: true, access: 'rwm' }), 'read write default');
      assert.equal(await allowed(bench, none, { allow: true, type: 'c', major: 1, access: 'rw' }), 'read write default');
    },
  },
  'are decided by the later rule': {
    spec,
    must: 'Entries are applied in the listed order.',
    needs,
    check: async (bench) => {
      assert.equal(await allowed(bench, { ...kmsg, access: 'rw' }, none), 'default');
      assert.equal(await allowed(bench, { allow: true, access: 'rwm' }, { ...kmsg, allow: false, access: 'w' }), 'read default');
    },
  },
} satisfies Property;
