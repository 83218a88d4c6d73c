/** The schema of a process: `process` of config.json, and the file of `exec --process`. See config.md "Process". */
import { capabilityNumber } from '../../kernel/capability.ts';
import { rlimitResources } from '../../kernel/flags.ts';
import type { CapabilitySets, IoPriority, ProcessSpec, Scheduler } from '../../runtime/spec.ts';
import {
  array,
  boolean,
  integer,
  integer64,
  maxUint32,
  maxUint64,
  object,
  oneOf,
  optional,
  optionalText,
  otherwise,
  quoted,
  rare,
  required,
  text,
  textOrEmpty,
  type Reading,
  type Schema,
} from './schema.ts';
import { absolutePath, cpuList, line } from './texts.ts';

/** A user or group; the last number means none to the kernel. */
export const id = integer(0, maxUint32 - 1);

type Rlimit = NonNullable<ProcessSpec['rlimits']>[number];

/** No limit is the largest number; -1 is what the runtime has for it, and what it stores of a container. */
const limitValue = integer64(-1, maxUint64);
const isInfinite = (value: number | bigint): boolean => value === -1 || value === maxUint64;
const rlimitType = oneOf(...Object.keys(rlimitResources));
const rlimit: Schema<Rlimit> = object<Rlimit>({ type: required(rlimitType), soft: required(limitValue), hard: required(limitValue) }, {}, (limit, reading) => {
  if (!isInfinite(limit.hard) && (isInfinite(limit.soft) || limit.soft > limit.hard))
    reading.problemAt('.soft', `must not be above the hard limit: ${limit.soft} > ${limit.hard}`);
});

const rlimitList = array(rlimit);
const rlimits: Schema<readonly Rlimit[]> = {
  ...rlimitList,
  read(value, reading) {
    const all = rlimitList.read(value, reading);
    const seen = new Set<string>();
    for (const [i, { type }] of (all ?? []).entries()) {
      if (seen.has(type)) reading.problemAt(`[${i}].type`, `is there twice: ${type}`);
      seen.add(type);
    }
    return all?.map(({ type, soft, hard }) => ({ type, soft: isInfinite(soft) ? -1 : soft, hard: isInfinite(hard) ? -1 : hard }));
  },
};

const names = array(textOrEmpty());

/**
 * A set of capabilities. A name that this kernel or this version does not know is told of and left out, as runc does:
 * a caller's list of all capabilities is as new as the caller.
 */
const capabilitySet: Schema<string[]> = {
  ...names,
  read(value, reading) {
    const read = names.read(value, reading);
    return read?.filter((name, i) => {
      if (capabilityNumber(name) !== undefined) return true;
      reading.warn(`[${i}]`, `is not a capability: ${quoted(name)} was left out`);
      return false;
    });
  },
};

const capabilities: Schema<CapabilitySets> = object<CapabilitySets>({
  bounding: optional(capabilitySet),
  permitted: optional(capabilitySet),
  effective: optional(capabilitySet),
  inheritable: optional(capabilitySet),
  ambient: optional(capabilitySet),
});

const scheduler = rare<Scheduler>(() => {
  const nanoseconds = integer64(0, maxUint64, 'nanoseconds');
  return object<Scheduler>(
    {
      policy: required(oneOf('SCHED_OTHER', 'SCHED_FIFO', 'SCHED_RR', 'SCHED_BATCH', 'SCHED_IDLE', 'SCHED_DEADLINE')),
      nice: optional(integer(-20, 19)),
      priority: optional(integer(0, 99)),
      flags: optional(
        array(
          oneOf(
            'SCHED_FLAG_RESET_ON_FORK',
            'SCHED_FLAG_RECLAIM',
            'SCHED_FLAG_DL_OVERRUN',
            'SCHED_FLAG_KEEP_POLICY',
            'SCHED_FLAG_KEEP_PARAMS',
            'SCHED_FLAG_UTIL_CLAMP_MIN',
            'SCHED_FLAG_UTIL_CLAMP_MAX',
          ),
        ),
      ),
      runtime: optional(nanoseconds),
      deadline: optional(nanoseconds),
      period: optional(nanoseconds),
    },
    {},
    checkScheduler,
  );
});

/** What belongs to which policy; sched(7). */
function checkScheduler(scheduler: Scheduler, reading: Reading): void {
  const { policy, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const realtime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR';
  if (realtime && priority === 0) reading.problemAt('.priority', `must be from 1 to 99 with ${policy}`);
  if (!realtime && priority !== 0) reading.problemAt('.priority', `can be given with SCHED_FIFO and SCHED_RR only, not with ${policy}`);
  const times = { runtime, deadline, period };
  for (const [name, value] of Object.entries(times)) {
    if (policy !== 'SCHED_DEADLINE' && value) reading.problemAt(`.${name}`, `can be given with SCHED_DEADLINE only, not with ${policy}`);
  }
  if (policy === 'SCHED_DEADLINE' && !(runtime > 0 && runtime <= deadline && (!period || deadline <= period))) {
    reading.problem(`must have 0 < runtime <= deadline <= period with SCHED_DEADLINE, not ${runtime}, ${deadline}, ${period}`);
  }
}

const environmentEntry = text((entry) => (entry.indexOf('=') > 0 ? undefined : `must have the form NAME=VALUE, not ${quoted(entry)}`));
const dimension = integer(0, 65535);
/** NGROUPS_MAX, see setgroups(2). */
const mostGroups = 65536;

export const processSchema: Schema<ProcessSpec> = object<ProcessSpec>(
  {
    terminal: optional(boolean),
    consoleSize: optional(rare(() => object<NonNullable<ProcessSpec['consoleSize']>>({ height: required(dimension), width: required(dimension) }))),
    cwd: required(absolutePath),
    env: otherwise(array(environmentEntry), []),
    args: required(array(textOrEmpty(), { min: 1 })),
    user: otherwise(
      object<ProcessSpec['user']>(
        { uid: otherwise(id, 0), gid: otherwise(id, 0), umask: optional(integer(0, 0o777)), additionalGids: optional(array(id, { max: mostGroups })) },
        { username: 'it belongs to Windows; give uid and gid' },
      ),
      { uid: 0, gid: 0 },
    ),
    capabilities: optional(capabilities),
    rlimits: optional(rlimits),
    noNewPrivileges: optional(boolean),
    oomScoreAdj: optional(integer(-1000, 1000)),
    apparmorProfile: optionalText(line),
    selinuxLabel: optionalText(line),
    scheduler: optional(scheduler),
    ioPriority: optional(
      rare(() =>
        object<IoPriority>({
          class: required(oneOf('IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE')),
          priority: otherwise(integer(0, 7), 0),
        }),
      ),
    ),
    execCPUAffinity: optional(
      rare(() => object<NonNullable<ProcessSpec['execCPUAffinity']>>({ initial: optionalText(cpuList), final: optionalText(cpuList) })),
    ),
  },
  { commandLine: 'it belongs to Windows; give args' },
  (process, reading) => {
    if (process.args[0] === '') reading.problemAt('.args[0]', 'must not be empty: executable file not found in $PATH');
  },
);
