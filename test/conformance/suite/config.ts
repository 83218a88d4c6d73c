/** config.json as the suite's bundles have it unless a claim asks otherwise: small, and everything in it is in every version of the specification. */

import type { Hook, HookKind } from './hooks.ts';

/** A part of config.json; untyped, since claims also write what the specification forbids. */
export type Fields = Readonly<Record<string, unknown>>;

/** An entry of `mounts`. */
export interface MountEntry {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  readonly [field: string]: unknown;
}

/** The mounts of a container that asks for nothing special. */
export const defaultMounts: readonly MountEntry[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
];

/** Namespaces that the container gets anew. */
export const defaultNamespaces = ['pid', 'network', 'ipc', 'uts', 'mount'] as const;

const capabilities = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_KILL', 'CAP_MKNOD', 'CAP_NET_BIND_SERVICE', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SYS_ADMIN'];

/** What a claim asks of a container. */
export interface Asked {
  /** The program: a script for the shell. */
  readonly script?: string;
  /** Fields of `process`, over the default ones. */
  readonly process?: Fields;
  /** Fields of `linux`, over the default ones. */
  readonly linux?: Fields;
  /** Mounts after the default ones. */
  readonly mounts?: readonly MountEntry[];
  /** Namespaces to have instead of the default ones, by type. */
  readonly namespaces?: readonly (string | { readonly type: string; readonly path: string })[];
  /** Hooks, made when the bundle's directory is known. */
  readonly hooks?: (bundle: string) => Readonly<Partial<Record<HookKind, readonly Hook[]>>>;
  /** Other fields of config.json; undefined takes one away. */
  readonly config?: Fields;
  /** Puts files into the bundle before the container is made. */
  readonly prepare?: (rootfs: string, bundle: string) => unknown;
}

/** config.json for what is asked. */
export function configOf(asked: Asked, cgroupsPath: string, bundle: string): Fields {
  return {
    ociVersion: '1.0.2',
    process: {
      cwd: '/',
      env: ['PATH=/bin'],
      args: ['/bin/sh', '-c', asked.script ?? 'true'],
      user: { uid: 0, gid: 0 },
      capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities },
      ...asked.process,
    },
    root: { path: 'rootfs' },
    mounts: [...defaultMounts, ...(asked.mounts ?? [])],
    linux: {
      cgroupsPath,
      namespaces: (asked.namespaces ?? defaultNamespaces).map((entry) => (typeof entry === 'string' ? { type: entry } : entry)),
      ...asked.linux,
    },
    ...(asked.hooks ? { hooks: asked.hooks(bundle) } : {}),
    ...asked.config,
  };
}

/** A mapping of the container's ids to ids of the host that nobody has. */
export const userMapping = [{ containerID: 0, hostID: 200_000, size: 65_536 }] as const;
