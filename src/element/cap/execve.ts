/**
 * What execve(2) makes of capabilities, as a pure function: the same decisions in the same order as the kernel's, each with its reason.
 * Sources: capabilities(7), "Transformation of capabilities during execve()"; security/commoncap.c (cap_bprm_creds_from_file,
 * handle_privileged_root, get_file_caps) and fs/exec.c (bprm_fill_uid). Security modules (SELinux, AppArmor, Smack) are left out:
 * they may take away, and never give.
 */
import { capabilitiesIn } from '../../kernel/capability.ts';
import type { FileCapabilities } from '../../kernel/file-capability.ts';
import { kernelAtLeast } from '../../kernel/release.ts';
import { securebits, type Credentials } from './credentials.ts';

/** What of a program's file counts. Ids are those that this process sees. */
export interface ProgramFile {
  /** The new effective user id, of a file with the set-user-ID bit. */
  readonly setuid?: number;
  /** The same of the group; only where the group may execute it: without that the bit means something else. */
  readonly setgid?: number;
  /** Where they count: revision 3 for another namespace's root is as if it were not there. */
  readonly capabilities?: FileCapabilities;
  /** On a mount with nosuid neither the bits nor the capabilities count. */
  readonly nosuid: boolean;
}

/** Which rule was applied, and what it did. */
export interface Reason {
  readonly rule: 'set-id' | 'file' | 'root' | 'no-new-privs' | 'ambient' | 'securebits' | 'refused' | 'result';
  readonly text: string;
}

/** What execve will do. */
export type Prediction =
  | { readonly refused: 'EPERM'; readonly reasons: readonly Reason[] }
  | { readonly refused?: undefined; readonly after: Credentials; readonly reasons: readonly Reason[] };

/** How the kernel judges that an id changes: see {@link kernelComparesEffective}. */
export interface ExecveRules {
  readonly comparesEffective: boolean;
}

/**
 * Since Linux 6.16 an exec changes the user when the effective id becomes another, and the group when the new effective one is none
 * that the process is in; before, when they differ from the real ids ("exec: Correct the permission check for unsafe exec").
 */
export const kernelComparesEffective = (version?: string): boolean => kernelAtLeast(6, 16, version);

/** Predicts what execve gives a process that runs a file. */
export function predictExecve(before: Credentials, file: ProgramFile, rules: ExecveRules = { comparesEffective: kernelComparesEffective() }): Prediction {
  const reasons: Reason[] = [];
  const say = (rule: Reason['rule'], text: string): unknown => reasons.push({ rule, text });
  const { sets, root } = before;
  const isRoot = (uid: number): boolean => uid === root;

  // Set-user-ID and set-group-ID bits (bprm_fill_uid).
  let { euid, egid } = setIds(before, file, say);

  // Capabilities of the file (get_file_caps).
  let permitted = 0n;
  let effective = false;
  const caps = file.nosuid ? undefined : file.capabilities;
  if (file.capabilities && file.nosuid) say('file', 'the capabilities of the file do not count: its mount has nosuid');
  if (caps) {
    permitted = (sets.bounding & caps.permitted) | (sets.inheritable & caps.inheritable);
    effective = caps.effective;
    say(
      'file',
      `the file gives ${list(sets.bounding & caps.permitted)} (its permitted set within the bounding set) and ${list(sets.inheritable & caps.inheritable)} (inheritable in both)`,
    );
    const missing = caps.permitted & ~permitted;
    if (effective && missing) {
      say('refused', `the file wants ${list(missing)} in force, which the bounding set does not allow: execve fails with EPERM`);
      return { refused: 'EPERM', reasons };
    }
    if (missing) say('file', `${list(missing)} of the file is not given: the bounding set does not allow it`);
  }

  // What uid 0 means (handle_privileged_root).
  if ((before.securebits & securebits.NOROOT) !== 0) {
    if (isRoot(euid) || isRoot(before.uids.real)) say('securebits', 'uid 0 gains nothing: SECBIT_NOROOT is set');
  } else if (caps && !isRoot(before.uids.real) && isRoot(euid)) {
    say('root', 'the file is set-user-ID root and has capabilities: of the two only its capabilities count');
  } else if (isRoot(euid) || isRoot(before.uids.real)) {
    permitted = sets.bounding | sets.inheritable;
    if (isRoot(euid)) effective = true;
    say(
      'root',
      `uid 0 ${isRoot(euid) ? 'runs it: as if the file had every capability, in force' : 'is only its real user: every capability becomes permitted, none is in force by that'}; bounding and inheritable set together give ${list(permitted)}`,
    );
  }

  // No gain for a process that has renounced gains.
  const changed = rules.comparesEffective ? euid !== before.uids.effective || !inGroup(before, egid) : euid !== before.uids.real || egid !== before.gids.real;
  const gained = (permitted & ~sets.permitted) !== 0n;
  if ((changed || gained) && before.noNewPrivileges) {
    euid = before.uids.real;
    egid = before.gids.real;
    if (gained) say('no-new-privs', `no_new_privs: ${list(permitted & ~sets.permitted)} is not gained, since the process does not have it`);
    permitted &= sets.permitted;
  }

  // The ambient set passes on, but not where the program gets capabilities or ids in another way.
  let { ambient } = sets;
  if (ambient && (caps || changed)) {
    say('ambient', `the ambient set is cleared: ${caps ? 'the file has capabilities of its own' : 'the user or group changes'}`);
    ambient = 0n;
  } else if (ambient) say('ambient', `the ambient set passes on ${list(ambient)}, permitted and in force`);
  permitted |= ambient;
  if (before.securebits & securebits.KEEP_CAPS) say('securebits', 'SECBIT_KEEP_CAPS ends with execve');

  const after: Credentials = {
    ...before,
    uids: { real: before.uids.real, effective: euid, saved: euid },
    gids: { real: before.gids.real, effective: egid, saved: egid },
    sets: { ...sets, permitted, effective: effective ? permitted : ambient, ambient },
    securebits: before.securebits & ~securebits.KEEP_CAPS,
  };
  if (reasons.length === 0) say('result', 'neither the user, nor the file, nor the ambient set gives anything');
  return { after, reasons };
}

function setIds(before: Credentials, file: ProgramFile, say: (rule: Reason['rule'], text: string) => unknown): { euid: number; egid: number } {
  const { effective: euid } = before.uids;
  const { effective: egid } = before.gids;
  const { setuid, setgid } = file;
  if (setuid === undefined && setgid === undefined) return { euid, egid };
  if (file.nosuid || before.noNewPrivileges) {
    say('set-id', `the set-ID bits of the file do not count: ${file.nosuid ? 'its mount has nosuid' : 'no_new_privs is set'}`);
    return { euid, egid };
  }
  if (setuid !== undefined) say('set-id', `the set-user-ID bit makes uid ${setuid} the effective user`);
  if (setgid !== undefined) say('set-id', `the set-group-ID bit makes gid ${setgid} the effective group`);
  return { euid: setuid ?? euid, egid: setgid ?? egid };
}

/** Whether the process is in a group: by its effective one, or a supplementary one. */
const inGroup = ({ gids, groups }: Credentials, gid: number): boolean => gid === gids.effective || groups.includes(gid);

const list = (mask: bigint): string => {
  const names = capabilitiesIn(mask);
  if (names.length === 0) return 'nothing';
  if (names.length > 8) return `${names.length} capabilities`;
  return names.join(', ');
};
