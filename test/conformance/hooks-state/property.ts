/** The state that hooks are given. */
import assert from 'node:assert/strict';
import { type HookKind, hookKinds, scriptHook, written } from '../suite/hooks.ts';
import type { State } from '../suite/container.ts';
import type { Claim, Property } from '../suite/property.ts';

const statuses: Readonly<Record<HookKind, string>> = {
  prestart: 'creating',
  createRuntime: 'creating',
  createContainer: 'creating',
  startContainer: 'created',
  poststart: 'running',
  poststop: 'stopped',
};

function isGiven(kind: HookKind): Claim {
  const inContainer = kind === 'createContainer' || kind === 'startContainer';
  return {
    spec: 'config.md#configHooks',
    must: 'The state is passed over stdin: version, id, the status of the moment, the process, the bundle, the annotations.',
    check: async (bench) => {
      const annotations = { 'org.example.colour': 'blue', 'org.example.empty': '' };
      const bundle = bench.bundle({
        script: 'read nothing; sleep 1000',
        config: { annotations },
        hooks: (bundle) => ({ [kind]: [scriptHook(kind, bundle, 'cat >$out/state')] }),
      });
      const container = await bench.start(bundle);
      await container.must('kill', 'KILL');
      await container.ended();
      await container.must('delete');
      const state = JSON.parse(written(bundle, 'state') ?? 'null') as State | null;
      assert.ok(state, 'the hook was given nothing, or not called');
      assert.equal(state.id, bundle.id);
      assert.equal(state.status, statuses[kind]);
      assert.equal(state.bundle, bundle.directory);
      assert.deepEqual(state.annotations, annotations);
      assert.match(state.ociVersion, /^1\.\d+\.\d+/);
      if (kind !== 'poststop') assert.equal(state.pid, inContainer ? 1 : container.pid);
    },
  };
}

const claims: Property = Object.fromEntries(hookKinds.map((kind) => [`${kind}: the state is on stdin`, isGiven(kind)]));

export default claims;
