/**
 * Seccomp profiles in Docker's form: the OCI rules, with conditions on when each counts (capabilities, architecture,
 * kernel version). Parsed from a file, and resolved for one container to the OCI configuration's seccomp part.
 */
import { kernelAtLeast } from '../../kernel/release.ts';
import { architecture as machine, type Architecture } from '../../kernel/syscalls.ts';
import type { SeccompSpec } from '../spec.ts';
import { SeccompError } from './actions.ts';

type SyscallRule = NonNullable<SeccompSpec['syscalls']>[number];

/** When a rule counts. `caps`: all of them (includes), any of them (excludes). `arches`: Go's names, such as amd64. */
export interface ProfileCondition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  /** `4.8`: this kernel or newer. */
  readonly minKernel?: string;
}

export interface ProfileRule extends SyscallRule {
  readonly includes?: ProfileCondition;
  readonly excludes?: ProfileCondition;
}

export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  /** Sub-architectures by the machine's own; instead of `architectures`. */
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[];
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly ProfileRule[];
}

/** What a profile is resolved for. */
export interface ProfileTarget {
  /** The container's bounding set, such as `CAP_CHOWN`. */
  readonly capabilities: readonly string[];
  /** The machine's architecture; this one's by default. */
  readonly architecture?: Architecture;
  /** The kernel's release, such as `6.1.0-13-amd64`; this one's by default. */
  readonly kernel?: string;
}

const archNames: Readonly<Record<Architecture, { readonly go: string; readonly scmp: string }>> = {
  x64: { go: 'amd64', scmp: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', scmp: 'SCMP_ARCH_AARCH64' },
};

/**
 * The OCI configuration's seccomp part: the rules of the profile that count for this container, machine and kernel.
 * @throws SeccompError when a condition of the profile is not valid
 */
export function resolveProfile(profile: SeccompProfile, target: ProfileTarget): SeccompSpec {
  const { go, scmp } = archNames[target.architecture ?? machine];
  const capabilities = new Set(target.capabilities);
  const counts = ({ includes = {}, excludes = {} }: ProfileRule): boolean =>
    !excludes.arches?.includes(go) &&
    !excludes.caps?.some((name) => capabilities.has(name)) &&
    !(excludes.minKernel && isAtLeast(target.kernel, excludes.minKernel)) &&
    !(includes.arches?.length && !includes.arches.includes(go)) &&
    !includes.caps?.some((name) => !capabilities.has(name)) &&
    !(includes.minKernel && !isAtLeast(target.kernel, includes.minKernel));

  const mapped = profile.archMap?.find((entry) => entry.architecture === scmp);
  const architectures = profile.architectures ?? (mapped ? [mapped.architecture, ...mapped.subArchitectures] : undefined);
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet !== undefined && { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures && { architectures }),
    ...(profile.flags && { flags: profile.flags }),
    syscalls: profile.syscalls.filter(counts).map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet !== undefined && { errnoRet }),
      ...(args && { args }),
    })),
  };
}

function isAtLeast(kernel: string | undefined, minimum: string): boolean {
  const [major = 0, minor = 0] = minimum.split('.').map(Number);
  return kernelAtLeast(major, minor, kernel);
}

/**
 * Reads a profile file's text. An object without a default action and without rules means no filter: undefined.
 * @param source how errors name the profile, such as its path
 * @throws SeccompError naming the part of the profile that is not valid
 */
export function parseProfile(text: string, source: string): SeccompProfile | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text, exactIntegers);
  } catch (error) {
    throw new SeccompError(`the seccomp profile ${source} is not JSON: ${(error as Error).message}`);
  }
  const reader = new ProfileReader(source);
  const top = reader.object(json, 'the profile');
  const defaultAction = reader.optional(top['defaultAction'], (v) => reader.text(v, 'defaultAction'));
  const syscalls = reader.optional(top['syscalls'], (v) => reader.list(v, 'syscalls')) ?? [];
  if (!defaultAction && syscalls.length === 0) return undefined;
  if (!defaultAction) throw reader.wrong('defaultAction', 'is missing');
  const archMap = reader.optional(top['archMap'], (v) => reader.list(v, 'archMap'));
  const architectures = reader.optional(top['architectures'], (v) => reader.texts(v, 'architectures'));
  if (archMap?.length && architectures?.length) throw reader.wrong('archMap', 'is given together with architectures: use one of them');
  const flags = reader.optional(top['flags'], (v) => reader.texts(v, 'flags'));
  const defaultErrnoRet = reader.optional(top['defaultErrnoRet'], (v) => reader.number(v, 'defaultErrnoRet'));
  const rules = syscalls.map((rule, i) => reader.rule(rule, `syscalls[${i}]`));
  // Who has nobody to answer for a call would have it fail with ENOSYS, whatever the profile means by it.
  const handed = rules.findIndex(({ action }) => action === 'SCMP_ACT_NOTIFY');
  if (handed >= 0) throw reader.wrong(`syscalls[${handed}].action`, 'is SCMP_ACT_NOTIFY, but a container of the engine has no supervisor to answer for calls');
  return {
    defaultAction,
    ...(defaultErrnoRet !== undefined && { defaultErrnoRet }),
    ...(architectures?.length && { architectures }),
    ...(archMap && { archMap: archMap.map((entry, i) => reader.archMapEntry(entry, `archMap[${i}]`)) }),
    ...(flags && { flags }),
    syscalls: rules,
  };
}

