/** Namespaces that the container gets anew. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { defaultNamespaces, userMapping } from '../suite/config.ts';
import { namespaceOf } from '../suite/proc.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxNamespaces';

/** Types in config.json, and their files in /proc/PID/ns. */
const fileOf = { pid: 'pid', network: 'net', mount: 'mnt', ipc: 'ipc', uts: 'uts', user: 'user', cgroup: 'cgroup', time: 'time' } as const;

function isMade(type: keyof typeof fileOf): Claim {
  return {
    spec,
    must: 'A namespace without path is made for the container.',
    needs: () => (existsSync(`/proc/self/ns/${fileOf[type]}`) ? false : `the kernel has no ${type} namespaces here`),
    check: async (bench) => {
      const linux = type === 'user' ? { uidMappings: userMapping, gidMappings: userMapping } : {};
      const asked = { script: 'exec sleep 1000', namespaces: [...new Set([...defaultNamespaces, type])], linux };
      const [one, other] = [await bench.start(asked), await bench.start(asked)];
      const ids = [namespaceOf('self', fileOf[type]), namespaceOf(one.pid, fileOf[type]), namespaceOf(other.pid, fileOf[type])];
      assert.equal(new Set(ids).size, 3, `host and containers have ${ids.join(', ')}`);
    },
  };
}

export default {
  ...Object.fromEntries(Object.keys(fileOf).map((type) => [`${type}: is the container’s own`, isMade(type as keyof typeof fileOf)])),
  'pid: the program is process 1, and sees no other': {
    spec,
    must: 'Processes in the container see those of the container alone.',
    check: async (bench) => {
      // The shell looks by itself: programs of a pipe may or may not be there already.
      assert.equal(await bench.report({ script: 'set -- /proc/[0-9]*; echo $$ $#' }), '1 1');
    },
  },
  'network: there is a loopback of its own': {
    spec,
    must: 'The container has its own network stack.',
    check: async (bench) => {
      assert.match(await bench.report({ script: 'ip -o link' }), /^1: lo: [^\n]*$/);
    },
  },
  'cgroup: the container’s cgroup is the root': {
    spec,
    must: 'The container sees an isolated view of the cgroup hierarchy.',
    check: async (bench) => {
      const text = await bench.report({ script: 'cat /proc/self/cgroup', namespaces: [...defaultNamespaces, 'cgroup'] });
      const memory = text.split('\n').find((line) => line.includes(':memory:') || line.startsWith('0::'));
      assert.match(memory!, /:\/$/);
    },
  },
  'none is given twice': {
    spec,
    must: 'Two entries of the same type are an error.',
    check: async (bench) => {
      await bench.refused({ namespaces: [...defaultNamespaces, 'uts'] });
    },
  },
  'none is of an unknown type': {
    spec,
    must: 'Invalid values are an error.',
    check: async (bench) => {
      await bench.refused({ namespaces: [...defaultNamespaces, 'weather'] });
    },
  },
} satisfies Property;
