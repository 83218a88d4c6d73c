/** What follows when a hook fails. */
import assert from 'node:assert/strict';
import { cgroupDirectories } from '../suite/cgroups.ts';
import { type HookKind, scriptHook, written } from '../suite/hooks.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'runtime.md#runtimeLifecycle';

/** Hooks of which the first of one kind fails, and others note that they were called. */
function failing(kind: HookKind, others: readonly HookKind[]) {
  return (bundle: string): Record<string, ReturnType<typeof scriptHook>[]> => ({
    ...Object.fromEntries(others.map((other) => [other, [scriptHook(other, bundle, `echo ${other} >>$out/calls`)]])),
    [kind]: [scriptHook(kind, bundle, 'echo it is broken >&2; exit 3'), scriptHook(kind, bundle, 'echo second >>$out/calls')],
  });
}

function failsCreate(kind: HookKind): Claim {
  return {
    spec,
    must: 'The error is reported, the container is destroyed, and poststop hooks are called; no later hook is.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo ran >/var/ran', hooks: failing(kind, ['startContainer', 'poststart', 'poststop']) });
      await bench.refused(bundle);
      assert.equal(written(bundle, 'ran'), undefined);
      assert.equal(written(bundle, 'calls'), 'poststop\n');
    },
  };
}

export default {
  'prestart: the container does not come to be': failsCreate('prestart'),
  'createRuntime: the container does not come to be': failsCreate('createRuntime'),
  'createContainer: the container does not come to be': failsCreate('createContainer'),
  'startContainer: the program is not run': {
    spec,
    must: 'The program is not run, and the container ends.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo ran >/var/ran', hooks: failing('startContainer', ['poststart']) });
      const container = await bench.create(bundle);
      await container.call('start');
      await container.ended();
      assert.equal(written(bundle, 'ran'), undefined);
      assert.doesNotMatch(written(bundle, 'calls') ?? '', /second/);
    },
  },
  'startContainer: start says so': {
    spec,
    must: 'The runtime generates an error.',
    check: async (bench) => {
      const container = await bench.create({ script: 'true', hooks: failing('startContainer', []) });
      await container.mustFail('start');
    },
  },
  'poststart: the container runs all the same': {
    spec,
    must: 'A warning is logged; the remaining hooks and the program go on. (Specification 1.3 has it otherwise.)',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo up; exec sleep 1000', hooks: failing('poststart', []) });
      const container = await bench.create(bundle);
      await container.must('start');
      await container.said(/up/);
      assert.equal(written(bundle, 'calls'), 'second\n');
      assert.equal((await container.state()).status, 'running');
    },
  },
  'poststop: the container is deleted all the same': {
    spec,
    must: 'A warning is logged; the remaining hooks and the deletion go on.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'true', hooks: failing('poststop', []) });
      const container = await bench.start(bundle);
      await container.ended();
      await container.must('delete');
      assert.equal(written(bundle, 'calls'), 'second\n');
      assert.deepEqual(cgroupDirectories(bundle.cgroupsPath), []);
      await container.mustFail('state');
    },
  },
} satisfies Property;
