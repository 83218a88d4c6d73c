/** Docker's `--security-opt`: what of the default confinement is turned off, replaced or added. */
import { readFileSync, statSync } from 'node:fs';
import { defaultMaskedPaths, defaultReadonlyPaths } from './rootfs/paths.ts';
import { defaultSeccomp } from './seccomp/load.ts';
import { parseProfile, resolveProfile, type SeccompProfile } from './seccomp/profile.ts';
import type { SeccompSpec } from './spec.ts';

/** The options of a container, read. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `default`, `unconfined`, or a profile of the user's. */
  readonly seccomp: 'default' | 'unconfined' | SeccompProfile;
  /** What is hidden and what is read-only; both empty with `systempaths=unconfined` or `--privileged`. */
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly warnings: readonly string[];
}

/** A security option that cannot be used. */
export class SecurityOptionError extends Error {
  override readonly name = 'SecurityOptionError';
}

/** The largest profile file that is read, in bytes. */
const maxProfileSize = 4 << 20;

/**
 * Reads the values of `--security-opt`.
 * @param privileged a privileged container starts without filter and with all paths; an explicit `seccomp=` still counts
 * @param readProfile reads a profile file: the client sends its text instead of its path, so a value that begins with `{` is the profile itself
 * @throws SecurityOptionError for an unknown option or value; SeccompError for a profile that is not valid
 */
export function parseSecurityOptions(options: readonly string[], privileged = false, readProfile: (path: string) => string = readProfileFile): SecurityOptions {
  let noNewPrivileges = false;
  let seccomp: SecurityOptions['seccomp'] = privileged ? 'unconfined' : 'default';
  let allPaths = privileged;
  const warnings: string[] = [];
  for (const option of options) {
    const [name, value] = splitOption(option);
    switch (name) {
      case 'no-new-privileges':
        noNewPrivileges = parseBoolean(option, value);
        break;
      case 'seccomp':
        seccomp = parseSeccomp(option, value, readProfile);
        break;
      case 'systempaths':
        if (value !== 'unconfined') throw new SecurityOptionError(`invalid --security-opt "${option}": the only value of systempaths is unconfined`);
        allPaths = true;
        break;
      case 'apparmor':
        // Without AppArmor there is nothing to confine by; to ask for a profile and not get it must not pass unseen.
        if (value !== 'unconfined' && value !== '')
          throw new SecurityOptionError(`invalid --security-opt "${option}": the engine sets no AppArmor profiles; use apparmor=unconfined`);
        break;
      case 'label':
        if (value !== 'disable') warnings.push(`--security-opt ${option} has no effect: the engine sets no SELinux labels`);
        break;
      default:
        throw new SecurityOptionError(
          `invalid --security-opt "${option}": use no-new-privileges, seccomp=FILE|unconfined|builtin, systempaths=unconfined, apparmor=unconfined or label=disable`,
        );
    }
  }
  return { noNewPrivileges, seccomp, maskedPaths: allPaths ? [] : defaultMaskedPaths, readonlyPaths: allPaths ? [] : defaultReadonlyPaths, warnings };
}

/**
 * The OCI configuration's seccomp part for the options: undefined means no filter.
 * @param capabilities the container's bounding set
 */
export function seccompFor(options: Pick<SecurityOptions, 'seccomp'>, capabilities: readonly string[]): SeccompSpec | undefined {
  if (options.seccomp === 'unconfined') return undefined;
  return options.seccomp === 'default' ? defaultSeccomp(capabilities) : resolveProfile(options.seccomp, { capabilities });
}

/** `name=value`; the older `name:value` is taken too. */
function splitOption(option: string): [name: string, value: string] {
  const at = option.search(/[=:]/);
  return at < 0 ? [option, ''] : [option.slice(0, at), option.slice(at + 1)];
}

function parseBoolean(option: string, value: string): boolean {
  if (['', 'true', 'True', 'TRUE', 't', 'T', '1'].includes(value)) return true;
  if (['false', 'False', 'FALSE', 'f', 'F', '0'].includes(value)) return false;
  throw new SecurityOptionError(`invalid --security-opt "${option}": the value must be true or false`);
}

function parseSeccomp(option: string, value: string, readProfile: (path: string) => string): SecurityOptions['seccomp'] {
  if (value === 'unconfined') return 'unconfined';
  if (value === 'builtin') return 'default';
  if (value === '') throw new SecurityOptionError(`invalid --security-opt "${option}": give a profile file, unconfined or builtin`);
  const inline = value.trimStart().startsWith('{');
  return parseProfile(inline ? value : readProfile(value), inline ? 'given by the client' : value) ?? 'unconfined';
}

function readProfileFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > maxProfileSize) throw new SecurityOptionError(`the seccomp profile ${path} has ${size} bytes; at most ${maxProfileSize} are read`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof SecurityOptionError) throw error;
    throw new SecurityOptionError(`opening seccomp profile (${path}) failed: ${(error as Error).message}`);
  }
}
