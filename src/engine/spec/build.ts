/** From a container's record to the OCI runtime specification: every option, in one place each. */
import type { ContainerConfig, HostConfig, MountPoint } from '../../api/schema.ts';
import type { CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { unsupported } from '../../runtime/cgroup/limits.ts';
import { availableCapabilities } from '../../runtime/capabilities.ts';
import { defaultDeviceRules, defaultDevices, hostDevices, parseDeviceCgroupRule, privilegedDeviceRules, resolveDevice } from '../../runtime/devices.ts';
import type { DeviceRule, DeviceSpec, Spec } from '../../runtime/spec.ts';
import type { ContainerUser } from '../../runtime/user.ts';
import { EngineError } from '../engine.ts';
import { mountsOf, type GeneratedFiles } from './mounts.ts';
import { hasUserNamespace, namespacesOf, userMapping, type JoinedNamespaces } from './namespaces.ts';
import { confinementOf, environmentOf, processOf } from './process.ts';
import { resourcesOf } from './resources.ts';

/** What the specification is built from. */
export interface SpecInput {
  readonly id: string;
  /** With the image's configuration merged in. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly user: ContainerUser;
  readonly files: GeneratedFiles;
  readonly mounts: readonly MountPoint[];
  readonly joined: JoinedNamespaces;
  readonly cgroupsPath: string;
  readonly layout: CgroupLayout;
}

/** Annotations that set a container's clocks off, in seconds: a time namespace. */
export const timeAnnotations = { boottime: 'hakobune.time.boottime', monotonic: 'hakobune.time.monotonic' } as const;

/** Builds the specification. @throws EngineError 400 for what only the host can tell to be wrong: a device that there is not */
export function buildSpec(input: SpecInput): { readonly spec: Spec; readonly warnings: string[] } {
  const { id, config, hostConfig, user, layout } = input;
  const confinement = confinementOf(hostConfig);
  const hostname = hostConfig.UTSMode === 'host' ? undefined : config.Hostname || id.slice(0, 12);
  const { process, warnings } = processOf(hostConfig, confinement, user, {
    args: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])],
    env: environmentOf(config, hostname ?? '', user.home),
    cwd: config.WorkingDir || '/',
    terminal: config.Tty ?? false,
  });
  const { devices, rules } = devicesOf(hostConfig);
  const resources = resourcesOf(hostConfig, rules);
  const score = oomScore(hostConfig);
  const offsets = timeOffsets(hostConfig);
  const mapping = hasUserNamespace(hostConfig) ? [userMapping(hostConfig.UsernsMode!)] : undefined;
  const spec: Spec = {
    ociVersion: '1.2.0',
    process: { ...process, ...(hostConfig.ConsoleSize ? { consoleSize: { height: hostConfig.ConsoleSize[0], width: hostConfig.ConsoleSize[1] } } : {}), ...(score.value === undefined ? {} : { oomScoreAdj: score.value }) },
    root: { path: 'rootfs', readonly: hostConfig.ReadonlyRootfs ?? false },
    ...(hostname === undefined ? {} : { hostname }),
    ...(config.Domainname ? { domainname: config.Domainname } : {}),
    mounts: mountsOf(hostConfig, input.mounts, input.files),
    ...(hostConfig.Annotations ? { annotations: hostConfig.Annotations } : {}),
    linux: {
      namespaces: namespacesOf(hostConfig, input.joined, offsets !== undefined),
      ...(mapping ? { uidMappings: mapping, gidMappings: mapping } : {}),
      ...(offsets ? { timeOffsets: offsets } : {}),
      devices, resources,
      cgroupsPath: input.cgroupsPath,
      ...(hostConfig.Sysctls ? { sysctl: hostConfig.Sysctls } : {}),
      ...(confinement.seccomp ? { seccomp: confinement.seccomp } : {}),
      maskedPaths: confinement.maskedPaths,
      readonlyPaths: confinement.readonlyPaths,
      rootfsPropagation: input.mounts.some((m) => /shared|slave/.test(m.Propagation)) ? 'slave' : 'private',
    },
  };
  return { spec, warnings: [...confinement.warnings, ...warnings, ...score.warnings, ...unsupported(layout, resources)] };
}

function devicesOf(hostConfig: HostConfig): { readonly devices: readonly DeviceSpec[]; readonly rules: readonly DeviceRule[] } {
  if (hostConfig.Privileged) return { devices: hostDevices(), rules: privilegedDeviceRules };
  const asked = (hostConfig.Devices ?? []).map(({ PathOnHost, PathInContainer, CgroupPermissions }) => {
    try {
      return resolveDevice({ pathOnHost: PathOnHost, pathInContainer: PathInContainer || PathOnHost, permissions: CgroupPermissions || 'rwm' });
    } catch (error) {
      throw new EngineError(400, (error as Error).message);
    }
  });
  const own = (hostConfig.DeviceCgroupRules ?? []).map(parseDeviceCgroupRule);
  if (asked.length + own.length === 0) return { devices: defaultDevices, rules: defaultDeviceRules };
  return { devices: [...defaultDevices, ...asked.flatMap((d) => d.devices)], rules: [...defaultDeviceRules, ...asked.flatMap((d) => d.rules), ...own] };
}

/** Lowering the score takes CAP_SYS_RESOURCE, which the engine itself may lack. */
function oomScore({ OomScoreAdj }: HostConfig): { readonly value?: number; readonly warnings: readonly string[] } {
  if (!OomScoreAdj) return { warnings: [] };
  if (OomScoreAdj < 0 && !availableCapabilities().includes('CAP_SYS_RESOURCE')) return { warnings: [`oom_score_adj ${OomScoreAdj} is not set: the engine lacks CAP_SYS_RESOURCE, which lowering it takes`] };
  return { value: OomScoreAdj, warnings: [] };
}

function timeOffsets({ Annotations = {} }: HostConfig): Record<string, { secs: number; nanosecs: number }> | undefined {
  const offsets = Object.entries(timeAnnotations).flatMap(([clock, name]) => {
    const text = Annotations[name];
    if (text === undefined) return [];
    if (!/^-?\d{1,10}$/.test(text)) throw new EngineError(400, `the annotation ${name}=${text} is not a number of seconds`);
    return [[clock, { secs: Number(text), nanosecs: 0 }] as const];
  });
  return offsets.length ? Object.fromEntries(offsets) : undefined;
}
