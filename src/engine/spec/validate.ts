/** Checks of what a client asks for, before anything is made. The sentences are Docker's where scripts look for them. */
import type { ContainerConfig, ContainerCreateBody, HostConfig } from '../../api/schema.ts';
import type { CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { unsupported } from '../../runtime/cgroup/limits.ts';
import { validateSysctls } from '../../runtime/sysctl.ts';
import { EngineError } from '../engine.ts';
import { signalNumber } from '../signal.ts';
import { checkDevices, deviceWarnings } from './devices.ts';
import { checkHostname } from './hostname.ts';
import { oomScoreOf, rlimitsOf } from './limits.ts';
import { namespacesOf, networkTarget } from './namespaces.ts';
import { portBindings } from './ports.ts';
import { confinementOf } from './process.ts';
import { refuse, refusing } from './refusal.ts';
import { limitsOf } from './resources.ts';
import { timeOffsets } from './time-offsets.ts';
import { validateModes } from './validate-modes.ts';
import { validateNetwork } from './validate-network.ts';
import { validateResources } from './validate-resources.ts';

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws EngineError 400 */
export function validateName(name: string): void {
  if (!namePattern.test(name.replace(/^\//, '')) || name.length > 255) {
    throw new EngineError(400, `Invalid container name (${name.slice(0, 80)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
}

/**
 * Checks a request to create a container.
 * @param layout the machine's cgroups: what they cannot give becomes a warning
 * @returns warnings, one sentence each
 * @throws EngineError 400, and 404 for a network that there is not
 */
export function validateCreate(body: ContainerCreateBody, layout?: CgroupLayout): string[] {
  const host = body.HostConfig ?? {};
  validateConfig(body);
  validateHost(host);
  return [
    ...validateModes(body, host),
    ...validateNetwork(body, host),
    ...validateResources(host),
    ...validateSecurity(host),
    ...rlimitsOf(host).warnings,
    ...oomScoreOf(host).warnings,
    ...deviceWarnings(host),
    ...(layout ? unsupported(layout, limitsOf(host)) : []),
  ];
}

function validateConfig(body: ContainerConfig): void {
  checkHostname(body);
  refuse(!!body.WorkingDir && !body.WorkingDir.startsWith('/'), `the working directory '${body.WorkingDir}' is invalid, it needs to be an absolute path`);
  if (body.StopSignal) signalNumber(body.StopSignal);
  for (const entry of body.Env ?? []) refuse(entry === '' || entry.startsWith('='), `invalid environment variable: ${entry.slice(0, 80)}`);
  const words = [...(body.Entrypoint ?? []), ...(body.Cmd ?? []), ...(body.Env ?? []), body.WorkingDir ?? '', body.User ?? ''];
  // The kernel would take what comes before it for the whole.
  for (const word of words)
    refuse(word.includes('\0'), `${JSON.stringify(word.slice(0, 80))} has a NUL character, which commands, variables, paths and users cannot have`);
  portBindings({}, body);
  for (const path of Object.keys(body.Volumes ?? {}))
    refuse(!path.startsWith('/'), `invalid volume specification: '${path}': invalid mount path: '${path}' mount path must be absolute`);
  validateHealthcheck(body.Healthcheck ?? {});
}

const millisecond = 1_000_000;

function validateHealthcheck({ Test, Retries = 0, ...times }: NonNullable<ContainerConfig['Healthcheck']>): void {
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const time = times[name] ?? 0;
    refuse(time !== 0 && time < millisecond, `${name} in Healthcheck cannot be less than 1ms`);
  }
  refuse(Retries < 0, 'Retries in Healthcheck cannot be negative');
  const [kind = '', ...command] = Test ?? [];
  refuse(!['', 'NONE', 'CMD', 'CMD-SHELL'].includes(kind), `unknown type "${kind.slice(0, 80)}" in Healthcheck: use NONE, CMD or CMD-SHELL`);
  refuse(kind.startsWith('CMD') && command.length === 0, `the Healthcheck has no command after ${kind}`);
}

function validateSecurity(host: HostConfig): readonly string[] {
  const { warnings } = confinementOf(host);
  const own = new Set(namespacesOf(host, {}, false).map((n) => n.type));
  if (networkTarget(host).kind === 'bridge') own.add('network');
  refusing(() => validateSysctls(host.Sysctls ?? {}, own));
  for (const path of [...(host.MaskedPaths ?? []), ...(host.ReadonlyPaths ?? [])]) {
    refuse(!path.startsWith('/') || path.includes('\0'), `invalid path to mask or make read-only: '${path.slice(0, 200)}' is not absolute`);
  }
  checkDevices(host);
  timeOffsets(host);
  return warnings;
}

const runtimes = ['runc', 'hako', 'io.containerd.runc.v2'];

function validateHost(host: HostConfig): void {
  refuse(!!host.Runtime && !runtimes.includes(host.Runtime), `unknown or invalid runtime name: ${host.Runtime}`);
  refuse(!!host.Isolation && host.Isolation !== 'default', `invalid isolation '${host.Isolation}': Linux has 'default'`);
  const [request] = host.DeviceRequests ?? [];
  refuse(
    request !== undefined,
    `could not select device driver "${request?.Driver ?? ''}": requests for GPUs and the like are not supported, name the devices with --device`,
  );
  refuse((host.ShmSize ?? 0) < 0, 'SHM size can not be less than 0');
  refuse(Object.keys(host.StorageOpt ?? {}).length > 0, 'storage options are not supported: the writable layer has no size limit of its own');
  refuse(!!host.VolumeDriver && host.VolumeDriver !== 'local', `volume driver '${host.VolumeDriver}' not found: there is 'local'`);
}
