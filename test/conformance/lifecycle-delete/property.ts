/** The operation delete. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectories, hierarchies } from '../suite/cgroups.ts';
import { defaultNamespaces } from '../suite/config.ts';
import { namespaceOf } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runtime.md#runtimeDelete';

export default {
  'takes away what create made': {
    spec,
    must: 'The resources of create are deleted: cgroups and state.',
    check: async (bench) => {
      const container = await bench.start({ script: 'true' });
      assert.notDeepEqual(cgroupDirectories(container.bundle.cgroupsPath), []);
      await container.ended();
      await container.must('delete');
      await bench.absent(container.bundle);
      assert.equal(existsSync(bench.runtime.root) ? readdirSync(bench.runtime.root).includes(container.id) : false, false);
    },
  },
  'takes cgroups away that the container made in its own': {
    spec,
    must: 'What was made for the container goes with it.',
    check: async (bench) => {
      const container = await bench.create({ script: 'true' });
      for (const directory of cgroupDirectories(container.bundle.cgroupsPath)) mkdirSync(join(directory, 'inner'));
      await container.must('start');
      await container.ended();
      await container.must('delete');
      await bench.absent(container.bundle);
    },
  },
  'lets the id be used again': {
    spec,
    must: 'The id of a deleted container may be used by another.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo again' });
      for (let time = 0; time < 2; time++) {
        const container = await bench.start(bundle);
        assert.equal(await container.ended(), 'again');
        await container.must('delete');
      }
    },
  },
  'is an error for a container that runs': {
    spec,
    must: 'A container that is not stopped is not deleted, and is as before.',
    check: async (bench) => {
      const container = await bench.start({ script: 'echo up; exec sleep 1000' });
      await container.mustFail('delete');
      const { status, pid } = await container.state();
      assert.deepEqual({ status, pid }, { status: 'running', pid: container.pid });
    },
  },
  'is an error for a container that is created': {
    spec,
    must: 'A container that is not stopped is not deleted, and is as before.',
    check: async (bench) => {
      const container = await bench.create({ script: 'echo started' });
      await container.mustFail('delete');
      await container.must('start');
      assert.equal(await container.ended(), 'started');
    },
  },
  'ends and deletes any container with --force': {
    spec: 'runc(8)',
    must: '--force kills a container that is created or runs, with all its processes; one that is not there is no error.',
    check: async (bench) => {
      const running = await bench.start({ script: 'trap "" TERM; sleep 1000 & echo up; sleep 1000' });
      await running.said(/up/);
      const created = await bench.create({ script: 'true' });
      for (const container of [running, created]) {
        await container.must('delete', '--force');
        await container.ended();
        await bench.absent(container.bundle);
      }
      assert.equal((await bench.runtime.call(['delete', '--force', 'nobody'])).code, 0);
    },
  },
  'leaves what create did not make': {
    spec,
    must: 'Resources that are associated with the container, but that it did not create, are not deleted: bundle, joined namespaces, another cgroup.',
    check: async (bench) => {
      const owner = await bench.start({ script: 'exec sleep 1000' });
      const network = { type: 'network', path: `/proc/${owner.pid}/ns/net` };
      const bundle = bench.bundle({ script: 'true', namespaces: [...defaultNamespaces.filter((type) => type !== 'network'), network] });
      writeFileSync(join(bundle.rootfs, 'home/file'), '');
      const container = await bench.create(bundle);
      const other = join(hierarchies().find((mount) => mount.endsWith('/pids')) ?? hierarchies()[0]!, bench.cgroup, 'other');
      mkdirSync(other, { recursive: true });
      writeFileSync(join(other, 'cgroup.procs'), String(container.pid));
      await container.must('start');
      await container.ended();
      await container.must('delete');
      assert.ok(existsSync(other), 'the other cgroup is gone');
      assert.ok(existsSync(join(bundle.rootfs, 'home/file')) && existsSync(join(bundle.directory, 'config.json')), 'the bundle has changed');
      assert.match(namespaceOf(owner.pid, 'net'), /^net:/);
      execFileSync('nsenter', [`--net=/proc/${owner.pid}/ns/net`, 'true']);
    },
  },
  'needs the id of a container': {
    spec,
    must: 'Without an id, and for one that nobody has, there is an error.',
    check: async (bench) => {
      assert.notEqual((await bench.runtime.call(['delete'])).code, 0);
      assert.notEqual((await bench.runtime.call(['delete', 'nobody'])).code, 0);
    },
  },
} satisfies Property;
