/** The name that the container has in its UTS namespace. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configHostname';
const script = 'hostname; cat /proc/sys/kernel/hostname';

export default {
  'is seen by the program': {
    spec,
    must: 'hostname is what processes in the container are told, and the host keeps its own.',
    check: async (bench) => {
      const before = hostname();
      assert.equal(await bench.report({ script, config: { hostname: 'mrs-dalloway' } }), 'mrs-dalloway\nmrs-dalloway');
      assert.equal(hostname(), before);
    },
  },
  'may be absent': {
    spec,
    must: 'hostname is optional; a new UTS namespace begins with its creator’s.',
    check: async (bench) => {
      assert.equal(await bench.report({ script: 'hostname' }), hostname());
    },
  },
  'needs a UTS namespace': {
    spec,
    must: 'A runtime must generate an error for what it does not support, rather than rename the host.',
    check: async (bench) => {
      await bench.refused({ namespaces: ['pid', 'mount', 'ipc', 'network'], config: { hostname: 'renamed-host' } });
    },
  },
} satisfies Property;
