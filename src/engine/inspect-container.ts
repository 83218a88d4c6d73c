/** A container in full, as `docker inspect` answers: every field is there, with its default where nobody said anything. */
import { join } from 'node:path';
import type { ContainerConfig, ContainerInspect, ContainerState, Health, HostConfig } from '../api/schema.ts';
import { defaultMaskedPaths, defaultReadonlyPaths } from '../runtime/rootfs/paths.ts';
import type { OverlayMount } from '../storage/snapshots.ts';
import type { Container } from './container.ts';
import { containerSizes, type ContainerSizes } from './container-sizes.ts';
import { healthOf } from './health.ts';
import { defaultLogLimits } from './logs-options.ts';
import { logPath, logSequences } from './logs-writer.ts';
import { networkMode, networkSettings } from './network-view.ts';
import type { BridgeView } from './networking.ts';
import type { Parts } from './parts.ts';

/** What is known of a container beside its record. */
export interface InspectContext {
  readonly overlay: OverlayMount;
  /** Where hosts, hostname and resolv.conf lie. */
  readonly runDirectory: string;
  readonly logDirectory: string;
  /** Absent before the first container used it. */
  readonly bridge: BridgeView | undefined;
  /** Absent when it has no health check. */
  readonly health?: Health | undefined;
  /** In bytes; absent unless asked for. */
  readonly sizes?: ContainerSizes | undefined;
}

/** A container in full; with sizes, which takes a walk over its layer. */
export async function inspectContainer(
  parts: Pick<Parts, 'images' | 'snapshots' | 'files' | 'networking'>,
  container: Container,
  options: { readonly size: boolean },
): Promise<ContainerInspect> {
  return describeContainer(container, {
    overlay: parts.snapshots.mountOf(container.id, parts.images.lowerDirs(container.record.image.chain)),
    runDirectory: parts.files.runDirectory(container.id),
    logDirectory: parts.files.logDirectory(container),
    bridge: parts.networking.view,
    health: healthOf(container),
    sizes: options.size ? await containerSizes(parts, container) : undefined,
  });
}

/** A container in full, from what is known of it. */
export function describeContainer(container: Container, context: InspectContext): ContainerInspect {
  const { record } = container;
  const { overlay, runDirectory, sizes } = context;
  const [path = '', ...args] = commandOf(record.config);
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateOf(container, context.health),
    Image: record.image.id,
    ResolvConfPath: join(runDirectory, 'resolv.conf'),
    HostnamePath: join(runDirectory, 'hostname'),
    HostsPath: join(runDirectory, 'hosts'),
    LogPath: record.hostConfig.LogConfig?.Type === 'none' ? '' : logPath(context.logDirectory, logSequences(context.logDirectory).at(-1) ?? 1),
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: container.execs.size > 0 ? [...container.execs] : null,
    HostConfig: fullHostConfig(container),
    GraphDriver: {
      Name: 'overlay2',
      Data: { ID: record.id, LowerDir: overlay.lower.join(':'), MergedDir: overlay.target, UpperDir: overlay.upper, WorkDir: overlay.work },
    },
    ...(sizes ? { SizeRw: sizes.rw, SizeRootFs: sizes.rootFs } : {}),
    Mounts: [...record.mounts],
    Config: fullConfig(record.config, record.image.reference),
    NetworkSettings: networkSettings(container, context.bridge),
  };
}

/** The program and its arguments: the entry point with the command behind it. */
export const commandOf = ({ Entrypoint, Cmd }: ContainerConfig): string[] => [...(Entrypoint ?? []), ...(Cmd ?? [])];

/** State: a paused container runs, and so does, for Docker, one that waits to be started again. */
function stateOf(container: Container, health: Health | undefined): ContainerState {
  const { status, oomKilled, exitCode, error, startedAt, finishedAt } = container.record.state;
  return {
    Status: status,
    Running: status === 'running' || status === 'paused' || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: oomKilled,
    Dead: status === 'dead',
    Pid: container.running?.handle.pid ?? 0,
    ExitCode: exitCode,
    Error: error,
    StartedAt: startedAt,
    FinishedAt: finishedAt,
    ...(health ? { Health: health } : {}),
  };
}

function fullConfig(config: ContainerConfig, image: string): ContainerConfig {
  return {
    Hostname: '',
    Domainname: '',
    User: '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: [],
    Cmd: [],
    Image: image,
    Volumes: {},
    WorkingDir: '',
    Entrypoint: [],
    OnBuild: [],
    Labels: {},
    ...config,
  };
}

function fullHostConfig(container: Container): HostConfig {
  const { hostConfig } = container.record;
  const { LogConfig, RestartPolicy, Privileged = false } = hostConfig;
  const unconfined = Privileged || (hostConfig.SecurityOpt ?? []).some((option) => /^systempaths[=:]unconfined$/.test(option));
  return {
    Binds: [],
    ContainerIDFile: '',
    PortBindings: {},
    AutoRemove: false,
    VolumeDriver: '',
    VolumesFrom: [],
    ConsoleSize: [0, 0],
    CapAdd: [],
    CapDrop: [],
    CgroupnsMode: 'private',
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: [],
    GroupAdd: [],
    IpcMode: 'private',
    Cgroup: '',
    Links: [],
    OomScoreAdj: 0,
    PidMode: '',
    Privileged,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    SecurityOpt: [],
    UTSMode: '',
    UsernsMode: '',
    ShmSize: 64 << 20,
    Runtime: 'hako',
    Isolation: '',
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    BlkioWeight: 0,
    BlkioWeightDevice: [],
    BlkioDeviceReadBps: [],
    BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [],
    BlkioDeviceWriteIOps: [],
    CpuPeriod: 0,
    CpuQuota: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: [],
    DeviceCgroupRules: [],
    DeviceRequests: [],
    MemoryReservation: 0,
    MemorySwap: 0,
    OomKillDisable: false,
    PidsLimit: 0,
    Ulimits: [],
    MaskedPaths: unconfined ? [] : [...defaultMaskedPaths],
    ReadonlyPaths: unconfined ? [] : [...defaultReadonlyPaths],
    ...hostConfig,
    NetworkMode: networkMode(container),
    LogConfig: { Type: LogConfig?.Type || defaultLogLimits.driver, Config: LogConfig?.Config ?? {} },
    RestartPolicy: { Name: RestartPolicy?.Name || 'no', MaximumRetryCount: RestartPolicy?.MaximumRetryCount ?? 0 },
  };
}
