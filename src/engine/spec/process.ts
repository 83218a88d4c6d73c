/** The process of a container, and of an exec in it: user, capabilities, limits, environment. */
import type { ContainerConfig, HostConfig } from '../../api/schema.ts';
import { availableCapabilities, capabilitySets, containerCapabilities } from '../../runtime/capabilities.ts';
import { clampRlimits } from '../../runtime/rlimits.ts';
import { parseSecurityOptions, seccompFor } from '../../runtime/security-options.ts';
import type { ProcessSpec, SeccompSpec } from '../../runtime/spec.ts';
import type { ContainerUser } from '../../runtime/user.ts';
import { hasUserNamespace } from './namespaces.ts';

/** What confines a process. */
export interface Confinement {
  readonly capabilities: readonly string[];
  readonly seccomp: SeccompSpec | undefined;
  readonly noNewPrivileges: boolean;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly warnings: readonly string[];
}

/** Capabilities, filter and hidden paths, from the options. */
export function confinementOf(host: HostConfig, privileged = host.Privileged ?? false): Confinement {
  const options = parseSecurityOptions(host.SecurityOpt ?? [], privileged);
  const { capabilities, warnings } = containerCapabilities({ add: host.CapAdd ?? [], drop: host.CapDrop ?? [], privileged }, availableCapabilities(hasUserNamespace(host)));
  return {
    capabilities,
    seccomp: seccompFor(options, capabilities),
    noNewPrivileges: options.noNewPrivileges,
    maskedPaths: host.MaskedPaths ?? options.maskedPaths,
    readonlyPaths: host.ReadonlyPaths ?? options.readonlyPaths,
    warnings: [...options.warnings, ...warnings],
  };
}

/** What is the same for every process of a container. */
export function processOf(
  host: HostConfig, confinement: Confinement, user: ContainerUser, command: Pick<ProcessSpec, 'args' | 'env' | 'cwd' | 'terminal'>,
): { readonly process: ProcessSpec; readonly warnings: readonly string[] } {
  const limits = (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({ type: `RLIMIT_${Name.toUpperCase()}`, soft: unlimited(Soft), hard: unlimited(Hard) }));
  const { rlimits, warnings } = clampRlimits(limits, availableCapabilities().includes('CAP_SYS_RESOURCE'));
  const { capabilities, noNewPrivileges } = confinement;
  const sets = capabilitySets(capabilities);
  return {
    warnings,
    process: {
      ...command,
      user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
      // Who is not root has no capabilities but those that a file gives.
      capabilities: user.uid === 0 ? sets : { bounding: sets.bounding ?? [], permitted: [], effective: [], inheritable: [], ambient: [] },
      rlimits,
      noNewPrivileges,
    },
  };
}

const unlimited = (value: number): number => (value === -1 ? Number.POSITIVE_INFINITY : value);

/** The environment: the configuration's, with what every container gets unless it is set. */
export function environmentOf(config: Pick<ContainerConfig, 'Env' | 'Tty'>, hostname: string, home: string): string[] {
  const set = new Set((config.Env ?? []).map((entry) => entry.split('=', 1)[0]));
  const given = [['HOSTNAME', hostname], ...(config.Tty ? [['TERM', 'xterm']] : []), ['HOME', home]];
  return [...(config.Env ?? []), ...given.flatMap(([name, value]) => (set.has(name) ? [] : [`${name}=${value}`]))];
}
