/** The part of config.json that tells of a process: the container's own, and that of an exec. See config.md "Process". */

/** A number of 64 bits: a bigint only beyond Number.MAX_SAFE_INTEGER, where a number would be another. */
export type Integer64 = number | bigint;

export interface ProcessSpec {
  readonly terminal?: boolean;
  /** Of the terminal; without one it says nothing. */
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly cwd: string;
  readonly env: readonly string[];
  readonly args: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number; readonly umask?: number; readonly additionalGids?: readonly number[] };
  readonly capabilities?: CapabilitySets;
  /** By type such as RLIMIT_NOFILE; -1 means no limit. */
  readonly rlimits?: readonly { readonly type: string; readonly soft: Integer64; readonly hard: Integer64 }[];
  readonly noNewPrivileges?: boolean;
  readonly oomScoreAdj?: number;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  readonly scheduler?: Scheduler;
  readonly ioPriority?: IoPriority;
  /** Of an exec: the CPUs that it may run on before and after it is in the container's cgroup. Lists such as `0-2,7`. */
  readonly execCPUAffinity?: { readonly initial?: string; readonly final?: string };
}

/** Names such as `CAP_NET_RAW`. */
export interface CapabilitySets {
  readonly bounding?: readonly string[];
  readonly permitted?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly ambient?: readonly string[];
}

export type SchedulerPolicy = 'SCHED_OTHER' | 'SCHED_FIFO' | 'SCHED_RR' | 'SCHED_BATCH' | 'SCHED_IDLE' | 'SCHED_DEADLINE';

/** As sched_setattr(2) takes it. */
export interface Scheduler {
  readonly policy: SchedulerPolicy;
  readonly nice?: number;
  /** 1 to 99, of SCHED_FIFO and SCHED_RR. */
  readonly priority?: number;
  /** Names such as SCHED_FLAG_RESET_ON_FORK. */
  readonly flags?: readonly string[];
  /** Nanoseconds, of SCHED_DEADLINE, as the two that follow. */
  readonly runtime?: Integer64;
  readonly deadline?: Integer64;
  readonly period?: Integer64;
}

/** As ioprio_set(2) takes it; 0, the first, to 7. */
export interface IoPriority {
  readonly class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE';
  readonly priority: number;
}
