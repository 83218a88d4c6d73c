import assert from 'node:assert/strict';
import test from 'node:test';
import { capabilityNumber } from '../kernel/capability.ts';
import type { Spec } from '../runtime/spec.ts';
import { validateConfig } from './config/read.ts';
import { features } from './features.ts';
import { firstConfig } from './first-config.ts';

interface Features {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly linux: {
    readonly namespaces: readonly string[];
    readonly capabilities: readonly string[];
    readonly seccomp: Record<'actions' | 'operators' | 'archs' | 'knownFlags' | 'supportedFlags', readonly string[]>;
  };
}
const { ociVersionMin, ociVersionMax, hooks, linux } = features() as Features;
const first = firstConfig(false) as Spec;
const taken = (change: object): readonly string[] => validateConfig({ ...first, ...change }).warnings;

test('each name is one that a configuration may have', () => {
  for (const ociVersion of [ociVersionMin, ociVersionMax]) assert.deepEqual(taken({ ociVersion }), []);
  assert.throws(() => taken({ ociVersion: '2.0.0' }));
  assert.deepEqual(taken({ hooks: Object.fromEntries(hooks.map((name) => [name, [{ path: '/bin/true' }]])) }), []);
  assert.deepEqual(
    taken({
      linux: {
        namespaces: linux.namespaces.map((type) => ({ type })),
        uidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
        gidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
      },
    }),
    [],
  );
  for (const name of linux.capabilities) assert.notEqual(capabilityNumber(name), undefined, name);
  const { actions, operators, archs, knownFlags, supportedFlags } = linux.seccomp;
  const seccomp = (more: object): object => ({ linux: { ...first.linux, seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/run/s', ...more } } });
  for (const action of actions) assert.deepEqual(taken(seccomp({ syscalls: [{ names: ['getcwd'], action }] })), [], action);
  for (const op of operators)
    assert.deepEqual(taken(seccomp({ syscalls: [{ names: ['getcwd'], action: 'SCMP_ACT_LOG', args: [{ index: 0, value: 1, op }] }] })), [], op);
  assert.deepEqual(taken(seccomp({ architectures: archs, flags: knownFlags })), []);
  assert.deepEqual(supportedFlags, knownFlags);
});
