/** Credentials and file capabilities as objects for programs: names and hexadecimal masks in place of numbers that JSON does not have. */
import { capabilitiesIn } from '../../kernel/capability.ts';
import type { FileCapabilities } from '../../kernel/file-capability.ts';
import { securebitNames, type Credentials, type Ids, type ProcessCredentials, type UserNamespace } from './credentials.ts';
import type { Prediction, Reason } from './execve.ts';
import type { Reality } from './probe.ts';
import type { Program } from './program.ts';
import { fileText, maskText } from './text.ts';

/** A set in the three ways that it is written. */
export interface SetView {
  readonly hex: string;
  readonly names: readonly string[];
  /** In few words: `all but CAP_SYS_RESOURCE`. */
  readonly text: string;
}

export const setNames = ['bounding', 'permitted', 'effective', 'inheritable', 'ambient'] as const;
export type SetName = (typeof setNames)[number];

/** Credentials for programs. */
export interface CredentialsView {
  readonly uids: Ids;
  readonly gids: Ids;
  readonly groups: readonly number[];
  readonly sets: Readonly<Record<SetName, SetView>>;
  readonly securebits?: readonly string[];
  readonly noNewPrivileges: boolean;
}

const setView = (mask: bigint): SetView => ({ hex: mask.toString(16).padStart(16, '0'), names: capabilitiesIn(mask), text: maskText(mask) });

/** @param credentials securebits are left out where they are not known */
function credentialsView(credentials: Omit<Credentials, 'root' | 'securebits'> & { readonly securebits?: number }): CredentialsView {
  const { uids, gids, groups, sets, securebits, noNewPrivileges } = credentials;
  return {
    uids,
    gids,
    groups,
    sets: Object.fromEntries(setNames.map((name) => [name, setView(sets[name])])) as Record<SetName, SetView>,
    ...(securebits === undefined ? {} : { securebits: securebitNames.filter(({ bit }) => bit & securebits).map(({ name }) => name) }),
    noNewPrivileges,
  };
}

/** A process for programs. */
export interface ProcessView extends CredentialsView {
  readonly pid: number;
  readonly command: string;
  readonly seccomp: number;
  readonly namespace: UserNamespace;
}

export function processView(process: ProcessCredentials): ProcessView {
  const { pid, command, seccomp, namespace, securebits, securebitsKnown, ...rest } = process;
  return { pid, command, ...credentialsView({ ...rest, ...(securebitsKnown ? { securebits } : {}) }), seccomp, namespace };
}

/** File capabilities for programs. */
export interface FileView {
  readonly text: string;
  readonly revision: 1 | 2 | 3;
  readonly effective: boolean;
  readonly permitted: SetView;
  readonly inheritable: SetView;
  readonly rootid?: number;
}

export function fileView(capabilities: FileCapabilities): FileView {
  const { permitted, inheritable, ...rest } = capabilities;
  return { text: fileText(capabilities), ...rest, permitted: setView(permitted), inheritable: setView(inheritable) };
}

/** A prediction, and what the kernel did, for programs. */
export interface PredictionView {
  readonly program: Omit<Program, 'capabilities'> & { readonly capabilities?: FileView };
  readonly before: CredentialsView;
  readonly reasons: readonly Reason[];
  /** Absent when execve fails. */
  readonly after?: CredentialsView;
  readonly refused?: string;
  readonly reality?: { readonly after?: CredentialsView; readonly refused?: string };
  /** Whether reality is as predicted. */
  readonly agrees?: boolean;
}

/** @param forbidden why the file cannot be executed at all @param errnoName the name of an errno */
export function predictionView(
  program: Program,
  before: Credentials,
  prediction: Prediction,
  more: { readonly forbidden?: string | undefined; readonly reality?: Reality | undefined; readonly errnoName: (number: number) => string },
): PredictionView {
  const { capabilities, ...file } = program;
  const after = more.forbidden === undefined && !prediction.refused ? prediction.after : undefined;
  const refused = more.forbidden === undefined ? prediction.refused : 'EACCES';
  const { reality } = more;
  const happened = reality && {
    ...(reality.credentials ? { after: credentialsView(reality.credentials) } : {}),
    ...(reality.refused === undefined ? {} : { refused: more.errnoName(reality.refused) }),
  };
  return {
    program: { ...file, ...(capabilities ? { capabilities: fileView(capabilities) } : {}) },
    before: credentialsView(before),
    reasons: more.forbidden === undefined ? prediction.reasons : [{ rule: 'refused', text: `it cannot be executed: ${more.forbidden}` }],
    ...(after ? { after: credentialsView(after) } : {}),
    ...(refused === undefined ? {} : { refused }),
    ...(happened
      ? { reality: happened, agrees: refused === happened.refused && (!after || differences(credentialsView(after), happened.after!).length === 0) }
      : {}),
  };
}

/** In what two differ, of what /proc shows: `effective`, `uid`, … */
export function differences(predicted: CredentialsView, real: CredentialsView): string[] {
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  return [
    ...(same(predicted.uids, real.uids) ? [] : ['user ids']),
    ...(same(predicted.gids, real.gids) ? [] : ['group ids']),
    ...setNames.filter((name) => predicted.sets[name].hex !== real.sets[name].hex),
    ...(predicted.noNewPrivileges === real.noNewPrivileges ? [] : ['no_new_privs']),
  ];
}
