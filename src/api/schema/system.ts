/** The engine itself in the Docker Engine API 1.50: info, events, filters (types only). */

/** A filter's name to the values of which one must match: `{"label":["a=b"],"status":["running"]}`. */
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface Info {
  ID: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  DriverStatus: [name: string, value: string][];
  DockerRootDir: string;
  Plugins: { Volume: string[]; Network: string[]; Authorization: string[] | null; Log: string[] };
  MemoryLimit: boolean;
  SwapLimit: boolean;
  CpuCfsPeriod: boolean;
  CpuCfsQuota: boolean;
  CPUShares: boolean;
  CPUSet: boolean;
  PidsLimit: boolean;
  OomKillDisable: boolean;
  IPv4Forwarding: boolean;
  Debug: boolean;
  NFd?: number;
  NGoroutines?: number;
  /** RFC 3339 with nanoseconds. */
  SystemTime: string;
  LoggingDriver: string;
  CgroupDriver: 'cgroupfs' | 'systemd' | 'none';
  CgroupVersion: '1' | '2';
  NEventsListener: number;
  KernelVersion: string;
  OperatingSystem: string;
  OSVersion: string;
  OSType: 'linux';
  /** As `uname -m`. */
  Architecture: string;
  NCPU: number;
  /** Bytes. */
  MemTotal: number;
  IndexServerAddress: string;
  HttpProxy?: string;
  HttpsProxy?: string;
  NoProxy?: string;
  Name: string;
  Labels: string[];
  ExperimentalBuild: boolean;
  ServerVersion: string;
  Runtimes: Record<string, { path?: string; runtimeArgs?: string[] }>;
  DefaultRuntime: string;
  LiveRestoreEnabled: boolean;
  InitBinary: string;
  SecurityOptions: string[];
  DefaultAddressPools?: { Base: string; Size: number }[];
  CDISpecDirs: string[];
  Warnings: string[] | null;
}

export type EventType = 'builder' | 'container' | 'daemon' | 'image' | 'network' | 'plugin' | 'volume';

export interface EngineEvent {
  Type: EventType;
  /** `create`, `start`, `die`, `exec_start: COMMAND`, … */
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: 'local' | 'swarm';
  /** Seconds since the epoch. */
  time: number;
  /** Nanoseconds since the epoch. Bigger than 2⁵³, so a bigint; the API writes it as a JSON number. */
  timeNano: bigint;
  /** Repeated for clients of API < 1.22, as Docker does for containers and images. */
  status?: string;
  id?: string;
  from?: string;
}
