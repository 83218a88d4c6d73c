/** Where hooks run. */
import assert from 'node:assert/strict';
import { type HookKind, scriptHook, written } from '../suite/hooks.ts';
import { namespaceOf } from '../suite/proc.ts';
import type { Claim, Property } from '../suite/property.ts';

const files = ['mnt', 'net', 'uts', 'ipc', 'pid'];
const script = `for type in ${files.join(' ')}; do readlink /proc/self/ns/$type; done >$out/namespaces`;

function inRuntime(kind: HookKind): Claim {
  return {
    spec: 'config.md#configHooks',
    must: `${kind} hooks are executed in the runtime’s namespaces.`,
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'true', hooks: (bundle) => ({ [kind]: [scriptHook(kind, bundle, script)] }) });
      await bench.report(bundle);
      assert.deepEqual(
        written(bundle, 'namespaces')?.trim().split('\n'),
        files.map((type) => namespaceOf('self', type)),
      );
    },
  };
}

function inContainer(kind: HookKind): Claim {
  return {
    spec: 'config.md#configHooks',
    must: `${kind} hooks are executed in the container’s namespaces.`,
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo up; exec sleep 1000', hooks: (bundle) => ({ [kind]: [scriptHook(kind, bundle, script)] }) });
      const container = await bench.start(bundle);
      await container.said(/up/);
      assert.deepEqual(
        written(bundle, 'namespaces')?.trim().split('\n'),
        files.map((type) => namespaceOf(container.pid, type)),
      );
    },
  };
}

export default {
  'prestart: the runtime’s': inRuntime('prestart'),
  'createRuntime: the runtime’s': inRuntime('createRuntime'),
  'createContainer: the container’s': inContainer('createContainer'),
  'startContainer: the container’s': inContainer('startContainer'),
  'poststart: the runtime’s': inRuntime('poststart'),
  'poststop: the runtime’s': inRuntime('poststop'),
  'createRuntime: the container’s namespaces are there by then': {
    spec: 'config.md#configHooksCreateRuntime',
    must: 'The hooks are called when the namespaces have been made, so that they can set up the network.',
    check: async (bench) => {
      const hook = 'pid=$(sed "s/.*\\"pid\\": *\\([0-9]*\\).*/\\1/"); readlink /proc/$pid/ns/net >$out/namespace';
      const bundle = bench.bundle({ script: 'sleep 1000', hooks: (bundle) => ({ createRuntime: [scriptHook('createRuntime', bundle, hook)] }) });
      const container = await bench.start(bundle);
      assert.equal(written(bundle, 'namespace')?.trim(), namespaceOf(container.pid, 'net'));
    },
  },
  'createContainer: a mount that a hook makes is the container’s': {
    spec: 'config.md#configHooksCreateContainer',
    must: 'The hooks are called in the mount namespace before pivot_root, by a path of the runtime’s.',
    check: async (bench) => {
      const hooks = (bundle: string) => ({
        createContainer: [scriptHook('createContainer', bundle, `${bundle}/rootfs/bin/mount -t tmpfs by-hook ${bundle}/rootfs/mnt`)],
      });
      assert.match(await bench.report({ script: 'grep by-hook /proc/self/mountinfo', hooks }), / \/mnt /);
    },
  },
} satisfies Property;
