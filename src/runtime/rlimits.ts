/** Resource limits: Docker's `--ulimit`, what of it this process may set, and the steps that set it. See prlimit(2), setrlimit(2). */
import { readFileSync } from 'node:fs';
import { call, Struct } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { rlimitResources } from '../kernel/flags.ts';
import type { Step } from '../step/step.ts';
import type { Integer64, ProcessSpec } from './spec.ts';

/** One limit; -1 means none. */
export type Rlimit = NonNullable<ProcessSpec['rlimits']>[number];

/** A limit that cannot be used. */
class RlimitError extends Error {
  override readonly name = 'RlimitError';
}

/** RLIM_INFINITY, as it is written in an option. */
const unlimited = -1;
const infinity = 2n ** 64n - 1n;

/** The limit of an option's name: `nofile` is RLIMIT_NOFILE. */
const typeOf = (name: string): keyof typeof rlimitResources | undefined => {
  const type = `RLIMIT_${name.toUpperCase()}`;
  return type in rlimitResources && name === name.toLowerCase() ? (type as keyof typeof rlimitResources) : undefined;
};

/**
 * Reads a value of `--ulimit`: `nofile=1024`, `nofile=1024:4096` (soft, hard), `core=-1` (no limit).
 * Sizes are in bytes, times in seconds (rttime: microseconds), the others counts.
 * @throws RlimitError
 */
export function parseUlimit(text: string): Rlimit {
  const [, name = '', softText, hardText] = /^([^=]*)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (softText === undefined) throw new RlimitError(`invalid ulimit argument: "${text}": use NAME=SOFT[:HARD], such as nofile=1024:4096`);
  const type = typeOf(name);
  if (!type)
    throw new RlimitError(
      `invalid ulimit type: "${name}": use one of ${Object.keys(rlimitResources)
        .map((key) => key.slice(7).toLowerCase())
        .join(', ')}`,
    );
  const soft = parseValue(text, softText);
  const hard = hardText === undefined ? soft : parseValue(text, hardText);
  if (hard !== unlimited && (soft === unlimited || soft > hard)) {
    throw new RlimitError(`ulimit soft limit must be less than or equal to hard limit: ${softText} > ${hardText ?? softText}`);
  }
  return { type, soft, hard };
}

function parseValue(text: string, digits: string): number {
  const value = Number(digits);
  if (value < unlimited || !Number.isSafeInteger(value))
    throw new RlimitError(`invalid ulimit argument: "${text}": ${digits} is not between -1 and ${Number.MAX_SAFE_INTEGER}`);
  return value;
}

/** Both values of a process's limit; -1 means none. */
export interface RlimitValues {
  readonly soft: number;
  readonly hard: number;
  /** `bytes`, `seconds`, `us`, `processes`, …; empty for priorities. */
  readonly unit: string;
}

/** The limits of a process by type, such as RLIMIT_NOFILE. @throws the error of node:fs when it is gone */
export function readRlimits(pid: number | 'self'): ReadonlyMap<string, RlimitValues> {
  const value = (word: string): number => (word === 'unlimited' ? unlimited : Number(word));
  const limits = new Map<string, RlimitValues>();
  for (const line of readFileSync(`/proc/${pid}/limits`, 'utf8').split('\n')) {
    const [, label = '', soft, hard, unit = ''] = /^(Max .*?)\s{2,}(\S+)\s+(\S+)\s*(\S*)/.exec(line) ?? [];
    const type = limitLabels[label];
    if (type && soft && hard) limits.set(type, { soft: value(soft), hard: value(hard), unit });
  }
  return limits;
}

/** The hard limits of this process by type; -1 means none. */
export function ownHardLimits(): ReadonlyMap<string, number> {
  return new Map([...readRlimits('self')].map(([type, { hard }]) => [type, hard]));
}

/** The words of /proc/PID/limits. */
const limitLabels: Readonly<Record<string, string>> = {
  'Max cpu time': 'RLIMIT_CPU',
  'Max file size': 'RLIMIT_FSIZE',
  'Max data size': 'RLIMIT_DATA',
  'Max stack size': 'RLIMIT_STACK',
  'Max core file size': 'RLIMIT_CORE',
  'Max resident set': 'RLIMIT_RSS',
  'Max processes': 'RLIMIT_NPROC',
  'Max open files': 'RLIMIT_NOFILE',
  'Max locked memory': 'RLIMIT_MEMLOCK',
  'Max address space': 'RLIMIT_AS',
  'Max file locks': 'RLIMIT_LOCKS',
  'Max pending signals': 'RLIMIT_SIGPENDING',
  'Max msgqueue size': 'RLIMIT_MSGQUEUE',
  'Max nice priority': 'RLIMIT_NICE',
  'Max realtime priority': 'RLIMIT_RTPRIO',
  'Max realtime timeout': 'RLIMIT_RTTIME',
};

