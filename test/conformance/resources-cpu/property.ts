/** Limits of processor time. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupFile } from '../../support/cgroup-file.ts';
import { firstOf, needsController } from '../../support/needs.ts';
import { hierarchies, isUnified } from '../suite/cgroups.ts';
import type { Bench } from '../suite/bench.ts';
import type { Fields } from '../suite/config.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxCPU';
const needs = (): string | false => needsController('cpu');
const cpuMount = (): string | undefined => hierarchies().find((mount) => existsSync(join(mount, 'cpu.shares')));

async function limited(bench: Bench, cpu: Fields, v1: string, v2: string): Promise<string> {
  const container = await bench.create({ linux: { resources: { cpu } } });
  return cgroupFile(container.pid, 'cpu', [v1, v2]).text;
}

export default {
  shares: {
    spec,
    must: 'shares is the relative share of processor time; version 2 of cgroups has weights of another scale.',
    needs,
    check: async (bench) => {
      const text = await limited(bench, { shares: 512 }, 'cpu.shares', 'cpu.weight');
      // Two conversions to version 2 are in use: a straight line, and a curve that keeps the default at the default.
      assert.ok(isUnified() ? ['20', '59'].includes(text) : text === '512', `it is ${text}`);
    },
  },
  'quota and period': {
    spec,
    must: 'In each period tasks run for quota microseconds in all.',
    needs,
    check: async (bench) => {
      const cpu = { quota: 30_000, period: 120_000 };
      if (isUnified()) assert.equal(await limited(bench, cpu, '', 'cpu.max'), '30000 120000');
      else {
        assert.equal(await limited(bench, cpu, 'cpu.cfs_quota_us', ''), '30000');
        assert.equal(await limited(bench, cpu, 'cpu.cfs_period_us', ''), '120000');
      }
    },
  },
  'quota alone has the default period': {
    spec,
    must: 'period is optional.',
    needs,
    check: async (bench) => {
      assert.match(await limited(bench, { quota: 50_000 }, 'cpu.cfs_quota_us', 'cpu.max'), /^50000( 100000)?$/);
    },
  },
  burst: {
    spec,
    must: 'burst is what may be saved up beyond the quota.',
    needs: () => firstOf(needs(), isUnified() || existsSync(join(cpuMount() ?? '/', 'cpu.cfs_burst_us')) ? false : 'the kernel has no bursts here'),
    check: async (bench) => {
      assert.equal(await limited(bench, { quota: 50_000, period: 100_000, burst: 20_000 }, 'cpu.cfs_burst_us', 'cpu.max.burst'), '20000');
    },
  },
  idle: {
    spec,
    must: 'With idle 1 the cgroup is scheduled as SCHED_IDLE.',
    needs: () => firstOf(needs(), isUnified() || existsSync(join(cpuMount() ?? '/', 'cpu.idle')) ? false : 'the kernel has no idle cgroups here'),
    check: async (bench) => {
      assert.equal(await limited(bench, { idle: 1 }, 'cpu.idle', 'cpu.idle'), '1');
    },
  },
  'realtimeRuntime and realtimePeriod': {
    spec,
    must: 'The real-time scheduler gives tasks realtimeRuntime of each realtimePeriod.',
    needs: () => firstOf(needs(), existsSync(join(cpuMount() ?? '/', 'cpu.rt_runtime_us')) ? false : 'the kernel has no real-time group scheduling here'),
    check: async (bench) => {
      const parent = join(cpuMount()!, bench.cgroup);
      mkdirSync(parent);
      writeFileSync(join(parent, 'cpu.rt_runtime_us'), '2000');
      const container = await bench.create({ linux: { resources: { cpu: { realtimeRuntime: 1000, realtimePeriod: 500_000 } } } });
      assert.equal(cgroupFile(container.pid, 'cpu', ['cpu.rt_runtime_us', '']).text, '1000');
      assert.equal(cgroupFile(container.pid, 'cpu', ['cpu.rt_period_us', '']).text, '500000');
    },
  },
  'a quota that the kernel refuses is an error': {
    spec: 'runtime.md#runtimeCreate',
    must: 'What cannot be applied is an error.',
    needs,
    check: async (bench) => {
      await bench.refused({ linux: { resources: { cpu: { quota: 5, period: 100_000 } } } });
    },
  },
} satisfies Property;