/** Integers that a double cannot hold, such as 18446744073709551615, stay exact. */
function exactIntegers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && !Number.isSafeInteger(value) && source && /^\d+$/.test(source) ? BigInt(source) : value;
}

/** Checks the shape of parsed JSON; `where` is the path in errors, such as `syscalls[3].names`. */
class ProfileReader {
  private readonly source: string;
  constructor(source: string) {
    this.source = source;
  }

  wrong(where: string, what: string): SeccompError {
    return new SeccompError(`the seccomp profile ${this.source} is not valid: ${where} ${what}`);
  }

  optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
    return value === undefined || value === null ? undefined : read(value);
  }

  object(value: unknown, where: string): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.wrong(where, 'is not an object');
    return value as Record<string, unknown>;
  }

  list(value: unknown, where: string): readonly unknown[] {
    if (!Array.isArray(value)) throw this.wrong(where, 'is not a list');
    return value;
  }

  text(value: unknown, where: string): string {
    if (typeof value !== 'string') throw this.wrong(where, 'is not a string');
    return value;
  }

  texts(value: unknown, where: string): string[] {
    return this.list(value, where).map((entry, i) => this.text(entry, `${where}[${i}]`));
  }

  number(value: unknown, where: string): number {
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.wrong(where, 'is not a whole number');
    return value;
  }

  integer(value: unknown, where: string): number | bigint {
    return typeof value === 'bigint' ? value : this.number(value, where);
  }

  archMapEntry(value: unknown, where: string): { architecture: string; subArchitectures: string[] } {
    const entry = this.object(value, where);
    return {
      architecture: this.text(entry['architecture'], `${where}.architecture`),
      subArchitectures: this.optional(entry['subArchitectures'], (v) => this.texts(v, `${where}.subArchitectures`)) ?? [],
    };
  }

  rule(value: unknown, where: string): ProfileRule {
    const rule = this.object(value, where);
    const names = this.optional(rule['names'], (v) => this.texts(v, `${where}.names`)) ?? [];
    // The older form has one name a rule.
    const name = this.optional(rule['name'], (v) => this.text(v, `${where}.name`));
    if (name && names.length > 0) throw this.wrong(where, 'has both name and names: use names');
    const errnoRet = this.optional(rule['errnoRet'], (v) => this.number(v, `${where}.errnoRet`));
    const args = this.optional(rule['args'], (v) => this.list(v, `${where}.args`).map((arg, i) => this.argument(arg, `${where}.args[${i}]`)));
    const includes = this.optional(rule['includes'], (v) => this.condition(v, `${where}.includes`));
    const excludes = this.optional(rule['excludes'], (v) => this.condition(v, `${where}.excludes`));
    return {
      names: name ? [name] : names,
      action: this.text(rule['action'], `${where}.action`),
      ...(errnoRet !== undefined && { errnoRet }),
      ...(args && { args }),
      ...(includes && { includes }),
      ...(excludes && { excludes }),
    };
  }

  private argument(value: unknown, where: string): NonNullable<SyscallRule['args']>[number] {
    const arg = this.object(value, where);
    const valueTwo = this.optional(arg['valueTwo'], (v) => this.integer(v, `${where}.valueTwo`));
    return {
      index: this.number(arg['index'], `${where}.index`),
      value: this.integer(arg['value'], `${where}.value`),
      ...(valueTwo !== undefined && { valueTwo }),
      op: this.text(arg['op'], `${where}.op`),
    };
  }

  private condition(value: unknown, where: string): ProfileCondition {
    const from = this.object(value, where);
    const caps = this.optional(from['caps'], (v) => this.texts(v, `${where}.caps`));
    const arches = this.optional(from['arches'], (v) => this.texts(v, `${where}.arches`));
    const minKernel = this.optional(from['minKernel'], (v) => this.text(v, `${where}.minKernel`));
    if (minKernel && (!/^\d{1,3}\.\d{1,3}$/.test(minKernel) || /^0+\.0+$/.test(minKernel))) {
      throw this.wrong(`${where}.minKernel`, `'${minKernel}' is no kernel version such as 4.8`);
    }
    return { ...(caps && { caps }), ...(arches && { arches }), ...(minKernel && { minKernel }) };
  }
}
