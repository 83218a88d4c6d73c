/** Where in the hierarchies of cgroups a container is. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectories, hierarchies } from '../suite/cgroups.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxCgroupsPath';

/** The path that a process has in the hierarchy of the memory controller, or in the one of version 2. */
function memoryPath(pid: number): string | undefined {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return (lines.find((line) => line.includes(':memory:')) ?? lines.find((line) => line.startsWith('0::')))?.split(':')[2];
}

export default {
  'absolute: is from the mount point on': {
    spec,
    must: 'An absolute path is taken to be relative to the mount point of the cgroups.',
    check: async (bench) => {
      const container = await bench.create({});
      assert.equal(memoryPath(container.pid), container.bundle.cgroupsPath);
    },
  },
  'absolute: is there before the program runs': {
    spec: 'runtime.md#runtimeLifecycle',
    must: 'The process is in the cgroup when create has returned.',
    check: async (bench) => {
      const container = await bench.create({});
      const directories = cgroupDirectories(container.bundle.cgroupsPath);
      assert.notEqual(directories.length, 0);
      const members = directories.map((directory) => readFileSync(join(directory, 'cgroup.procs'), 'utf8').trim());
      assert.ok(members.includes(String(container.pid)));
    },
  },
  'relative: is the same place each time': {
    spec,
    must: 'A relative path may be below a place of the runtime’s choice, always the same.',
    check: async (bench) => {
      const cgroupsPath = `hako-test-conformance-${process.pid}-relative`;
      const places: (string | undefined)[] = [];
      for (let time = 0; time < 2; time++) {
        const container = await bench.create({ linux: { cgroupsPath } });
        places.push(memoryPath(container.pid));
        await container.must('delete', '--force');
      }
      assert.ok(places[0]?.endsWith(`/${cgroupsPath}`), `it is ${places[0]}`);
      assert.equal(places[1], places[0]);
    },
  },
  'absent: is the runtime’s choice': {
    spec,
    must: 'Without a value the runtime has a default.',
    check: async (bench) => {
      const container = await bench.create({ linux: { cgroupsPath: undefined } });
      assert.notEqual(memoryPath(container.pid), memoryPath(process.pid));
      await container.must('delete', '--force');
    },
  },
  'may be there already': {
    spec,
    must: 'Cgroups are created if they do not exist, and used if they do.',
    check: async (bench) => {
      const bundle = bench.bundle();
      for (const mount of hierarchies().filter((mount) => !mount.endsWith('/cpuset'))) mkdirSync(join(mount, bundle.cgroupsPath), { recursive: true });
      const container = await bench.create(bundle);
      assert.equal(memoryPath(container.pid), bundle.cgroupsPath);
    },
  },
  'does not lead out of the hierarchies': {
    spec,
    must: 'Whatever the path is, the cgroup is beneath the mount point.',
    check: async (bench) => {
      const bundle = bench.bundle({ linux: { cgroupsPath: `${bench.cgroup}/../../../../../../../..${bench.cgroup}/up` } });
      const call = bench.runtime.begin(['run', '--bundle', bundle.directory, bundle.id]);
      if ((await call.exited) === 0) assert.deepEqual(cgroupDirectories(`${bench.cgroup}/up`), []);
    },
  },
} satisfies Property;
