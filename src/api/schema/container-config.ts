/**
 * What a client asks of a container: Config, HostConfig and NetworkingConfig of the Docker Engine API 1.50 (types only).
 * All properties are optional; where a client sent `null` the API layer has already left the property out.
 */

/** Seconds or nanoseconds as noted in each field; sizes are bytes unless said otherwise. */
export interface ContainerConfig {
  Hostname?: string;
  Domainname?: string;
  /** `user`, `uid`, `user:group`, `uid:gid`. */
  User?: string;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  /** Keys are `PORT/PROTOCOL`. */
  ExposedPorts?: Record<string, Record<string, never>>;
  Tty?: boolean;
  OpenStdin?: boolean;
  /** Close stdin when the first attached client's stdin ends. */
  StdinOnce?: boolean;
  /** `NAME=VALUE`; a bare `NAME` removes the variable. */
  Env?: string[];
  Cmd?: string[];
  Healthcheck?: HealthConfig;
  ArgsEscaped?: boolean;
  Image?: string;
  /** Keys are paths inside the container for anonymous volumes. */
  Volumes?: Record<string, Record<string, never>>;
  WorkingDir?: string;
  /** `[""]` clears the image's. */
  Entrypoint?: string[];
  NetworkDisabled?: boolean;
  MacAddress?: string;
  OnBuild?: string[];
  Labels?: Record<string, string>;
  StopSignal?: string;
  /** Seconds. */
  StopTimeout?: number;
  Shell?: string[];
}

/** Durations are nanoseconds. */
export interface HealthConfig {
  /** `[]` inherit, `["NONE"]`, `["CMD", …]`, `["CMD-SHELL", command]`. */
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** Limits, as in HostConfig and in `POST /containers/ID/update`. */
export interface ContainerResources {
  CpuShares?: number;
  /** Bytes; 0 is unlimited. */
  Memory?: number;
  /** CPUs × 10⁹. */
  NanoCpus?: number;
  CgroupParent?: string;
  /** 10 … 1000; 0 leaves it. */
  BlkioWeight?: number;
  BlkioWeightDevice?: { Path: string; Weight: number }[];
  BlkioDeviceReadBps?: ThrottleDevice[];
  BlkioDeviceWriteBps?: ThrottleDevice[];
  BlkioDeviceReadIOps?: ThrottleDevice[];
  BlkioDeviceWriteIOps?: ThrottleDevice[];
  /** Microseconds. */
  CpuPeriod?: number;
  CpuQuota?: number;
  CpuRealtimePeriod?: number;
  CpuRealtimeRuntime?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
  Devices?: DeviceMapping[];
  DeviceCgroupRules?: string[];
  DeviceRequests?: DeviceRequest[];
  KernelMemory?: number;
  KernelMemoryTCP?: number;
  MemoryReservation?: number;
  /** Memory plus swap; -1 is unlimited swap. */
  MemorySwap?: number;
  /** 0 … 100; -1 leaves it. */
  MemorySwappiness?: number;
  OomKillDisable?: boolean;
  /** 0 or -1 is unlimited. */
  PidsLimit?: number;
  Ulimits?: Ulimit[];
}

export interface ThrottleDevice {
  Path: string;
  /** Bytes or operations a second. */
  Rate: number;
}

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer?: string;
  /** Any of `r`, `w`, `m`. */
  CgroupPermissions?: string;
}

export interface DeviceRequest {
  Driver?: string;
  Count?: number;
  DeviceIDs?: string[];
  Capabilities?: string[][];
  Options?: Record<string, string>;
}

/** -1 is unlimited. */
export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

export interface HostConfig extends ContainerResources {
  /** `SOURCE:DESTINATION[:OPTIONS]`, source a host path or a volume's name. */
  Binds?: string[];
  ContainerIDFile?: string;
  LogConfig?: LogConfig;
  /** `default`, `bridge`, `host`, `none`, `container:REF`, or a network's name. */
  NetworkMode?: string;
  PortBindings?: PortMap;
  RestartPolicy?: RestartPolicy;
  AutoRemove?: boolean;
  VolumeDriver?: string;
  VolumesFrom?: string[];
  Mounts?: MountRequest[];
  /** Rows and columns of the terminal at start. */
  ConsoleSize?: [height: number, width: number];
  Annotations?: Record<string, string>;
  CapAdd?: string[];
  CapDrop?: string[];
  CgroupnsMode?: '' | 'private' | 'host';
  Dns?: string[];
  DnsOptions?: string[];
  DnsSearch?: string[];
  /** `NAME:ADDRESS`; the address may be `host-gateway`. */
  ExtraHosts?: string[];
  GroupAdd?: string[];
  /** `none`, `private`, `shareable`, `host`, `container:REF`. */
  IpcMode?: string;
  Cgroup?: string;
  Links?: string[];
  /** -1000 … 1000. */
  OomScoreAdj?: number;
  /** ``, `host`, `container:REF`. */
  PidMode?: string;
  Privileged?: boolean;
  PublishAllPorts?: boolean;
  ReadonlyRootfs?: boolean;
  /** `seccomp=…`, `no-new-privileges[:true|false]`, `apparmor=…`, `systempaths=unconfined`, … */
  SecurityOpt?: string[];
  StorageOpt?: Record<string, string>;
  /** Path to mount options. */
  Tmpfs?: Record<string, string>;
  UTSMode?: string;
  UsernsMode?: string;
  /** Bytes of /dev/shm. */
  ShmSize?: number;
  Sysctls?: Record<string, string>;
  Runtime?: string;
  Isolation?: string;
  /** Absent: the default list. Empty: none. */
  MaskedPaths?: string[];
  ReadonlyPaths?: string[];
  Init?: boolean;
}

export interface LogConfig {
  Type?: string;
  Config?: Record<string, string>;
}

/** `PORT/PROTOCOL` to where it is published on the host. */
export type PortMap = Record<string, PortBinding[]>;

export interface PortBinding {
  HostIp?: string;
  /** A port, a range, or empty for one that is free. */
  HostPort?: string;
}

export interface RestartPolicy {
  Name?: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure';
  MaximumRetryCount?: number;
}

export interface MountRequest {
  Type?: 'bind' | 'volume' | 'tmpfs' | 'image' | 'npipe' | 'cluster';
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: {
    Propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';
    NonRecursive?: boolean;
    CreateMountpoint?: boolean;
    ReadOnlyNonRecursive?: boolean;
    ReadOnlyForceRecursive?: boolean;
  };
  VolumeOptions?: {
    NoCopy?: boolean;
    Labels?: Record<string, string>;
    Subpath?: string;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
  };
  ImageOptions?: { Subpath?: string };
  /** `Mode` is the permission bits as a decimal number. */
  TmpfsOptions?: { SizeBytes?: number; Mode?: number; Options?: string[][] };
}

export interface NetworkingConfig {
  /** Network name or id to what the container has there. */
  EndpointsConfig?: Record<string, EndpointRequest>;
}

export interface EndpointRequest {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  Links?: string[];
  Aliases?: string[];
  NetworkID?: string;
  MacAddress?: string;
  DriverOpts?: Record<string, string>;
  GwPriority?: number;
}

/** `POST /containers/create`. */
export interface ContainerCreateBody extends ContainerConfig {
  HostConfig?: HostConfig;
  NetworkingConfig?: NetworkingConfig;
}

/** `POST /containers/ID/update`. */
export interface ContainerUpdateBody extends ContainerResources {
  RestartPolicy?: RestartPolicy;
}
