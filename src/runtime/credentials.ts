/**
 * The last things a container's process does to itself before execve: it gives up what it must not have. The order is
 * forced by the kernel, and the comments say how. See credentials(7), capabilities(7), prctl(2).
 */
import { call, type Call } from '../kernel/call.ts';
import { capabilityData, capabilityHeader, capabilityMask, capabilityNames, capabilityNumber, lastCapability } from '../kernel/capability.ts';
import { errno } from '../kernel/errno.ts';
import { ambientOptions, prctlOptions } from '../kernel/flags.ts';
import type { Step } from '../step/step.ts';
import { findProgramStep } from './find-program.ts';
import { seccompSteps } from './seccomp/load.ts';
import type { ProcessSpec, SeccompSpec } from './spec.ts';

export interface CredentialOptions {
  /** The process is in a user namespace, whose setup may have forbidden setgroups(2). */
  readonly inUserNamespace: boolean;
  /** It looks for its program first, and ends where there is none. */
  readonly findsProgram?: boolean | undefined;
  /** Taken when the filter is loaded: it waits for its listener to be handed over. */
  readonly filtered?: Step | undefined;
}

/**
 * Credentials, no_new_privs and the seccomp filter in the one order that works for all of them. A process that will
 * have no_new_privs loads the filter last, so that the filter need not allow what comes before; without no_new_privs
 * only CAP_SYS_ADMIN may load one, so it comes first, and the filter must allow the calls that follow.
 */
export function confinementSteps(process: ProcessSpec, seccomp: SeccompSpec | undefined, options: CredentialOptions): Step[] {
  const filter = seccomp ? [...seccompSteps(seccomp), ...(options.filtered ? [options.filtered] : [])] : [];
  // As the user that it will be; before a filter where that can be.
  const find = options.findsProgram ? [findProgramStep(process.args, process.env)] : [];
  if (!process.noNewPrivileges) return [...filter, ...credentialSteps(process, options), ...find];
  return [...credentialSteps(process, options), ...find, noNewPrivilegesStep(), ...filter];
}

/** The call among them that loads the filter: what it returns is the listener, where the filter hands calls over. */
export function listenerOf(confinement: readonly Step[]): Call {
  return confinement.find(({ id }) => id === 'seccomp.filter')!.calls[0]!;
}

/** The steps that set user, groups and capabilities. */
export function credentialSteps(process: ProcessSpec, options: CredentialOptions): Step[] {
  const sets = process.capabilities;
  const steps: Step[] = [];
  // The bounding set can only be cut with CAP_SETPCAP, which the user change may take away.
  if (sets) steps.push(...boundingSteps(sets.bounding ?? []));
  // Leaving uid 0 clears the permitted set, and with it what capset and the ambient set are to keep.
  const keep = sets !== undefined && process.user.uid !== 0;
  const begun = steps.length > 0;
  if (keep) steps.push(keepCapabilitiesStep());
  steps.push(...userSteps(process, options, begun));
  if (sets) {
    // Only after the user change: it still needs CAP_SETUID and CAP_SETGID.
    steps.push(capabilitiesStep(sets));
    // Raising needs the capability in permitted and inheritable, so after capset; it clears what the caller had first.
    steps.push(ambientStep(sets.ambient ?? []));
  }
  return steps;
}

/** Makes execve never give more privileges, by set-user-ID bits or file capabilities. */
export function noNewPrivilegesStep(): Step {
  return {
    id: 'process.no-new-privileges',
    what: 'Let no program raise its privileges',
    calls: [call('prctl', [prctlOptions.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0])],
    shell: 'set -- "$@" --no-new-privs',
    look: 'grep NoNewPrivs /proc/$PID/status',
  };
}

/** Takes every capability but these out of the bounding set: nothing can bring them back, not even execve. None where it has no others. */
export function boundingSteps(bounding: readonly string[]): Step[] {
  const keep = new Set(bounding.map(capabilityNumber));
  const drop = Array.from({ length: lastCapability() + 1 }, (_, number) => number).filter((number) => !keep.has(number));
  if (drop.length === 0) return [];
  const short = (number: number): string => (capabilityNames[number] ?? `cap_${number}`).replace(/^CAP_/, '').toLowerCase();
  return [
    {
      id: 'capability.bounding',
      what: `Drop ${drop.length} capabilities for good`,
      calls: drop.map((number) => call('prctl', [prctlOptions.PR_CAPBSET_DROP, number, 0, 0, 0])),
      get shell() {
        return `set -- "$@" \${host}setpriv --bounding-set ${drop.map((number) => `-${short(number)}`).join(',')}`;
      },
      look: 'grep CapBnd /proc/$PID/status',
    },
  ];
}

