/** The operation create. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { written } from '../suite/hooks.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runtime.md#runtimeCreate';

export default {
  'does not run the program': {
    spec,
    must: 'args is not applied before start.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo ran >/var/ran' });
      const container = await bench.create(bundle);
      assert.equal((await container.state()).status, 'created');
      assert.equal(written(bundle, 'ran'), undefined);
    },
  },
  'takes an id once': {
    spec,
    must: 'An id that is taken is an error, and the container that has it is as before.',
    check: async (bench) => {
      const first = await bench.create({ script: 'echo first' });
      const other = bench.bundle({ script: 'echo other' });
      const { code, stderr } = await bench.runtime.call(['create', '--bundle', other.directory, first.id]);
      assert.notEqual(code, 0);
      assert.notEqual(stderr.trim(), '');
      assert.equal((await first.state()).bundle, first.bundle.directory);
      await first.must('start');
      assert.equal(await first.ended(), 'first');
    },
  },
  'refuses ids that are not valid': {
    spec,
    must: 'An id that is not valid is an error: it becomes the name of a directory.',
    check: async (bench) => {
      const { directory } = bench.bundle();
      for (const id of ['', '.', '..', '../escape', 'a/b', '/absolute', 'line\nbreak', 'blank space']) {
        const { code } = await bench.runtime.call(['create', '--bundle', directory, id]);
        assert.notEqual(code, 0, `${JSON.stringify(id)} is taken for an id`);
      }
    },
  },
  'needs an id, and a bundle with config.json': {
    spec,
    must: 'Without the id or the bundle there is an error.',
    check: async (bench) => {
      const { directory } = bench.bundle();
      const empty = join(bench.directory, 'empty');
      mkdirSync(empty);
      for (const args of [
        ['--bundle', directory],
        ['--bundle', empty, 'some-id'],
        ['--bundle', '/nowhere', 'some-id'],
      ]) {
        const { code } = await bench.runtime.call(['create', ...args]);
        assert.notEqual(code, 0, `create ${args.length > 2 ? args[1] : 'without id'} succeeds`);
      }
      assert.notEqual((await bench.runtime.call(['state', 'some-id'])).code, 0);
    },
  },
  'takes the bundle from the working directory': {
    spec: 'runc(8)',
    must: 'Without --bundle the bundle is the working directory; the state has it as an absolute path.',
    check: async (bench) => {
      const { id, directory } = bench.bundle();
      const call = bench.runtime.begin(['create', id], { cwd: directory });
      assert.equal(await call.exited, 0, call.stderr);
      const { stdout } = await bench.runtime.call(['state', id]);
      assert.equal((JSON.parse(stdout) as { bundle: string }).bundle, directory);
    },
  },
  'reads config.json once': {
    spec,
    must: 'Changes of config.json after create have no effect on the container.',
    check: async (bench) => {
      const bundle = bench.bundle({
        script: 'echo "as created $WHEN"',
        process: { env: ['PATH=/bin', 'WHEN=first'] },
        config: { annotations: { when: 'first' } },
      });
      const container = await bench.create(bundle);
      bench.edit(bundle, (text) => text.replaceAll('first', 'second').replace('as created', 'as changed'));
      assert.deepEqual((await container.state()).annotations, { when: 'first' });
      await container.must('start');
      assert.equal(await container.ended(), 'as created first');
    },
  },
  'leaves nothing when it fails': {
    spec: 'runtime.md#runtimeErrors',
    must: 'An error leaves the environment as if the operation had never been attempted; the id can be used.',
    check: async (bench) => {
      const bundle = bench.bundle({ mounts: [{ destination: '/mnt', source: 'late', options: ['bind'] }] });
      await bench.refused(bundle);
      writeFileSync(join(bundle.directory, 'late'), '');
      await bench.refused(bundle); // a file on a directory
      bench.edit(bundle, (text) => text.replace('"destination": "/mnt"', '"destination": "/mnt/file"'));
      await bench.report(bundle);
    },
  },
} satisfies Property;
