/**
 * `hako cap run`: a program with capability sets that were chosen. The sets are worked out from what this process has; the steps are
 * those of a container's start. See capabilities(7), prctl(2).
 */
import { call } from '../../kernel/call.ts';
import { capabilitiesIn, capabilityMask, type CapabilityMasks } from '../../kernel/capability.ts';
import { prctlOptions } from '../../kernel/flags.ts';
import { ambientStep, boundingSteps, capabilitiesStep, keepCapabilitiesStep, noNewPrivilegesStep, userSteps } from '../../runtime/credentials.ts';
import { word } from '../../step/shell.ts';
import type { Procedure, Step } from '../../step/step.ts';
import { foreground } from '../foreground.ts';
import { ElementError } from '../interpret.ts';
import { readCredentials, securebitNames, securebits, type Credentials } from './credentials.ts';
import { filterSteps } from './filter.ts';
import { maskText } from './text.ts';

/** What is chosen; sets that are not named are what is left of the caller's own. */
export interface Chosen {
  /** Taken out of every set. */
  readonly drop?: bigint;
  /** Kept, whatever is dropped. */
  readonly add?: bigint;
  readonly bounding?: bigint;
  readonly permitted?: bigint;
  readonly effective?: bigint;
  readonly inheritable?: bigint;
  readonly ambient?: bigint;
  /** Names as {@link securebitNames} has them as options. */
  readonly securebits?: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
}

/** The credentials with which execve(2) will be called, and the steps that get there. */
export interface Prepared {
  readonly credentials: Credentials;
  readonly steps: readonly Step[];
}

/** Works the sets out. @throws ElementError for what the kernel would refuse, with the reason */
export function prepare(chosen: Chosen, own: Credentials = readCredentials(process.pid)): Prepared {
  const { drop = 0n, add = 0n } = chosen;
  const kept = (set: bigint): bigint => (set & ~drop) | (set & add);
  const lacking = add & ~own.sets.permitted;
  if (lacking)
    throw new ElementError(
      `${maskText(lacking)} cannot be added: you do not have ${single(lacking) ? 'it' : 'them'}, and nobody can give what they do not have`,
    );
  // Leaving uid 0 empties these three; what is asked for by name is kept nevertheless (prctl(2), PR_SET_KEEPCAPS).
  const leaves = leavesRoot(chosen.user, own);
  const from = (set: bigint): bigint => (leaves ? 0n : kept(set));
  const ambient = chosen.ambient ?? from(own.sets.ambient);
  const inheritable = (chosen.inheritable ?? kept(own.sets.inheritable)) | ambient;
  const permitted = chosen.permitted ?? from(own.sets.permitted) | add | ambient;
  const sets: CapabilityMasks = {
    bounding: chosen.bounding ?? kept(own.sets.bounding),
    permitted,
    effective: chosen.effective ?? (chosen.permitted === undefined ? from(own.sets.effective) | add | ambient : permitted & own.sets.effective),
    inheritable,
    ambient,
  };
  const bits = bitsOf(chosen.securebits, own.securebits);
  check(sets, own, bits);
  const { user } = chosen;
  const ids = (id: number): Credentials['uids'] => ({ real: id, effective: id, saved: id });
  return {
    credentials: {
      ...own,
      sets,
      securebits: bits,
      noNewPrivileges: own.noNewPrivileges || chosen.noNewPrivileges === true,
      ...(user ? { uids: ids(user.uid), gids: ids(user.gid), groups: user.groups } : {}),
    },
    steps: stepsTo(sets, bits, chosen, own),
  };
}

/** Whether it becomes somebody else than root, with the consequences of that: capabilities(7), "Effect of user ID changes on capabilities". */
const leavesRoot = (user: Chosen['user'] | undefined, own: Credentials): boolean =>
  user !== undefined && user.uid !== own.root && own.uids.effective === own.root && !(own.securebits & securebits.NO_SETUID_FIXUP);

const single = (mask: bigint): boolean => capabilitiesIn(mask).length === 1;

