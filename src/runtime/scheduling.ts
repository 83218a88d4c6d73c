/**
 * When a process runs, on which processors, and when its reads and writes are done: scheduling policy, CPU affinity and I/O priority.
 * See sched(7), sched_setattr(2), sched_setaffinity(2), ioprio_set(2), and config.md of the OCI runtime specification.
 */
import { readFileSync } from 'node:fs';
import { call, Struct } from '../kernel/call.ts';
import { performNow } from '../kernel/perform.ts';
import { same } from '../step/goal.ts';
import { word } from '../step/shell.ts';
import type { Step } from '../step/step.ts';
import { parseCpuList } from './cpu-list.ts';
import { ofProcess, procField } from './init-goals.ts';
import type { IoPriority, Scheduler } from './spec-process.ts';

/** A scheduling that cannot be asked of the kernel. */
export class SchedulingError extends Error {
  override readonly name = 'SchedulingError';
}

/** SCHED_ values of include/uapi/linux/sched.h, with what chrt(1) calls them. */
const schedulerPolicies = {
  SCHED_OTHER: { number: 0, option: 'other' },
  SCHED_FIFO: { number: 1, option: 'fifo' },
  SCHED_RR: { number: 2, option: 'rr' },
  SCHED_BATCH: { number: 3, option: 'batch' },
  SCHED_IDLE: { number: 5, option: 'idle' },
  SCHED_DEADLINE: { number: 6, option: 'deadline' },
} as const;

/** SCHED_FLAG_ values of sched_setattr(2). */
const schedulerFlags = {
  SCHED_FLAG_RESET_ON_FORK: 1,
  SCHED_FLAG_RECLAIM: 2,
  SCHED_FLAG_DL_OVERRUN: 4,
  SCHED_FLAG_KEEP_POLICY: 8,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;

const attributesSize = 48; // SCHED_ATTR_SIZE_VER0

/** Sets policy and priority of the calling thread. @throws SchedulingError for a flag that no kernel has */
export function schedulerStep(scheduler: Scheduler): Step {
  const { nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const policy = schedulerPolicies[scheduler.policy];
  const flags = (scheduler.flags ?? []).reduce((all, name) => {
    const flag = schedulerFlags[name as keyof typeof schedulerFlags];
    if (flag === undefined) throw new SchedulingError(`unknown scheduler flag ${name}: use one of ${Object.keys(schedulerFlags).join(', ')}`);
    return all | flag;
  }, 0);
  const bytes = new Uint8Array(attributesSize);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, attributesSize, true);
  view.setUint32(4, policy.number, true);
  view.setBigUint64(8, BigInt(flags), true);
  view.setInt32(16, nice, true);
  view.setUint32(20, priority, true);
  [runtime, deadline, period].forEach((value, i) => view.setBigUint64(24 + 8 * i, BigInt(value), true));
  const times = deadline ? `, sched_runtime=${runtime}, sched_deadline=${deadline}, sched_period=${period}` : '';
  const names = scheduler.flags?.length ? `, sched_flags=${scheduler.flags.join('|')}` : '';
  const attributes = new Struct(`{sched_policy=${scheduler.policy}${names}, sched_nice=${nice}, sched_priority=${priority}${times}}`, bytes);
  const command = (pid: string): string => {
    const reset = flags & schedulerFlags.SCHED_FLAG_RESET_ON_FORK ? '--reset-on-fork ' : '';
    const budget = deadline ? `--sched-runtime ${runtime} --sched-deadline ${deadline} --sched-period ${period} ` : '';
    return `chrt ${reset}--${policy.option} ${budget}--pid ${priority} ${pid}${nice ? `\nrenice --priority ${nice} --pid ${pid}` : ''}`;
  };
  return {
    id: 'process.scheduler',
    what: `Be scheduled by ${scheduler.policy}${priority ? `, priority ${priority}` : ''}${nice ? `, nice ${nice}` : ''}`,
    calls: [call('sched_setattr', [0, attributes, 0])],
    goal: ofProcess((pid) => [
      same(`the scheduling policy of process ${pid}`, String(policy.number), statField(pid, 41)),
      ...(priority ? [same('its priority', String(priority), statField(pid, 40))] : []),
      ...(nice ? [same('its nice value', String(nice), statField(pid, 19))] : []),
    ]),
    shell: command('$$').replaceAll(/^/gm, '${host}'),
    hand: command('$PID'),
    look: 'chrt --pid $PID',
  };
}

/** A field of /proc/PID/stat, counted as proc_pid_stat(5) does. */
function statField(pid: number, field: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3] ?? '';
  } catch {
    return '';
  }
}

/** IOPRIO_CLASS_ values of include/uapi/linux/ioprio.h. */
const ioPriorityClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;
const IOPRIO_WHO_PROCESS = 1;
const classShift = 13;

/** Sets the I/O priority of the calling thread. */
export function ioPriorityStep(asked: IoPriority): Step {
  const number = ioPriorityClasses[asked.class];
  // The idle class has one level.
  const level = number === ioPriorityClasses.IOPRIO_CLASS_IDLE ? '' : `--classdata ${asked.priority} `;
  const value = (number << classShift) | asked.priority;
  return {
    id: 'process.io-priority',
    what: `Have its reads and writes done as ${asked.class}, priority ${asked.priority}`,
    calls: [call('ioprio_set', [IOPRIO_WHO_PROCESS, 0, value])],
    goal: ofProcess((pid) => [
      same(`the I/O priority of process ${pid} (class × 8192 + level)`, String(value), String(performNow(call('ioprio_get', [IOPRIO_WHO_PROCESS, pid])))),
    ]),
    shell: `\${host}ionice --class ${number} ${level}--pid $$`,
    hand: `ionice --class ${number} ${level}--pid $PID`,
    look: 'ionice --pid $PID',
  };
}

/** Has the calling thread, and all that it makes, run on these processors only. @param cpus a list such as `0-2,4` */
export function affinityStep(cpus: string): Step {
  const numbers = parseCpuList(cpus);
  if (!numbers?.size) throw new SchedulingError(`"${cpus}" is no list of processors: use numbers and ranges, such as 0-2,4`);
  const mask = new Uint8Array(8 * Math.ceil((Math.max(...numbers) + 1) / 64));
  for (const number of numbers) mask[number >> 3]! |= 1 << (number & 7);
  return {
    id: 'process.cpu-affinity',
    what: `Run on the processors ${cpus}`,
    calls: [call('sched_setaffinity', [0, mask.length, mask])],
    goal: ofProcess((pid) => [same(`the processors on which process ${pid} may run`, asRanges(numbers), procField(pid, 'Cpus_allowed_list'))]),
    shell: `\${host}taskset --cpu-list --pid ${word(cpus)} $$`,
    hand: `taskset --cpu-list --pid ${word(cpus)} $PID`,
    look: 'grep Cpus_allowed_list /proc/$PID/status',
  };
}

/** Numbers as the kernel writes them: `0-2,4`. */
function asRanges(numbers: ReadonlySet<number>): string {
  const runs: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join();
}