/**
 * Cuts limits to what may be set: without CAP_SYS_RESOURCE no hard limit can be raised.
 * @param mayRaise whether the engine has CAP_SYS_RESOURCE
 * @returns the limits to set, and a warning for each that was cut
 */
export function clampRlimits(
  limits: readonly Rlimit[],
  mayRaise: boolean,
  own: ReadonlyMap<string, number> = ownHardLimits(),
): { rlimits: Rlimit[]; warnings: string[] } {
  if (mayRaise) return { rlimits: [...limits], warnings: [] };
  const warnings: string[] = [];
  const rlimits = limits.map((limit) => {
    const most = own.get(limit.type) ?? unlimited;
    const over = (value: Integer64): boolean => most !== unlimited && (value === unlimited || value > most);
    if (!over(limit.hard)) return limit;
    warnings.push(
      `${limit.type} is limited to ${most} instead of ${limit.hard === unlimited ? 'unlimited' : limit.hard}: the engine does not have CAP_SYS_RESOURCE to raise it`,
    );
    return { type: limit.type, soft: over(limit.soft) ? most : limit.soft, hard: most };
  });
  return { rlimits, warnings };
}

/**
 * The limits that a process in a user namespace could not set by itself, as its parent sets its own for it to inherit: a hard limit is
 * raised by a capability over the machine, which nobody has in there. What is soft stays as it is.
 */
export function inheritedLimits(limits: readonly Rlimit[], own: ReadonlyMap<string, Pick<RlimitValues, 'soft' | 'hard'>> = readRlimits('self')): Rlimit[] {
  return limits.flatMap(({ type, hard }) => {
    const ours = own.get(type);
    if (!ours || ours.hard === unlimited || (hard !== unlimited && hard <= ours.hard)) return [];
    return [{ type, soft: ours.soft, hard }];
  });
}

/**
 * The steps that set limits, for the calling process. Before the credentials: a hard limit that the process had
 * lowered could not be raised after.
 */
export function rlimitSteps(limits: readonly Rlimit[]): Step[] {
  return limits.map(({ type, soft, hard }) => {
    const resource = rlimitResources[type as keyof typeof rlimitResources];
    if (resource === undefined) throw new RlimitError(`unknown resource limit ${type}: names are such as RLIMIT_NOFILE`);
    const name = type.slice(7).toLowerCase();
    const word = (value: Integer64): string => (value === unlimited ? 'unlimited' : String(value));
    return {
      id: 'process.rlimit',
      what: `Limit ${name} to ${word(soft)}, at most ${word(hard)}`,
      calls: [
        call('prlimit64', [0, resource, rlimitStruct(soft, hard), null], { failureDetail: (number) => (number === errno.EPERM ? whyNot(type) : undefined) }),
      ],
      shell: `\${host}prlimit --pid $$ --${name}=${word(soft)}:${word(hard)}`,
      hand: `prlimit --pid $PID --${name}=${word(soft)}:${word(hard)}`,
      look: 'cat /proc/$PID/limits',
    };
  });
}

function whyNot(type: string): string {
  const most = ownHardLimits().get(type) ?? unlimited;
  return `its hard limit here is ${most === unlimited ? 'unlimited' : most}, and to raise it needs CAP_SYS_RESOURCE over the machine`;
}

/** struct rlimit64: soft and hard. */
function rlimitStruct(soft: Integer64, hard: Integer64): Struct {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const value = (limit: Integer64): bigint => (limit === unlimited ? infinity : BigInt(limit));
  view.setBigUint64(0, value(soft), true);
  view.setBigUint64(8, value(hard), true);
  const text = (limit: Integer64): string => (limit === unlimited ? 'RLIM64_INFINITY' : String(limit));
  return new Struct(`{rlim_cur=${text(soft)}, rlim_max=${text(hard)}}`, bytes);
}
