/** How events of mounts spread between a mount of the container and its source. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountAt, parseMounts, until } from '../suite/proc.ts';
import type { Bench, Bundle } from '../suite/bench.ts';
import type { Container } from '../suite/container.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config.md#configLinuxMountOptions';

/** `source` in the bundle: a mount that is shared, with another below. */
function prepare(_: string, bundle: string): void {
  const source = join(bundle, 'source');
  mkdirSync(source);
  execFileSync('mount', ['-t', 'tmpfs', 'source', source]);
  for (const name of ['below', 'late']) mkdirSync(join(source, name));
  execFileSync('mount', ['-t', 'tmpfs', 'below', join(source, 'below')]);
  execFileSync('mount', ['--make-rshared', source]);
}

async function startWith(bench: Bench, ...options: string[]): Promise<{ bundle: Bundle; container: Container; kinds: (readonly string[])[] }> {
  const bundle = bench.bundle({ script: 'echo up; exec sleep 1000', mounts: [{ destination: '/mnt', source: 'source', options }], prepare });
  const container = await bench.start(bundle);
  await container.said(/up/);
  const mounts = parseMounts(readFileSync(`/proc/${container.pid}/mountinfo`, 'utf8'));
  return { bundle, container, kinds: ['/mnt', '/mnt/below'].map((target) => mountAt(mounts, target).propagation) };
}

function isKind(option: string, kinds: readonly (readonly string[])[]): Claim {
  return {
    spec,
    must: `${option} sets the propagation of the bind mount${option.startsWith('r') ? ', and of those below' : ' alone'}.`,
    check: async (bench) => {
      const started = await startWith(bench, 'rbind', option);
      // A shared mount may receive the events of the source besides, as its slave.
      const shared = started.kinds.map((kind) => (kind.includes('shared') ? ['shared'] : kind));
      assert.deepEqual(shared.slice(0, kinds.length), kinds);
    },
  };
}

export default {
  shared: isKind('shared', [['shared']]),
  rshared: isKind('rshared', [['shared'], ['shared']]),
  private: isKind('private', [[]]),
  rprivate: isKind('rprivate', [[], []]),
  slave: isKind('slave', [['master']]),
  rslave: isKind('rslave', [['master'], ['master']]),
  unbindable: isKind('unbindable', [['unbindable']]),
  runbindable: isKind('runbindable', [['unbindable'], ['unbindable']]),
  'slave: a mount that the host makes appears in the container': {
    spec,
    must: 'A slave receives the events of its source.',
    check: async (bench) => {
      const { bundle, container } = await startWith(bench, 'rbind', 'rslave');
      const late = join(bundle.directory, 'source/late');
      execFileSync('mount', ['-t', 'tmpfs', 'late', late]);
      mkdirSync(join(late, 'mark'));
      await until('the mount is in the container', () => existsSync(`/proc/${container.pid}/root/mnt/late/mark`));
    },
  },
  'private: a mount that the host makes does not appear in the container': {
    spec,
    must: 'A private mount receives no events.',
    check: async (bench) => {
      const { bundle, container } = await startWith(bench, 'rbind', 'rprivate');
      const late = join(bundle.directory, 'source/late');
      execFileSync('mount', ['-t', 'tmpfs', 'late', late]);
      mkdirSync(join(late, 'mark'));
      assert.equal(existsSync(`/proc/${container.pid}/root/mnt/late/mark`), false);
    },
  },
} satisfies Property;
