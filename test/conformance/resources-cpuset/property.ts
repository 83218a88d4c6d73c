/** The processors and memory nodes of a container. */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { firstOf, needsController } from '../../support/needs.ts';
import { procStatus } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxCPU';
const needs = (): string | false => needsController('cpuset');

export default {
  cpus: {
    spec,
    must: 'cpus is the list of processors that the container runs on.',
    needs: () => firstOf(needs(), availableParallelism() > 1 ? false : 'there is one processor here'),
    check: async (bench) => {
      for (const cpus of ['1', '0-1', '0,1']) {
        const container = await bench.create({ linux: { resources: { cpu: { cpus } } } });
        assert.equal(procStatus(container.pid, 'Cpus_allowed_list'), cpus.replace(',', '-'));
      }
    },
  },
  mems: {
    spec,
    must: 'mems is the list of memory nodes that the container uses.',
    needs,
    check: async (bench) => {
      const container = await bench.create({ linux: { resources: { cpu: { mems: '0' } } } });
      assert.equal(procStatus(container.pid, 'Mems_allowed_list'), '0');
    },
  },
  'a processor that there is not is an error': {
    spec: 'runtime.md#runtimeCreate',
    must: 'What cannot be applied is an error.',
    needs,
    check: async (bench) => {
      await bench.refused({ linux: { resources: { cpu: { cpus: '4000' } } } });
      await bench.refused({ linux: { resources: { cpu: { cpus: 'many' } } } });
    },
  },
} satisfies Property;
