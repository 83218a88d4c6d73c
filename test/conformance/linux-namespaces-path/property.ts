/** Namespaces that the container joins by a path. */
import assert from 'node:assert/strict';
import { defaultNamespaces, userMapping } from '../suite/config.ts';
import { namespaceOf } from '../suite/proc.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxNamespaces';

const fileOf = { pid: 'pid', network: 'net', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup', time: 'time' } as const;
type Joinable = keyof typeof fileOf;

function without(type: string): string[] {
  return defaultNamespaces.filter((other) => other !== type);
}

function isJoined(type: Joinable): Claim {
  return {
    spec,
    must: 'The container process is placed in the namespace of path.',
    check: async (bench) => {
      const owner = await bench.start({ script: 'exec sleep 1000', namespaces: [...new Set([...defaultNamespaces, type])] });
      const path = `/proc/${owner.pid}/ns/${fileOf[type]}`;
      const guest = await bench.start({ script: 'exec sleep 1000', namespaces: [...without(type), { type, path }] });
      assert.equal(namespaceOf(guest.pid, fileOf[type]), namespaceOf(owner.pid, fileOf[type]));
      const other = type === 'uts' ? 'ipc' : 'uts';
      assert.notEqual(namespaceOf(guest.pid, other), namespaceOf(owner.pid, other), `the ${other} namespace is joined, too`);
    },
  };
}

export default {
  ...Object.fromEntries(Object.keys(fileOf).map((type) => [`${type}: is joined`, isJoined(type as Joinable)])),
  'user: is joined, with the network namespace that belongs to it': {
    spec,
    must: 'The container process is placed in the namespace of path.',
    check: async (bench) => {
      const linux = { uidMappings: userMapping, gidMappings: userMapping };
      const owner = await bench.start({ script: 'exec sleep 1000', namespaces: [...defaultNamespaces, 'user'], linux });
      const join = (type: string, file: string): { type: string; path: string } => ({ type, path: `/proc/${owner.pid}/ns/${file}` });
      const guest = await bench.start({ script: 'exec sleep 1000', namespaces: ['pid', 'ipc', 'uts', 'mount', join('user', 'user'), join('network', 'net')] });
      assert.equal(namespaceOf(guest.pid, 'user'), namespaceOf(owner.pid, 'user'));
      assert.equal(namespaceOf(guest.pid, 'net'), namespaceOf(owner.pid, 'net'));
    },
  },
  'is of the type that is said': {
    spec,
    must: 'A path to a namespace of another type is an error.',
    check: async (bench) => {
      await bench.refused({ namespaces: [...without('ipc'), { type: 'ipc', path: '/proc/self/ns/net' }] });
      await bench.refused({ namespaces: [...without('network'), { type: 'network', path: '/proc/self/ns/uts' }] });
    },
  },
  'is a namespace': {
    spec,
    must: 'A path that leads to no namespace is an error.',
    check: async (bench) => {
      await bench.refused({ namespaces: [...without('network'), { type: 'network', path: '/etc/hostname' }] });
      await bench.refused({ namespaces: [...without('network'), { type: 'network', path: '/nowhere/ns' }] });
    },
  },
  'is given by an absolute path': {
    spec,
    must: 'path must be absolute.',
    check: async (bench) => {
      await bench.refused({ namespaces: [...without('network'), { type: 'network', path: 'self/ns/net' }] });
    },
  },
} satisfies Property;
