/**
 * The seccomp filter of `hako cap run --seccomp`. It is loaded last of all, so that a profile need list nothing but execve and what the
 * program itself calls. See seccomp(2), runtime/seccomp/load.ts.
 */
import { capabilitiesIn, capabilityMask } from '../../kernel/capability.ts';
import { parseSecurityOptions, seccompFor } from '../../runtime/security-options.ts';
import { seccompSteps } from '../../runtime/seccomp/load.ts';
import type { Step } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import type { Credentials } from './credentials.ts';

/**
 * @param profile a file as `--security-opt seccomp=` takes it, `builtin` or `unconfined`
 * @param credentials with which it is loaded
 * @throws ElementError where the kernel would take no filter; SecurityOptionError, SeccompError for what is no profile
 */
export function filterSteps(profile: string, { sets, noNewPrivileges }: Pick<Credentials, 'sets' | 'noNewPrivileges'>): Step[] {
  const spec = seccompFor(parseSecurityOptions([`seccomp=${profile}`]), capabilitiesIn(sets.bounding));
  if (!spec) return [];
  if (!noNewPrivileges && !(sets.effective & capabilityMask(['CAP_SYS_ADMIN'])))
    throw new ElementError(
      'the kernel takes a filter only from who has CAP_SYS_ADMIN in force, or has promised that no program gains privileges: add --no-new-privs',
    );
  return seccompSteps(spec);
}
