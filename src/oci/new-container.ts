/** What is noted of a container, and asked for its cgroup, before it is made: alike for one that is created and one that is restored. */
import { identify } from '../kernel/process.ts';
import type { Spec } from '../runtime/spec.ts';
import type { CgroupRequest } from './cgroup-making.ts';
import type { ContainerRecord } from './container-record.ts';
import { hasHooks } from './hooks.ts';
import type { Settings } from './settings.ts';
import { timestamp } from './timestamp.ts';

/** What its configuration asks for its cgroup. */
export const cgroupRequestOf = (id: string, { linux, annotations }: Spec, { cgroupManager: driver, rootless }: Settings): CgroupRequest => ({
  id,
  driver,
  cgroupsPath: linux.cgroupsPath,
  resources: linux.resources,
  rootless,
  annotations,
});

/** Its record, while it has no process yet. */
export const recordOf = (id: string, bundle: string, spec: Spec, more: Pick<ContainerRecord, 'cgroup' | 'keyring'>): ContainerRecord => ({
  id,
  ociVersion: spec.ociVersion,
  bundle,
  rootfs: spec.root.path,
  created: timestamp(),
  owner: process.getuid!(),
  annotations: spec.annotations ?? {},
  creator: identify(process.pid)!,
  hooks: hasHooks(spec, 'startContainer', 'poststart', 'poststop'),
  namespaces: spec.linux.namespaces.map(({ type }) => type),
  ...more,
});
