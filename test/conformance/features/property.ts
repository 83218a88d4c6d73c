/** What a runtime says that it can do. */
import assert from 'node:assert/strict';
import { hookKinds } from '../suite/hooks.ts';
import type { Bench } from '../suite/bench.ts';
import type { Property } from '../suite/property.ts';

const spec = 'features.md#specification-version';

/** The answer, as far as it is looked at. */
interface Features {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: {
    readonly namespaces: readonly string[];
    readonly capabilities: readonly string[];
    readonly cgroup: Readonly<Record<string, boolean>>;
    readonly seccomp: {
      readonly enabled: boolean;
      readonly actions: readonly string[];
      readonly operators: readonly string[];
      readonly archs: readonly string[];
    };
    readonly apparmor: { readonly enabled: boolean };
    readonly selinux: { readonly enabled: boolean };
  };
}

async function features(bench: Bench): Promise<Features> {
  const { code, stdout, stderr } = await bench.runtime.call(['features']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Features;
}

export default {
  'versions, hooks and mount options': {
    spec,
    must: 'ociVersionMin and ociVersionMax are semantic versions; hooks and mountOptions are lists of what is recognized.',
    check: async (bench) => {
      const { ociVersionMin, ociVersionMax, hooks, mountOptions } = await features(bench);
      for (const version of [ociVersionMin, ociVersionMax]) assert.match(version, /^1\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/);
      assert.deepEqual(hooks.toSorted(), hookKinds.toSorted());
      for (const option of ['bind', 'rbind', 'ro', 'nosuid', 'rro', 'rprivate', 'strictatime'])
        assert.ok(mountOptions.includes(option), `${option} is missing`);
    },
  },
  'namespaces, capabilities, cgroups and seccomp': {
    spec: 'features-linux.md',
    must: 'linux tells the namespaces, capabilities, cgroup versions, seccomp actions, operators and architectures that are recognized.',
    check: async (bench) => {
      const { linux } = await features(bench);
      for (const type of ['mount', 'pid', 'network', 'ipc', 'uts', 'user', 'cgroup']) assert.ok(linux.namespaces.includes(type), `${type} is missing`);
      assert.ok(linux.capabilities.includes('CAP_CHOWN') && linux.capabilities.includes('CAP_CHECKPOINT_RESTORE'));
      assert.deepEqual([typeof linux.cgroup['v1'], typeof linux.cgroup['v2']], ['boolean', 'boolean']);
      assert.equal(linux.seccomp.enabled, true);
      for (const action of ['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_NOTIFY'])
        assert.ok(linux.seccomp.actions.includes(action), `${action} is missing`);
      assert.ok(linux.seccomp.operators.includes('SCMP_CMP_MASKED_EQ'));
    },
  },
} satisfies Property;