/** Lets the permitted set survive leaving uid 0. Undone by {@link capabilitiesStep}, and by execve. */
export function keepCapabilitiesStep(): Step {
  return {
    id: 'capability.keep',
    what: 'Keep the permitted capabilities over the change of user',
    calls: [call('prctl', [prctlOptions.PR_SET_KEEPCAPS, 1, 0, 0, 0])],
    shell: '# setpriv(1) does so itself when it changes the user.',
    look: 'setpriv --dump',
  };
}

/** As many as are named. */
const fewGroups = 20;
const listed = (groups: readonly number[]): string => {
  const more = groups.length - fewGroups;
  return `${groups.slice(0, fewGroups).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

/**
 * Becomes a user with groups, and sets the umask where one is given.
 * @param begun a setpriv(1) has been begun: only the same one still has the right to change the user
 */
export function userSteps({ user }: Pick<ProcessSpec, 'user'>, { inUserNamespace }: CredentialOptions, begun = false): Step[] {
  const groups = user.additionalGids ?? [];
  const list = new Uint8Array(Uint32Array.from(groups).buffer);
  // The order is from least to most: after setresuid there is no right to set groups. setgroups is always called:
  // the engine's own groups must not stay. A user namespace made without privilege has none to give up, and says EPERM.
  const accept = inUserNamespace && groups.length === 0 ? { accept: [errno.EPERM] } : {};
  const calls: Call[] = [
    call('setgroups', [groups.length, groups.length === 0 ? null : list], accept),
    call('setresgid', [user.gid, user.gid, user.gid], unmapped('group', user.gid)),
    call('setresuid', [user.uid, user.uid, user.uid], unmapped('user', user.uid)),
  ];
  const steps: Step[] = [
    {
      id: 'process.user',
      what: `Become user ${user.uid}, group ${user.gid}${groups.length ? `, with groups ${listed(groups)}` : ''}`,
      calls,
      shell: `set -- "$@" ${begun ? '' : '${host}setpriv '}--reuid ${user.uid} --regid ${user.gid} ${groups.length ? `--groups ${groups.join(',')}` : '--clear-groups'}`,
      look: "grep -E '^(Uid|Gid|Groups)' /proc/$PID/status",
    },
  ];
  if (user.umask !== undefined) {
    const octal = user.umask.toString(8).padStart(4, '0');
    steps.push({
      id: 'process.umask',
      what: `Set the umask to ${octal}`,
      calls: [call('umask', [user.umask])],
      shell: `umask ${octal}`,
      look: 'grep Umask /proc/$PID/status',
    });
  }
  return steps;
}

/** Why the kernel knows no such id: it is invalid only where it has no other outside. See user_namespaces(7). */
const unmapped = (kind: string, id: number): { readonly failureDetail: (number: number) => string | undefined } => ({
  failureDetail: (number) => (number === errno.EINVAL ? `the user namespace has no ${kind} ${id}` : undefined),
});

/** Sets permitted, effective and inheritable. */
export function capabilitiesStep(sets: NonNullable<ProcessSpec['capabilities']>): Step {
  const effective = sets.effective ?? [];
  return {
    id: 'capability.set',
    what: effective.length ? `Hold ${effective.length} capabilities` : 'Hold no capability',
    calls: [
      call('capset', [
        capabilityHeader(),
        capabilityData({
          effective: capabilityMask(effective),
          permitted: capabilityMask(sets.permitted ?? []),
          inheritable: capabilityMask(sets.inheritable ?? []),
        }),
      ]),
      call('prctl', [prctlOptions.PR_SET_KEEPCAPS, 0, 0, 0, 0]),
    ],
    // What is permitted and effective follows from the user and the bounding set, at execve.
    get shell() {
      return `set -- "$@" --inh-caps ${capabilityChange(sets.inheritable ?? [])}`;
    },
    look: 'grep Cap /proc/$PID/status',
  };
}

/** These and no others, as setpriv(1) is told. */
const capabilityChange = (names: readonly string[]): string => ['-all', ...names.map((name) => `+${name.replace(/^CAP_/, '').toLowerCase()}`)].join(',');

/** Makes the ambient set exactly this. */
export function ambientStep(ambient: readonly string[]): Step {
  return {
    id: 'capability.ambient',
    what: ambient.length ? `Pass ${ambient.join(', ')} on over execve` : 'Pass no capability on over execve by itself',
    calls: [
      call('prctl', [prctlOptions.PR_CAP_AMBIENT, ambientOptions.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]),
      ...ambient.map((name) => call('prctl', [prctlOptions.PR_CAP_AMBIENT, ambientOptions.PR_CAP_AMBIENT_RAISE, capabilityNumber(name) ?? -1, 0, 0])),
    ],
    shell: `set -- "$@" --ambient-caps ${capabilityChange(ambient)}`,
    look: 'grep CapAmb /proc/$PID/status',
  };
}
