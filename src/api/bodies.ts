/** The shapes of the bodies that clients send, property by property as schema.ts declares them. */
import type {
  ContainerConfig,
  ContainerCreateBody,
  ContainerResources,
  ContainerUpdateBody,
  DeviceMapping,
  DeviceRequest,
  EndpointRequest,
  ExecCreateBody,
  HealthConfig,
  HostConfig,
  LogConfig,
  MountRequest,
  NetworkingConfig,
  PortBinding,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
  VolumeCreateBody,
} from './schema.ts';
import { consoleSize, flag, integer, listOf, mapOf, nameSet, objectOf, oneOf, recordOf, text, textMap, texts, words } from './shape.ts';

const healthConfig = objectOf<HealthConfig>({
  Test: words,
  Interval: integer,
  Timeout: integer,
  StartPeriod: integer,
  StartInterval: integer,
  Retries: integer,
});

const configFields = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ExposedPorts: nameSet,
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  Env: texts,
  Cmd: words,
  Healthcheck: healthConfig,
  ArgsEscaped: flag,
  Image: text,
  Volumes: nameSet,
  WorkingDir: text,
  Entrypoint: words,
  NetworkDisabled: flag,
  MacAddress: text,
  OnBuild: texts,
  Labels: textMap,
  StopSignal: text,
  StopTimeout: integer,
  Shell: words,
};

/** What a commit may override. */
export const containerConfig = objectOf<ContainerConfig>(configFields);

const throttles = listOf(recordOf<ThrottleDevice>({ Path: text, Rate: integer }, 'Path', 'Rate'));

const resourceFields = {
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: integer,
  BlkioWeightDevice: listOf(recordOf<{ Path: string; Weight: number }>({ Path: text, Weight: integer }, 'Path', 'Weight')),
  BlkioDeviceReadBps: throttles,
  BlkioDeviceWriteBps: throttles,
  BlkioDeviceReadIOps: throttles,
  BlkioDeviceWriteIOps: throttles,
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: listOf(recordOf<DeviceMapping>({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text }, 'PathOnHost')),
  DeviceCgroupRules: texts,
  DeviceRequests: listOf(objectOf<DeviceRequest>({ Driver: text, Count: integer, DeviceIDs: texts, Capabilities: listOf(texts), Options: textMap })),
  KernelMemory: integer,
  KernelMemoryTCP: integer,
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: integer,
  OomKillDisable: flag,
  PidsLimit: integer,
  Ulimits: listOf(recordOf<Ulimit>({ Name: text, Soft: integer, Hard: integer }, 'Name', 'Soft', 'Hard')),
} satisfies { [Name in keyof ContainerResources]-?: unknown };

const restartPolicy = objectOf<RestartPolicy>({ Name: oneOf('', 'no', 'always', 'unless-stopped', 'on-failure'), MaximumRetryCount: integer });

const mountRequest = objectOf<MountRequest>({
  Type: oneOf('bind', 'volume', 'tmpfs', 'image', 'npipe', 'cluster'),
  Source: text,
  Target: text,
  ReadOnly: flag,
  Consistency: text,
  BindOptions: objectOf({
    Propagation: oneOf('private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'),
    NonRecursive: flag,
    CreateMountpoint: flag,
    ReadOnlyNonRecursive: flag,
    ReadOnlyForceRecursive: flag,
  }),
  VolumeOptions: objectOf({ NoCopy: flag, Labels: textMap, Subpath: text, DriverConfig: objectOf({ Name: text, Options: textMap }) }),
  ImageOptions: objectOf({ Subpath: text }),
  TmpfsOptions: objectOf({ SizeBytes: integer, Mode: integer, Options: listOf(texts) }),
});

const hostConfig = objectOf<HostConfig>({
  ...resourceFields,
  Binds: texts,
  ContainerIDFile: text,
  LogConfig: objectOf<LogConfig>({ Type: text, Config: textMap }),
  NetworkMode: text,
  PortBindings: mapOf(listOf(objectOf<PortBinding>({ HostIp: text, HostPort: text })), () => []),
  RestartPolicy: restartPolicy,
  AutoRemove: flag,
  VolumeDriver: text,
  VolumesFrom: texts,
  Mounts: listOf(mountRequest),
  ConsoleSize: consoleSize,
  Annotations: textMap,
  CapAdd: words,
  CapDrop: words,
  CgroupnsMode: oneOf('', 'private', 'host'),
  Dns: texts,
  DnsOptions: texts,
  DnsSearch: texts,
  ExtraHosts: texts,
  GroupAdd: texts,
  IpcMode: text,
  Cgroup: text,
  Links: texts,
  OomScoreAdj: integer,
  PidMode: text,
  Privileged: flag,
  PublishAllPorts: flag,
  ReadonlyRootfs: flag,
  SecurityOpt: texts,
  StorageOpt: textMap,
  Tmpfs: textMap,
  UTSMode: text,
  UsernsMode: text,
  ShmSize: integer,
  Sysctls: textMap,
  Runtime: text,
  Isolation: text,
  MaskedPaths: texts,
  ReadonlyPaths: texts,
  Init: flag,
});

const endpointRequest = objectOf<EndpointRequest>({
  IPAMConfig: objectOf({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: texts }),
  Links: texts,
  Aliases: texts,
  NetworkID: text,
  MacAddress: text,
  DriverOpts: textMap,
  GwPriority: integer,
});

export const containerCreateBody = objectOf<ContainerCreateBody>({
  ...configFields,
  HostConfig: hostConfig,
  NetworkingConfig: objectOf<NetworkingConfig>({ EndpointsConfig: mapOf(endpointRequest, () => ({})) }),
});

export const containerUpdateBody = objectOf<ContainerUpdateBody>({ ...resourceFields, RestartPolicy: restartPolicy });

export const execCreateBody = objectOf<ExecCreateBody>({
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ConsoleSize: consoleSize,
  DetachKeys: text,
  Tty: flag,
  Env: texts,
  Cmd: words,
  Privileged: flag,
  User: text,
  WorkingDir: text,
});

/** `POST /exec/ID/start`. */
export const execStartBody = objectOf<{ Detach?: boolean; Tty?: boolean; ConsoleSize?: [height: number, width: number] }>({
  Detach: flag,
  Tty: flag,
  ConsoleSize: consoleSize,
});

export const volumeCreateBody = objectOf<VolumeCreateBody>({ Name: text, Driver: text, DriverOpts: textMap, Labels: textMap });
