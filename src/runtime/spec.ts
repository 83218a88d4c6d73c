/**
 * The OCI runtime specification's configuration (config.json) for Linux, version 1.2, as the runtime takes it.
 * Names and meanings are the specification's: https://github.com/opencontainers/runtime-spec (config.md, config-linux.md).
 * Where a list or a text may be left out and nothing tells that from an empty one, it is required here and may be empty.
 */
import type { Integer64, ProcessSpec } from './spec-process.ts';
import type { DeviceRule, Resources, Throttle } from './spec-resources.ts';

export type { CapabilitySets, IoPriority, Scheduler, SchedulerPolicy } from './spec-process.ts';
export type { DeviceRule, Integer64, ProcessSpec, Resources, Throttle };

export interface Spec {
  readonly ociVersion: string;
  readonly process: ProcessSpec;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts: readonly MountSpec[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: LinuxSpec;
}

export interface MountSpec {
  readonly destination: string;
  /** `bind`, `proc`, `sysfs`, `tmpfs`, `devpts`, `mqueue`, `cgroup`, …; for a bind mount anything, also nothing. */
  readonly type: string;
  readonly source: string;
  /** As in fstab: `ro`, `nosuid`, `rbind`, `rprivate`, `size=65536k`, … */
  readonly options: readonly string[];
  /** Whose files are whose in this mount: an idmapped mount. Both or neither. */
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

/** Programs of the caller's that are run at a moment of the container's life, in the runtime's namespaces or in the container's. */
export interface Hooks {
  /** Deprecated, and as `createRuntime`, but for the moment: after the container is made, before its program starts. */
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

export interface Hook {
  /** Absolute, in the runtime's mount namespace; of `startContainer`, in the container's. */
  readonly path: string;
  /** With the name of the program as the first; absent: that alone. */
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

export type NamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

/** That of the root and of what is mounted in it; `rprivate` means the same as `private`, and so on. */
export type Propagation = 'private' | 'slave' | 'shared' | 'unbindable' | 'rprivate' | 'rslave' | 'rshared' | 'runbindable';

export interface LinuxSpec {
  /** A namespace without path is made; with path, joined; absent, shared with the host. */
  readonly namespaces: readonly { readonly type: NamespaceType; readonly path?: string }[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  /** By clock: `monotonic`, `boottime`. */
  readonly timeOffsets?: Readonly<Record<string, { readonly secs: number; readonly nanosecs: number }>>;
  readonly devices?: readonly DeviceSpec[];
  /** Path of the container's cgroup, relative to the root of each hierarchy: `/hako/ID`; for systemd `slice:prefix:name`. Empty: the runtime's choice. */
  readonly cgroupsPath: string;
  readonly resources?: Resources;
  readonly intelRdt?: IntelRdt;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly seccomp?: SeccompSpec;
  readonly rootfsPropagation?: Propagation;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** SELinux context of the container's mounts. */
  readonly mountLabel?: string;
  readonly personality?: Personality;
}

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface DeviceSpec {
  /** `c` and `u` character, `b` block, `p` FIFO. */
  readonly type: 'c' | 'b' | 'p' | 'u';
  readonly path: string;
  /** Of a FIFO 0, as the minor. */
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Shares of caches and of memory bandwidth, and their monitoring, by resctrl. */
export interface IntelRdt {
  readonly closID?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly enableCMT?: boolean;
  readonly enableMBM?: boolean;
}

/** Which system the kernel looks like; personality(2). */
export interface Personality {
  readonly domain: 'LINUX' | 'LINUX32';
}

export interface SeccompSpec {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  /** The socket of the supervisor that answers for SCMP_ACT_NOTIFY, and what it is told. */
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly { readonly index: number; readonly value: Integer64; readonly valueTwo?: Integer64; readonly op: string }[];
  }[];
}
