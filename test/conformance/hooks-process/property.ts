/** Arguments and environment of hooks. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type HookKind, hookKinds, written } from '../suite/hooks.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config.md#configHooks';

function areGiven(kind: HookKind): Claim {
  return {
    spec,
    must: 'args is the argv of the hook, its name included (by which busybox knows that it is a shell), and env its environment.',
    check: async (bench) => {
      const bundle = bench.bundle({
        script: 'true',
        hooks: (bundle) => {
          const rootfs = kind === 'startContainer' ? '' : join(bundle, 'rootfs');
          const script = `{ printf '[%s]' "$0" "$@"; env | grep -v -e ^PWD= -e ^SHLVL= -e ^OLDPWD= | sort; } >${rootfs}/var/process`;
          return { [kind]: [{ path: `${rootfs}/bin/busybox`, args: ['sh', '-c', script, 'zero', '', 'two words'], env: ['ONE=1', `PATH=${rootfs}/bin`] }] };
        },
      });
      await bench.report(bundle);
      assert.equal(written(bundle, 'process'), `[zero][][two words]ONE=1\nPATH=${kind === 'startContainer' ? '' : bundle.rootfs}/bin\n`);
    },
  };
}

export default {
  ...Object.fromEntries(hookKinds.map((kind) => [`${kind}: args and env`, areGiven(kind)])),
  'a path that is not absolute is an error': {
    spec,
    must: 'path must be absolute.',
    check: async (bench) => {
      await bench.refused({ hooks: () => ({ createRuntime: [{ path: 'bin/true' }] }) });
    },
  },
  'a path at which there is nothing is an error': {
    spec: 'runtime.md#runtimeLifecycle',
    must: 'A hook that cannot be executed has failed.',
    check: async (bench) => {
      await bench.refused({ hooks: () => ({ createRuntime: [{ path: '/nowhere/hook' }] }) });
    },
  },
} satisfies Property;