/** What capset(2) and prctl(2) would answer with EPERM, in words. */
function check(sets: CapabilityMasks, own: Credentials, bits: number): void {
  const refuse = (mask: bigint, why: string): void => {
    if (mask) throw new ElementError(`${maskText(mask)} ${why}`);
  };
  refuse(sets.bounding & ~own.sets.bounding, 'cannot be in the bounding set: it is not in yours, and that can only shrink');
  refuse(sets.permitted & ~own.sets.permitted, 'cannot be permitted: you do not have it, and nobody can give what they do not have');
  refuse(sets.effective & ~sets.permitted, 'cannot be effective without being permitted');
  const mayAny = own.sets.effective & capabilityMask(['CAP_SETPCAP']);
  refuse(
    sets.inheritable & ~(own.sets.inheritable | (mayAny ? own.sets.bounding : own.sets.permitted)),
    'cannot be inheritable: it is neither permitted nor in your bounding set',
  );
  refuse(sets.ambient & ~(sets.permitted & sets.inheritable), 'cannot be ambient: only what is both permitted and inheritable can be');
  if (sets.ambient & ~own.sets.ambient && bits & securebits.NO_CAP_AMBIENT_RAISE)
    throw new ElementError('nothing can be added to the ambient set with SECBIT_NO_CAP_AMBIENT_RAISE set');
  if (!mayAny && (sets.bounding !== own.sets.bounding || bits !== own.securebits)) {
    throw new ElementError('the bounding set and the securebits can be changed only with CAP_SETPCAP in force: run it as root');
  }
}

function bitsOf(names: readonly string[] | undefined, own: number): number {
  if (names === undefined) return own;
  let bits = 0;
  for (const name of names) {
    const found = securebitNames.find(({ option }) => option === name);
    if (!found) throw new ElementError(`unknown securebit: "${name}": it must be one of ${securebitNames.map(({ option }) => option).join(', ')}`, 125);
    bits |= found.bit;
  }
  return bits;
}

/** In the order that the kernel forces: see runtime/credentials.ts. */
function stepsTo(sets: CapabilityMasks, bits: number, { user, noNewPrivileges }: Chosen, own: Credentials): Step[] {
  const names = capabilitiesIn;
  const keeps = leavesRoot(user, own) && (sets.permitted !== 0n || bits !== own.securebits);
  // An inheritable set may be wider than the bounding set only if it was so before that shrank.
  const wide = { permitted: names(own.sets.permitted), effective: names(own.sets.effective), inheritable: names(sets.inheritable) };
  const final = capabilitiesStep({ permitted: names(sets.permitted), effective: names(sets.effective), inheritable: names(sets.inheritable) });
  return [
    ...(sets.inheritable & ~sets.bounding ? [capabilitiesStep(wide)] : []),
    ...(sets.bounding === own.sets.bounding ? [] : boundingSteps(names(sets.bounding))),
    ...(keeps ? [keepCapabilitiesStep()] : []),
    ...(user ? userSteps({ user: { uid: user.uid, gid: user.gid, additionalGids: user.groups } }, { inUserNamespace: false }) : []),
    // Leaving uid 0 has emptied the effective set, in which CAP_SETPCAP must be.
    ...(bits === own.securebits ? [] : [...(keeps ? [capabilitiesStep(wide)] : []), securebitsStep(bits)]),
    // What is locked cannot be cleared either, and is clear already.
    bits & securebits.KEEP_CAPS_LOCKED ? { ...final, calls: final.calls.slice(0, 1) } : final,
    ...(sets.ambient === 0n && own.sets.ambient === 0n ? [] : [ambientStep(names(sets.ambient))]),
    ...(noNewPrivileges ? [noNewPrivilegesStep()] : []),
  ];
}

function securebitsStep(bits: number): Step {
  const names = securebitNames.filter(({ bit }) => bits & bit);
  return {
    id: 'capability.securebits',
    what: names.length ? `Set the securebits ${names.map(({ name }) => name).join(', ')}` : 'Clear all securebits',
    calls: [call('prctl', [prctlOptions.PR_SET_SECUREBITS, bits, 0, 0, 0])],
    shell: `capsh --secbits=${bits} --`,
    look: 'setpriv --dump',
  };
}

/**
 * Runs a program in the foreground with the chosen sets. @returns its exit code
 * @param seccomp a profile's path, or `builtin`: under this filter, too
 */
export function* run(chosen: Chosen, args: readonly string[], env: readonly string[], seccomp?: string): Procedure<number> {
  const { steps, credentials } = prepare(chosen);
  const last = seccomp === undefined ? [] : filterSteps(seccomp, credentials);
  return yield* foreground({ name: 'capabilities', flags: 0, inside: steps, last, args, env, shell: args.map(word).join(' ') });
}
