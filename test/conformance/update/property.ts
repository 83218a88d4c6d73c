/** Changing limits of a container that is there. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryLimit, cgroupFile } from '../../support/cgroup-file.ts';
import { firstOf, needsController } from '../../support/needs.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';
const needs = (): string | false => firstOf(needsController('memory'), needsController('pids'));
const resources = { memory: { limit: 64 << 20 }, pids: { limit: 50 } };
const pidsLimit = (pid: number): number => Number(cgroupFile(pid, 'pids', ['pids.max', 'pids.max']).text);

export default {
  'by flags': {
    spec,
    must: '--memory and --pids-limit set these limits, and leave the others.',
    needs,
    check: async (bench) => {
      const container = await bench.start({ script: 'exec sleep 1000', linux: { resources } });
      await container.must('update', '--pids-limit=60');
      assert.deepEqual([pidsLimit(container.pid), memoryLimit(container.pid)], [60, 64 << 20]);
      await container.must('update', `--memory=${32 << 20}`);
      assert.deepEqual([pidsLimit(container.pid), memoryLimit(container.pid)], [60, 32 << 20]);
    },
  },
  'by a file': {
    spec,
    must: '--resources FILE sets the limits of linux.resources that the file has.',
    needs,
    check: async (bench) => {
      const container = await bench.start({ script: 'exec sleep 1000', linux: { resources } });
      const file = join(bench.directory, 'resources.json');
      writeFileSync(file, JSON.stringify({ memory: { limit: 48 << 20 }, pids: { limit: 70 } }));
      await container.must('update', `--resources=${file}`);
      assert.deepEqual([pidsLimit(container.pid), memoryLimit(container.pid)], [70, 48 << 20]);
    },
  },
  'of a container that is created': {
    spec,
    must: 'Limits can be changed before the program is run.',
    needs,
    check: async (bench) => {
      const container = await bench.create({ linux: { resources } });
      await container.must('update', '--pids-limit=61');
      assert.equal(pidsLimit(container.pid), 61);
    },
  },
  'is an error when the kernel refuses': {
    spec: 'runtime.md#runtimeErrors',
    must: 'What cannot be applied is an error.',
    needs,
    check: async (bench) => {
      const container = await bench.start({ script: 'exec sleep 1000', linux: { resources } });
      await container.mustFail('update', '--cpuset-cpus=4000');
      assert.notEqual((await bench.runtime.call(['update', '--pids-limit=5', 'nobody'])).code, 0);
    },
  },
} satisfies Property;
