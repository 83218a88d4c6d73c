/** How mounts spread between the container's root and the host. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mountAt, parseMounts, until } from '../suite/proc.ts';
import type { Bench, Bundle } from '../suite/bench.ts';
import type { Container } from '../suite/container.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxRootfsMountPropagation';

async function startWith(bench: Bench, rootfsPropagation: string | undefined): Promise<{ bundle: Bundle; container: Container }> {
  const bundle = bench.bundle({ script: 'echo up; exec sleep 1000', linux: { rootfsPropagation } });
  const container = await bench.start(bundle);
  await container.said(/up/);
  return { bundle, container };
}

function rootOf(container: Container): readonly string[] {
  return mountAt(parseMounts(readFileSync(`/proc/${container.pid}/mountinfo`, 'utf8')), '/').propagation;
}

function isMounted(pid: number, target: string): boolean {
  return parseMounts(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).some((mount) => mount.target === target);
}

const inContainer = (container: Container, ...command: string[]): unknown =>
  execFileSync('nsenter', ['--mount', `--target=${container.pid}`, '--root', '--wd=/', ...command], { stdio: 'pipe' });

export default {
  'shared: the root has a peer group': {
    spec,
    must: 'The root belongs to a peer group, so that mounts spread between it and its copies.',
    check: async (bench) => {
      const { container } = await startWith(bench, 'shared');
      assert.ok(rootOf(container).includes('shared'), `the root is ${rootOf(container).join(' ') || 'private'}`);
    },
  },
  'slave: mounts of the host appear in the container, and not the other way round': {
    spec,
    must: 'The root receives the host’s mount events and sends none.',
    check: async (bench) => {
      const { bundle, container } = await startWith(bench, 'slave');
      assert.deepEqual(rootOf(container), ['master']);
      execFileSync('mount', ['-t', 'tmpfs', 'probe', `${bundle.rootfs}/mnt`]);
      await until('the host’s mount is in the container', () => isMounted(container.pid, '/mnt'));
      inContainer(container, '/bin/mount', '-t', 'tmpfs', 'probe', '/home');
      assert.equal(isMounted(process.pid, `${bundle.rootfs}/home`), false);
    },
  },
  'private: neither sees the other’s mounts': {
    spec,
    must: 'The root receives no mount events of the host and sends none.',
    check: async (bench) => {
      const { bundle, container } = await startWith(bench, 'private');
      assert.deepEqual(rootOf(container), []);
      execFileSync('mount', ['-t', 'tmpfs', 'probe', `${bundle.rootfs}/mnt`]);
      inContainer(container, '/bin/mount', '-t', 'tmpfs', 'probe', '/home');
      assert.equal(isMounted(container.pid, '/mnt'), false);
      assert.equal(isMounted(process.pid, `${bundle.rootfs}/home`), false);
    },
  },
  'unbindable: the root cannot be bind-mounted': {
    spec,
    must: 'The root is a private mount of which no bind mount can be made.',
    check: async (bench) => {
      const { container } = await startWith(bench, 'unbindable');
      assert.deepEqual(rootOf(container), ['unbindable']);
      assert.throws(() => inContainer(container, '/bin/mount', '-o', 'bind', '/', '/mnt'));
    },
  },
  'absent: the container’s mounts do not appear on the host': {
    spec: 'config-linux.md#configLinuxNamespaces',
    must: 'With a mount namespace the container has a mount table of its own.',
    check: async (bench) => {
      const { bundle, container } = await startWith(bench, undefined);
      inContainer(container, '/bin/mount', '-t', 'tmpfs', 'probe', '/home');
      assert.equal(isMounted(process.pid, `${bundle.rootfs}/home`), false);
    },
  },
  'refuses what there is not': {
    spec,
    must: 'Invalid values are an error.',
    check: async (bench) => {
      await bench.refused({ linux: { rootfsPropagation: 'everywhere' } });
    },
  },
} satisfies Property;
