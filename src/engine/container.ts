/**
 * A container as the engine knows it: what it was created from, its state, and what is written down of it.
 * `container.json` below the root is what survives a reboot; `running.json` below the run directory is what a
 * restarted engine needs to take a running container up again.
 */
import type { ContainerConfig, ContainerStatus, HostConfig, MountPoint, EndpointRequest, WaitingStep, WaitResponse } from '../api/schema.ts';
import type { EndpointRecord } from '../network/endpoint.ts';
import type { PortBinding } from '../network/ports.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import type { ContainerProcess, ProcessRecord } from '../runtime/process.ts';
import type { Digest } from '../storage/digest.ts';
import { Attachments } from './attachments.ts';
import type { OutputHub } from './output-hub.ts';

/** What a container was made from; changes only by rename, update, and its state. */
export interface ContainerRecord {
  readonly id: string;
  name: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly image: {
    readonly id: Digest;
    /** As the user wrote it. */
    readonly reference: string;
    /** The layers, as chain ids from the bottom. */
    readonly chain: readonly Digest[];
  };
  /** With the image's configuration merged in. */
  readonly config: ContainerConfig;
  hostConfig: HostConfig;
  readonly mounts: readonly MountPoint[];
  /** As asked for, by network name. */
  readonly networks: Readonly<Record<string, EndpointRequest>>;
  state: StateRecord;
  restartCount: number;
}

/** How a container is, or how it ended. */
export interface StateRecord {
  status: ContainerStatus;
  exitCode: number;
  oomKilled: boolean;
  /** Why it could not be started, or ''. */
  error: string;
  /** RFC 3339; `0001-01-01T00:00:00Z` for never. */
  startedAt: string;
  finishedAt: string;
  /** It was stopped or killed by its user: a restart policy leaves it alone. */
  stoppedByUser: boolean;
}

/** What is written down of a container that runs. */
export interface RunningRecord {
  readonly process: ProcessRecord;
  readonly cgroupPath: string;
  /** The namespaces that it has for itself. */
  readonly namespaces: readonly string[];
  readonly endpoint?: EndpointRecord;
  readonly ports: readonly PortBinding[];
  readonly warnings: readonly string[];
}

/** A container that runs, in this engine's hands. */
export interface Running extends RunningRecord {
  readonly handle: ContainerProcess;
  readonly cgroup: Cgroup;
  readonly output: OutputHub;
}

/** A container: its record and, while it runs, its process. */
export class Container {
  readonly record: ContainerRecord;
  running: Running | undefined;
  /** Identifiers of execs that run in it. */
  readonly execs = new Set<string>();
  readonly attachments = new Attachments();
  /** A start that waits for somebody's decision: where it stands, and how it is given up. */
  stepping: { readonly waiting: () => WaitingStep | undefined; readonly abort: (why: string) => void } | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #waiters: { readonly condition: WaitCondition; readonly resolve: (answer: WaitResponse) => void }[] = [];

  constructor(record: ContainerRecord) {
    this.record = record;
  }

  get id(): string {
    return this.record.id;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Runs changes of this container one after another. */
  exclusive<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(change, change);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Resolves when the condition holds next. */
  wait(condition: WaitCondition): Promise<WaitResponse> {
    return new Promise((resolve) => this.#waiters.push({ condition, resolve }));
  }

  /** Answers those who wait for one of the conditions. */
  settle(conditions: readonly WaitCondition[]): void {
    const { exitCode, error } = this.record.state;
    const answer: WaitResponse = { StatusCode: exitCode, ...(error ? { Error: { Message: error } } : {}) };
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((w) => !conditions.includes(w.condition));
    for (const w of waiting) if (conditions.includes(w.condition)) w.resolve(answer);
  }
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** The time of what has not happened, as Docker writes it. */
export const never = '0001-01-01T00:00:00Z';
