/** Turns the flags of `hako run` and `hako create` into the body of `POST /containers/create`. */
import type { ContainerConfig, ContainerCreateBody, ContainerResources, HealthConfig, HostConfig, RestartPolicy } from '../api/schema.ts';
import { CommandError, UsageError, type Invocation, type Values } from './command.ts';
import type { ContainerFlags, resourceFlags } from './container-flags.ts';
import { parseDevice, parseRate, parseWeight } from './device-flag.ts';
import { environment, keyValues, readLines } from './key-value.ts';
import { parseMount, parseVolume } from './mount-flag.ts';
import { networkSettings } from './network-flag.ts';
import { parsePorts } from './port-flag.ts';
import { securityOptions } from './security-flag.ts';
import { parseUlimit } from './ulimit-flag.ts';

/** Which streams a foreground command shows; all false in the background. */
export interface Attached {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/**
 * Reads `-a`, and what `-i` and `-t` imply where it is not given.
 * @throws UsageError for a stream that is none
 */
export function attachedStreams({ attach, interactive }: Pick<Values<ContainerFlags>, 'attach' | 'interactive'>): Attached {
  const names = attach.map((name) => name.toLowerCase());
  const wrong = names.find((name) => !['stdin', 'stdout', 'stderr'].includes(name));
  if (wrong !== undefined) throw new UsageError(`invalid argument "${wrong}" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR`);
  if (names.length === 0) return { stdin: interactive, stdout: true, stderr: true };
  return { stdin: names.includes('stdin'), stdout: names.includes('stdout'), stderr: names.includes('stderr') };
}

/**
 * @param attached the streams that the client takes
 * @throws CommandError, with exit code 125, for a value that is malformed or a file that can't be read
 */
export function createBody({ flags, args, given }: Invocation<ContainerFlags>, attached: Attached): ContainerCreateBody {
  const [image = '', ...command] = args;
  if (flags.link.length) throw new UsageError('--link is not supported: containers of one network reach each other by address, and --add-host names them');
  const ports = parsePorts(flags.publish, flags.expose);
  const volumes = flags.volume.map(parseVolume);
  const network = networkSettings(flags);
  const anonymous = volumes.flatMap((v) => (v.anonymous ? [v.anonymous] : []));
  const config: ContainerConfig = {
    Image: image,
    AttachStdin: attached.stdin,
    AttachStdout: attached.stdout,
    AttachStderr: attached.stderr,
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && attached.stdin,
    Env: environment(flags['env-file'], flags.env),
    Labels: keyValues([...flags['label-file'].flatMap(readLines), ...flags.label]),
    ...(command.length && { Cmd: command }),
    ...(given.has('entrypoint') && { Entrypoint: [flags.entrypoint ?? ''] }),
    ...(flags.hostname && { Hostname: flags.hostname }),
    ...(flags.domainname && { Domainname: flags.domainname }),
    ...(flags.user && { User: flags.user }),
    ...(flags.workdir && { WorkingDir: flags.workdir }),
    ...(flags['stop-signal'] && { StopSignal: flags['stop-signal'] }),
    ...(flags['stop-timeout'] !== undefined && { StopTimeout: flags['stop-timeout'] }),
    ...(Object.keys(ports.exposed).length && { ExposedPorts: ports.exposed }),
    ...(anonymous.length && { Volumes: Object.fromEntries(anonymous.map((path) => [path, {}])) }),
    ...healthcheck(flags, given),
  };
  const host: HostConfig = {
    ...resources(flags),
    ...devices(flags),
    ...isolation(flags),
    ...securityOptions(flags['security-opt']),
    Binds: volumes.flatMap((v) => (v.bind ? [v.bind] : [])),
    ...(flags.mount.length && { Mounts: flags.mount.map(parseMount) }),
    ...(flags.tmpfs.length && { Tmpfs: Object.fromEntries(flags.tmpfs.map(splitTmpfs)) }),
    ...(flags['volumes-from'].length && { VolumesFrom: [...flags['volumes-from']] }),
    ...(flags['volume-driver'] && { VolumeDriver: flags['volume-driver'] }),
    ...(flags['storage-opt'].length && { StorageOpt: keyValues(flags['storage-opt']) }),
    PortBindings: ports.bindings,
    PublishAllPorts: flags['publish-all'],
    NetworkMode: network.mode,
    ...(flags.dns.length && { Dns: [...flags.dns] }),
    ...(flags['dns-option'].length && { DnsOptions: [...flags['dns-option']] }),
    ...(flags['dns-search'].length && { DnsSearch: [...flags['dns-search']] }),
    ...(flags['add-host'].length && { ExtraHosts: flags['add-host'].map(extraHost) }),
    AutoRemove: flags.rm,
    ...(flags.cidfile && { ContainerIDFile: flags.cidfile }),
    ...(flags.annotation.length && { Annotations: keyValues(flags.annotation) }),
    ...((flags['log-driver'] || flags['log-opt'].length) && { LogConfig: { Type: flags['log-driver'] ?? '', Config: keyValues(flags['log-opt']) } }),
  };
  if (flags.rm && host.RestartPolicy?.Name && host.RestartPolicy.Name !== 'no')
    throw new UsageError('conflicting options: cannot specify both --restart and --rm');
  return { ...config, HostConfig: host, ...(network.endpoints && { NetworkingConfig: { EndpointsConfig: network.endpoints } }) };
}

/** The limits that can be changed while a container runs, too. */
export function resources(flags: Values<typeof resourceFlags>): ContainerResources & { RestartPolicy?: RestartPolicy } {
  return {
    ...(flags['blkio-weight'] !== undefined && { BlkioWeight: flags['blkio-weight'] }),
    ...(flags['cpu-period'] !== undefined && { CpuPeriod: flags['cpu-period'] }),
    ...(flags['cpu-quota'] !== undefined && { CpuQuota: flags['cpu-quota'] }),
    ...(flags['cpu-rt-period'] !== undefined && { CpuRealtimePeriod: flags['cpu-rt-period'] }),
    ...(flags['cpu-rt-runtime'] !== undefined && { CpuRealtimeRuntime: flags['cpu-rt-runtime'] }),
    ...(flags['cpu-shares'] !== undefined && { CpuShares: flags['cpu-shares'] }),
    ...(flags.cpus !== undefined && { NanoCpus: Math.round(flags.cpus * 1e9) }),
    ...(flags['cpuset-cpus'] && { CpusetCpus: flags['cpuset-cpus'] }),
    ...(flags['cpuset-mems'] && { CpusetMems: flags['cpuset-mems'] }),
    ...(flags.memory !== undefined && { Memory: flags.memory }),
    ...(flags['memory-reservation'] !== undefined && { MemoryReservation: flags['memory-reservation'] }),
    ...(flags['memory-swap'] !== undefined && { MemorySwap: flags['memory-swap'] }),
    ...(flags['pids-limit'] !== undefined && { PidsLimit: flags['pids-limit'] }),
    ...(flags.restart !== undefined && { RestartPolicy: parseRestart(flags.restart) }),
  };
}

function devices(flags: Values<ContainerFlags>): HostConfig {
  return {
    ...(flags.device.length && { Devices: flags.device.map(parseDevice) }),
    ...(flags['device-cgroup-rule'].length && { DeviceCgroupRules: flags['device-cgroup-rule'].map(deviceRule) }),
    ...(flags['blkio-weight-device'].length && { BlkioWeightDevice: flags['blkio-weight-device'].map(parseWeight) }),
    ...(flags['device-read-bps'].length && { BlkioDeviceReadBps: flags['device-read-bps'].map((v) => parseRate(v, 'bytes')) }),
    ...(flags['device-write-bps'].length && { BlkioDeviceWriteBps: flags['device-write-bps'].map((v) => parseRate(v, 'bytes')) }),
    ...(flags['device-read-iops'].length && { BlkioDeviceReadIOps: flags['device-read-iops'].map((v) => parseRate(v, 'operations')) }),
    ...(flags['device-write-iops'].length && { BlkioDeviceWriteIOps: flags['device-write-iops'].map((v) => parseRate(v, 'operations')) }),
    ...(flags['memory-swappiness'] !== undefined && { MemorySwappiness: flags['memory-swappiness'] }),
    ...(flags['shm-size'] !== undefined && { ShmSize: flags['shm-size'] }),
    ...(flags.ulimit.length && { Ulimits: flags.ulimit.map(parseUlimit) }),
  };
}

function isolation(flags: Values<ContainerFlags>): HostConfig {
  const { cgroupns } = flags;
  if (cgroupns !== undefined && cgroupns !== 'host' && cgroupns !== 'private' && cgroupns !== '')
    throw new UsageError(`--cgroupns: invalid mode '${cgroupns}', it must be host or private`);
  return {
    ...(flags['cap-add'].length && { CapAdd: [...flags['cap-add']] }),
    ...(flags['cap-drop'].length && { CapDrop: [...flags['cap-drop']] }),
    ...(flags['cgroup-parent'] && { CgroupParent: flags['cgroup-parent'] }),
    ...(cgroupns && { CgroupnsMode: cgroupns }),
    ...(flags['group-add'].length && { GroupAdd: [...flags['group-add']] }),
    ...(flags.init && { Init: true }),
    ...(flags.ipc && { IpcMode: flags.ipc }),
    ...(flags['oom-kill-disable'] && { OomKillDisable: true }),
    ...(flags['oom-score-adj'] !== undefined && { OomScoreAdj: flags['oom-score-adj'] }),
    ...(flags.pid && { PidMode: flags.pid }),
    Privileged: flags.privileged,
    ReadonlyRootfs: flags['read-only'],
    ...(flags.runtime && { Runtime: flags.runtime }),
    ...(flags.sysctl.length && { Sysctls: keyValues(flags.sysctl) }),
    ...(flags.userns && { UsernsMode: flags.userns }),
    ...(flags.uts && { UTSMode: flags.uts }),
  };
}

function healthcheck(flags: Values<ContainerFlags>, given: ReadonlySet<string>): { Healthcheck?: HealthConfig } {
  const set = [...given].filter((name) => name.startsWith('health-'));
  if (flags['no-healthcheck']) {
    if (set.length) throw new UsageError('--no-healthcheck conflicts with --health-* options');
    return { Healthcheck: { Test: ['NONE'] } };
  }
  if (set.length === 0) return {};
  const times = {
    Interval: flags['health-interval'],
    Timeout: flags['health-timeout'],
    StartPeriod: flags['health-start-period'],
    StartInterval: flags['health-start-interval'],
    Retries: flags['health-retries'],
  };
  const health: HealthConfig = flags['health-cmd'] ? { Test: ['CMD-SHELL', flags['health-cmd']] } : {};
  for (const [name, value] of Object.entries(times) as [keyof typeof times, number | undefined][]) {
    if (value === undefined) continue;
    if (value < 0) throw new UsageError(`the health check's ${name} cannot be negative`);
    health[name] = value;
  }
  return { Healthcheck: health };
}

/** `no`, `on-failure[:N]`, `always`, `unless-stopped`. */
function parseRestart(text: string): RestartPolicy {
  const match = /^(no|always|unless-stopped|on-failure)?(?::(\d+))?$/.exec(text);
  if (!match) throw new UsageError(`invalid restart policy '${text}': it must be no, on-failure[:N], always or unless-stopped`);
  if (match[2] !== undefined && match[1] !== 'on-failure') throw new UsageError(`invalid restart policy '${text}': only on-failure takes a maximum of tries`);
  return { Name: (match[1] ?? 'no') as NonNullable<RestartPolicy['Name']>, MaximumRetryCount: Number(match[2] ?? 0) };
}

function splitTmpfs(text: string): [string, string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** `host:ip` or `host=ip`; the address may be IPv6, in brackets or not. */
function extraHost(text: string): string {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  if (!match) throw new UsageError(`invalid argument "${text}" for "--add-host" flag: it must have the form HOST:ADDRESS`);
  return `${match[1]}:${match[2]!.replace(/^\[(.*)\]$/, '$1')}`;
}

function deviceRule(text: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(text))
    throw new CommandError(`invalid device cgroup rule '${text}': it must have the form 'TYPE MAJOR:MINOR ACCESS', such as 'c 42:* rmw'`, { exitCode: 125 });
  return text;
}
