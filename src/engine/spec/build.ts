/** From a container's record to the OCI runtime specification: every option, in one place each. */
import type { ContainerConfig, HostConfig, MountPoint } from '../../api/schema.ts';
import type { Spec } from '../../runtime/spec.ts';
import type { ContainerUser } from '../../runtime/user.ts';
import { devicesOf } from './devices.ts';
import { environmentOf } from './environment.ts';
import { hostnameOf } from './hostname.ts';
import { oomScoreOf } from './limits.ts';
import { mountsOf, type GeneratedFiles } from './mounts.ts';
import { hasUserNamespace, namespacesOf, userMapping, type JoinedNamespaces } from './namespaces.ts';
import { confinementOf, processOf } from './process.ts';
import { refuse } from './refusal.ts';
import { resourcesOf } from './resources.ts';
import { timeOffsets } from './time-offsets.ts';

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
}

/**
 * Builds the specification.
 * @returns warnings too: what this engine cannot give. What the machine's cgroups cannot, the start itself says
 * @throws EngineError 400 for what only the host can tell to be wrong: a device that there is not; and for a NUL in what an image says
 */
export function buildSpec(input: SpecInput): { readonly spec: Spec; readonly warnings: string[] } {
  const { id, config, hostConfig, user } = input;
  const confinement = confinementOf(hostConfig);
  const hostname = hostnameOf(id, config, hostConfig);
  const ownNames = hostConfig.UTSMode !== 'host';
  const { process, warnings } = processOf(hostConfig, confinement, user, {
    args: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])],
    env: environmentOf(config, hostname, user.home),
    cwd: config.WorkingDir || '/',
    terminal: config.Tty ?? false,
  });
  const { devices, rules, binds } = devicesOf(hostConfig);
  const score = oomScoreOf(hostConfig);
  const offsets = timeOffsets(hostConfig);
  const mapping = hasUserNamespace(hostConfig) ? [userMapping(hostConfig.UsernsMode!)] : undefined;
  const [height, width] = hostConfig.ConsoleSize ?? [];
  const spec: Spec = {
    ociVersion: '1.2.0',
    process: {
      ...process,
      ...(height && width ? { consoleSize: { height, width } } : {}),
      ...(score.value === undefined ? {} : { oomScoreAdj: score.value }),
    },
    root: { path: 'rootfs', readonly: hostConfig.ReadonlyRootfs ?? false },
    ...(ownNames ? { hostname } : {}),
    ...(ownNames && config.Domainname ? { domainname: config.Domainname } : {}),
    mounts: mountsOf(hostConfig, input.mounts, input.files, binds),
    ...(hostConfig.Annotations ? { annotations: hostConfig.Annotations } : {}),
    linux: {
      namespaces: namespacesOf(hostConfig, input.joined, offsets !== undefined),
      ...(mapping ? { uidMappings: mapping, gidMappings: mapping } : {}),
      ...(offsets ? { timeOffsets: offsets } : {}),
      devices,
      resources: resourcesOf(hostConfig, rules),
      cgroupsPath: input.cgroupsPath,
      ...(hostConfig.Sysctls ? { sysctl: hostConfig.Sysctls } : {}),
      ...(confinement.seccomp ? { seccomp: confinement.seccomp } : {}),
      maskedPaths: confinement.maskedPaths,
      readonlyPaths: confinement.readonlyPaths,
      // Mounts of the host's come into the container only where a mount of the user's is to receive them.
      rootfsPropagation: input.mounts.some((m) => /shared|slave/.test(m.Propagation)) ? 'slave' : 'private',
    },
  };
  refuseNul(spec);
  return { spec, warnings: [...confinement.warnings, ...warnings, ...score.warnings] };
}

/** The kernel would take what comes before a NUL for the whole, and in a shell line it would name a variable (src/step/shell.ts). */
function refuseNul(value: unknown): void {
  if (typeof value === 'string')
    refuse(
      value.includes('\0'),
      `the container's configuration is refused: ${JSON.stringify(value.slice(0, 80))} has a NUL character, which nothing that the kernel is told can have`,
    );
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) refuseNul(key);
      refuseNul(inner);
    }
}
