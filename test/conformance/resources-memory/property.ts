/** Limits of memory. */
import assert from 'node:assert/strict';
import { cgroupFile } from '../../support/cgroup-file.ts';
import { firstOf, needsController } from '../../support/needs.ts';
import { isUnified } from '../suite/cgroups.ts';
import type { Bench } from '../suite/bench.ts';
import type { Fields } from '../suite/config.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxMemory';
const needs = (): string | false => needsController('memory');
const needsV1 = (): string | false => firstOf(needs(), isUnified() ? 'version 2 of cgroups has no such limit' : false);
const MiB = 1 << 20;

/** What the kernel has in a file of the container's cgroup. */
async function limited(bench: Bench, memory: Fields, v1: string, v2 = v1): Promise<string> {
  const container = await bench.create({ linux: { resources: { memory } } });
  return cgroupFile(container.pid, 'memory', [v1, v2]).text;
}

export default {
  limit: {
    spec,
    must: 'limit is the most memory that is used.',
    needs,
    check: async (bench) => {
      assert.equal(await limited(bench, { limit: 64 * MiB }, 'memory.limit_in_bytes', 'memory.max'), String(64 * MiB));
    },
  },
  'limit: more than that is not to be had': {
    spec,
    must: 'A program that uses more is ended by the kernel.',
    needs,
    check: async (bench) => {
      const script = 'dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null; echo $?';
      assert.equal(await bench.report({ script, linux: { resources: { memory: { limit: 32 * MiB, swap: 32 * MiB } } } }), '137');
    },
  },
  'limit: -1 is none': {
    spec,
    must: '-1 is unlimited.',
    needs,
    check: async (bench) => {
      const text = await limited(bench, { limit: -1 }, 'memory.limit_in_bytes', 'memory.max');
      assert.ok(text === 'max' || Number(text) > 2 ** 60, `it is ${text}`);
    },
  },
  reservation: {
    spec,
    must: 'reservation is the soft limit.',
    needs,
    check: async (bench) => {
      assert.equal(await limited(bench, { limit: 64 * MiB, reservation: 32 * MiB }, 'memory.soft_limit_in_bytes', 'memory.low'), String(32 * MiB));
    },
  },
  swap: {
    spec,
    must: 'swap is the limit of memory and swap together; version 2 of cgroups counts swap apart.',
    needs,
    check: async (bench) => {
      const expected = isUnified() ? 32 * MiB : 96 * MiB;
      assert.equal(await limited(bench, { limit: 64 * MiB, swap: 96 * MiB }, 'memory.memsw.limit_in_bytes', 'memory.swap.max'), String(expected));
    },
  },
  swappiness: {
    spec,
    must: 'swappiness is vm.swappiness of the cgroup.',
    needs: needsV1,
    check: async (bench) => {
      assert.equal(await limited(bench, { swappiness: 35 }, 'memory.swappiness'), '35');
    },
  },
  disableOOMKiller: {
    spec,
    must: 'disableOOMKiller has tasks wait instead of ending them.',
    needs: needsV1,
    check: async (bench) => {
      assert.match(await limited(bench, { limit: 64 * MiB, disableOOMKiller: true }, 'memory.oom_control'), /^oom_kill_disable 1$/m);
    },
  },
  kernelTCP: {
    spec,
    must: 'kernelTCP is the limit of TCP buffers; the kernel still has it in version 1.',
    needs: needsV1,
    check: async (bench) => {
      assert.equal(await limited(bench, { limit: 64 * MiB, kernelTCP: 16 * MiB }, 'memory.kmem.tcp.limit_in_bytes'), String(16 * MiB));
    },
  },
  'a swap limit below the memory limit is an error': {
    spec: 'runtime.md#runtimeCreate',
    must: 'What cannot be applied is an error.',
    needs,
    check: async (bench) => {
      await bench.refused({ linux: { resources: { memory: { limit: 64 * MiB, swap: 32 * MiB } } } });
    },
  },
} satisfies Property;
