/** Checks of what a client asks for, before anything is made. The sentences are Docker's where scripts look for them. */
import type { ContainerCreateBody, ContainerResources, HostConfig } from '../../api/schema.ts';
import { availableParallelism } from 'node:os';
import { parseDeviceCgroupRule } from '../../runtime/devices.ts';
import { containerCapabilities, availableCapabilities } from '../../runtime/capabilities.ts';
import { parseSecurityOptions } from '../../runtime/security-options.ts';
import { validateSysctls } from '../../runtime/sysctl.ts';
import { EngineError } from '../engine.ts';
import { signalNumber } from '../signal.ts';
import { namespacesOf, networkTarget, hasUserNamespace, userMapping } from './namespaces.ts';
import { portBindings } from './ports.ts';

const leastMemory = 6 << 20;
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws EngineError 400 */
export function validateName(name: string): void {
  if (!namePattern.test(name.replace(/^\//, '')) || name.length > 255) {
    throw new EngineError(400, `Invalid container name (${name.slice(0, 80)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
}

function refuse(condition: boolean, sentence: string): void {
  if (condition) throw new EngineError(400, sentence);
}

/**
 * Checks a request to create a container.
 * @returns warnings
 * @throws EngineError 400
 */
export function validateCreate(body: ContainerCreateBody): string[] {
  const host = body.HostConfig ?? {};
  const warnings: string[] = [];
  validateResources(host);
  validateModes(body, host, warnings);
  validateSecurity(host, warnings);
  refuse(!!body.WorkingDir && !body.WorkingDir.startsWith('/'), `the working directory '${body.WorkingDir}' is invalid, it needs to be an absolute path`);
  if (body.StopSignal) signalNumber(body.StopSignal);
  for (const entry of body.Env ?? []) refuse(entry === '' || entry.startsWith('=') || entry.includes('\0'), `invalid environment variable: ${entry.slice(0, 80)}`);
  for (const word of [...(body.Entrypoint ?? []), ...(body.Cmd ?? [])]) refuse(word.includes('\0'), 'a command cannot contain a NUL character');
  const { Hostname = '' } = body;
  refuse(Hostname !== '' && (!/^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$/.test(Hostname) || Hostname.length > 63), `invalid hostname format: ${Hostname.slice(0, 80)}`);
  portBindings(host, body);
  return warnings;
}

/** Checks limits, of a new container or for an update. @throws EngineError 400 */
export function validateResources(host: ContainerResources): void {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0, MemorySwappiness, NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0, PidsLimit = 0, BlkioWeight = 0 } = host;
  refuse(Memory < 0 || (Memory > 0 && Memory < leastMemory), 'Minimum memory limit allowed is 6MB');
  refuse(MemorySwap > 0 && Memory > 0 && MemorySwap < Memory, 'Minimum memoryswap limit should be larger than memory limit, see usage');
  refuse(MemorySwap > 0 && Memory === 0, 'You should always set the Memory limit when using Memoryswap limit, see usage');
  refuse(MemoryReservation > 0 && MemoryReservation < leastMemory, 'Minimum memory reservation allowed is 6MB');
  refuse(MemoryReservation > 0 && Memory > 0 && Memory < MemoryReservation, 'Minimum memory limit can not be less than memory reservation limit, see usage');
  refuse(MemorySwappiness !== undefined && (MemorySwappiness < -1 || MemorySwappiness > 100), `Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
  refuse(NanoCpus > 0 && (CpuPeriod > 0 || CpuQuota !== 0), 'Conflicting options: Nano CPUs and CPU Period or Quota cannot both be set');
  const cpus = availableParallelism();
  refuse(NanoCpus < 0 || NanoCpus > cpus * 1e9, `range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  refuse(NanoCpus > 0 && NanoCpus < 1e7, `range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  refuse(CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000), 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  refuse(CpuQuota > 0 && CpuQuota < 1000, 'CPU cfs quota can not be less than 1ms (i.e. 1000)');
  refuse(CpuShares < 0 || CpuShares > 262_144, `invalid CPU shares (${CpuShares}): use 2 to 262144`);
  refuse(PidsLimit < -1, `invalid pids limit (${PidsLimit}): use a number, or -1 for none`);
  refuse(BlkioWeight !== 0 && (BlkioWeight < 10 || BlkioWeight > 1000), 'Range of blkio weight is from 10 to 1000');
  for (const list of [host.CpusetCpus, host.CpusetMems]) refuse(!!list && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list), `Invalid value ${list} for cpuset: use a list such as 0-2,4`);
}

function validateModes(body: ContainerCreateBody, host: HostConfig, warnings: string[]): void {
  const network = networkTarget(host).kind;
  const user = hasUserNamespace(host);
  if (user) userMapping(host.UsernsMode!);
  refuse(!!body.Hostname && host.UTSMode === 'host', 'conflicting options: hostname and the UTS mode');
  refuse(network === 'container' && !!body.Hostname, 'conflicting options: hostname and the network mode');
  refuse(network === 'container' && Object.keys(host.PortBindings ?? {}).length > 0, 'conflicting options: port publishing and the container type network mode');
  refuse(network === 'container' && (host.Dns?.length ?? 0) > 0, 'conflicting options: dns and the network mode');
  refuse(network === 'container' && (host.ExtraHosts?.length ?? 0) > 0, 'conflicting options: custom host-to-IP mapping and the network mode');
  if (network === 'host' && Object.keys(host.PortBindings ?? {}).length > 0) warnings.push('Published ports are discarded when using host network mode');
  refuse(user && network === 'container', 'cannot share the network of another container while a user namespace of its own is asked for');
  refuse(user && (host.PidMode === 'host' || host.PidMode?.startsWith('container:') === true), "cannot share the PID namespace when user namespaces are enabled");
  refuse(!!host.PidMode && !/^(host|private|container:.+)$/.test(host.PidMode), `invalid PID mode: ${host.PidMode}`);
  refuse(!!host.IpcMode && !/^(host|private|shareable|none|container:.+)$/.test(host.IpcMode), `invalid IPC mode: ${host.IpcMode}`);
  refuse(!!host.UTSMode && host.UTSMode !== 'host', `invalid UTS mode: ${host.UTSMode}`);
  refuse(!!host.CgroupnsMode && !['private', 'host'].includes(host.CgroupnsMode), `invalid cgroup namespace mode: ${host.CgroupnsMode}`);
  const policy = host.RestartPolicy?.Name ?? '';
  refuse(!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(policy), `invalid restart policy '${policy}'`);
  refuse(!!host.AutoRemove && !['', 'no'].includes(policy), "can't create 'AutoRemove' container with restart policy");
  refuse((host.RestartPolicy?.MaximumRetryCount ?? 0) > 0 && policy !== 'on-failure', `invalid restart policy: maximum retry count cannot be used with restart policy '${policy}'`);
  refuse((host.Links?.length ?? 0) > 0, 'links are not supported: containers on the bridge reach each other by address');
  refuse(!!host.Runtime && !['runc', 'hako', 'io.containerd.runc.v2'].includes(host.Runtime), `unknown or invalid runtime name: ${host.Runtime}`);
  refuse(!!host.Isolation && host.Isolation !== 'default', `invalid isolation '${host.Isolation}': Linux has 'default'`);
  refuse((host.DeviceRequests?.length ?? 0) > 0, `could not select device driver "${host.DeviceRequests?.[0]?.Driver ?? ''}": requests for GPUs and the like are not supported, name the devices with --device`);
  refuse((host.ShmSize ?? 0) < 0, 'SHM size can not be less than 0');
  refuse(Object.keys(host.StorageOpt ?? {}).length > 0, 'storage options are not supported: the writable layer has no size limit of its own');
}

function validateSecurity(host: HostConfig, warnings: string[]): void {
  try {
    warnings.push(...parseSecurityOptions(host.SecurityOpt ?? [], host.Privileged).warnings);
    warnings.push(...containerCapabilities({ add: host.CapAdd ?? [], drop: host.CapDrop ?? [], privileged: host.Privileged ?? false }, availableCapabilities()).warnings);
    const own = new Set(namespacesOf(host, {}, false).map((n) => n.type));
    if (networkTarget(host).kind === 'bridge') own.add('network');
    validateSysctls(host.Sysctls ?? {}, own);
    for (const rule of host.DeviceCgroupRules ?? []) parseDeviceCgroupRule(rule);
  } catch (error) {
    throw error instanceof EngineError ? error : new EngineError(400, (error as Error).message);
  }
  const score = host.OomScoreAdj ?? 0;
  refuse(score < -1000 || score > 1000, `Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
}
