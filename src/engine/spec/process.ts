/** The process of a container, and of an exec in it: user, capabilities, filter, limits. */
import type { HostConfig } from '../../api/schema.ts';
import { availableCapabilities, capabilitySets, containerCapabilities } from '../../runtime/capabilities.ts';
import { parseSecurityOptions, SecurityOptionError, seccompFor } from '../../runtime/security-options.ts';
import type { ProcessSpec, SeccompSpec } from '../../runtime/spec.ts';
import type { ContainerUser } from '../../runtime/user.ts';
import { rlimitsOf } from './limits.ts';
import { hasUserNamespace } from './namespaces.ts';
import { refusing } from './refusal.ts';

/** What confines a process. */
export interface Confinement {
  readonly capabilities: readonly string[];
  readonly seccomp: SeccompSpec | undefined;
  readonly noNewPrivileges: boolean;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Capabilities, filter and hidden paths, from the options.
 * @param privileged of an exec, which may have more than its container
 * @throws EngineError 400 for an unknown capability or security option, or a profile that is not valid
 */
export function confinementOf(host: HostConfig, privileged = host.Privileged ?? false): Confinement {
  return refusing(() => {
    const options = parseSecurityOptions(host.SecurityOpt ?? [], privileged, refuseFile);
    const { capabilities, warnings } = containerCapabilities(
      { add: host.CapAdd ?? [], drop: host.CapDrop ?? [], privileged },
      availableCapabilities(hasUserNamespace(host)),
    );
    return {
      capabilities,
      seccomp: seccompFor(options, capabilities),
      noNewPrivileges: options.noNewPrivileges,
      maskedPaths: host.MaskedPaths ?? options.maskedPaths,
      readonlyPaths: host.ReadonlyPaths ?? options.readonlyPaths,
      warnings: [...options.warnings, ...warnings],
    };
  });
}

/** A profile comes as its text: the engine reads no file that a client names. */
function refuseFile(path: string): never {
  throw new SecurityOptionError(`invalid --security-opt "seccomp=${path.slice(0, 80)}": the API takes the profile itself, as JSON`);
}

/** What is the same for every process of a container. @throws EngineError 400 for a limit that cannot be */
export function processOf(
  host: HostConfig,
  confinement: Confinement,
  user: ContainerUser,
  command: Pick<ProcessSpec, 'args' | 'env' | 'cwd' | 'terminal'>,
): { readonly process: ProcessSpec; readonly warnings: readonly string[] } {
  const { rlimits, warnings } = rlimitsOf(host);
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
