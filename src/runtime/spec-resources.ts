/**
 * The part of config.json that limits a container's cgroup. See config-linux.md "Control groups". The specification gives its
 * numbers 64 bits; here they are plain numbers, which beyond 2^53 (of bytes: 9 PB) are off by less than a page.
 */

/** Limits of the container's cgroup. Bytes, microseconds and counts, as in the specification; -1 means unlimited. */
export interface Resources {
  /** In order: of two that match, the later counts. */
  readonly devices?: readonly DeviceRule[];
  readonly memory?: {
    readonly limit?: number;
    readonly reservation?: number;
    /** Memory and swap together. */
    readonly swap?: number;
    /** Deprecated, as is `kernelTCP`. */
    readonly kernel?: number;
    readonly kernelTCP?: number;
    readonly swappiness?: number;
    readonly disableOOMKiller?: boolean;
    readonly useHierarchy?: boolean;
    /** Refuse an update to less than is in use. */
    readonly checkBeforeUpdate?: boolean;
  };
  readonly cpu?: {
    readonly shares?: number;
    readonly quota?: number;
    readonly period?: number;
    readonly burst?: number;
    readonly realtimeRuntime?: number;
    readonly realtimePeriod?: number;
    readonly cpus?: string;
    readonly mems?: string;
    readonly idle?: number;
  };
  readonly pids?: { readonly limit: number };
  readonly blockIO?: {
    readonly weight?: number;
    readonly leafWeight?: number;
    readonly weightDevice?: readonly { readonly major: number; readonly minor: number; readonly weight?: number; readonly leafWeight?: number }[];
    readonly throttleReadBpsDevice?: readonly Throttle[];
    readonly throttleWriteBpsDevice?: readonly Throttle[];
    readonly throttleReadIOPSDevice?: readonly Throttle[];
    readonly throttleWriteIOPSDevice?: readonly Throttle[];
  };
  /** By page size such as `2MB`. */
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly network?: {
    readonly classID?: number;
    readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
  };
  /** By device such as `mlx5_0`. */
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>;
  /** Files of cgroup version 2 and what is written to them. */
  readonly unified?: Readonly<Record<string, string>>;
}

export interface DeviceRule {
  readonly allow: boolean;
  /** `a` all, `c` character, `b` block. */
  readonly type?: 'a' | 'c' | 'b';
  /** Absent: any. */
  readonly major?: number;
  readonly minor?: number;
  /** Any of `r`, `w`, `m`. */
  readonly access?: string;
}

/** A device's bytes or operations a second. */
export interface Throttle {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}
