/** When hooks are called. */
import assert from 'node:assert/strict';
import type { Bundle } from '../suite/bench.ts';
import { type HookKind, hookKinds, scriptHook, written } from '../suite/hooks.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configHooks';

/** Two hooks of each kind, which note that they were called. */
function noting(bundle: string): Record<string, ReturnType<typeof scriptHook>[]> {
  const note = (kind: HookKind, number: number): ReturnType<typeof scriptHook> => scriptHook(kind, bundle, `echo ${kind} ${number} >>$out/calls`);
  return Object.fromEntries(hookKinds.map((kind) => [kind, [note(kind, 1), note(kind, 2)]]));
}

/** The calls that were noted of some kinds, in their order. */
function called(bundle: Bundle, ...kinds: HookKind[]): string[] {
  const lines = (written(bundle, 'calls') ?? '').split('\n').filter(Boolean);
  return lines.filter((line) => kinds.includes(line.split(' ')[0] as HookKind));
}

const twice = (...kinds: HookKind[]): string[] => kinds.flatMap((kind) => [`${kind} 1`, `${kind} 2`]);

export default {
  'create: prestart, createRuntime, createContainer': {
    spec,
    must: 'The three kinds are called by create in this order; within a kind the order is the list’s.',
    check: async (bench) => {
      const bundle = bench.bundle({ hooks: noting });
      await bench.create(bundle);
      assert.deepEqual(called(bundle, ...hookKinds).slice(0, 6), twice('prestart', 'createRuntime', 'createContainer'));
      assert.deepEqual(called(bundle, 'startContainer', 'poststop'), []);
    },
  },
  'start: startContainer': {
    spec: 'config.md#configHooksStartContainer',
    must: 'They are called by start, before the user’s program is executed.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'cat /var/calls', hooks: noting });
      const container = await bench.start(bundle);
      const seen = (await container.ended()).split('\n').filter((line) => line.startsWith('startContainer'));
      assert.deepEqual(seen, twice('startContainer'));
    },
  },
  'start: poststart, and not before': {
    spec: 'config.md#configHooksPoststart',
    must: 'They are called after the program is executed and before start returns.',
    check: async (bench) => {
      const bundle = bench.bundle({ hooks: noting });
      const container = await bench.create(bundle);
      assert.deepEqual(called(bundle, 'poststart'), []);
      await container.must('start');
      assert.deepEqual(called(bundle, 'startContainer', 'poststart'), twice('startContainer', 'poststart'));
    },
  },
  'delete: poststop': {
    spec: 'config.md#configHooksPoststop',
    must: 'They are called after the container is deleted and before delete returns.',
    check: async (bench) => {
      const bundle = bench.bundle({ hooks: noting });
      const container = await bench.start(bundle);
      await container.ended();
      assert.deepEqual(called(bundle, 'poststop'), []);
      await container.must('delete');
      assert.deepEqual(called(bundle, 'poststop'), twice('poststop'));
    },
  },
  'run: all but poststart in order': {
    spec: 'runtime.md#runtimeLifecycle',
    must: 'The life of a container is the same when one command goes through all of it.',
    check: async (bench) => {
      const bundle = bench.bundle({ hooks: noting });
      await bench.report(bundle);
      const kinds = hookKinds.filter((kind) => kind !== 'poststart');
      assert.deepEqual(called(bundle, ...kinds), twice(...kinds));
      assert.deepEqual(called(bundle, 'poststart'), twice('poststart'));
    },
  },
} satisfies Property;
