/**
 * What the engine can do, as the API and the tests see it. Shapes and names are the Docker Engine API's
 * (src/api/schema.ts); errors are `EngineError`s with the status that the API answers.
 */
import type { Readable, Writable } from 'node:stream';
import type {
  ContainerCreateBody,
  ContainerExplanation,
  ContainerInspect,
  ContainerSummary,
  ContainerTop,
  ContainerUpdateBody,
  CreateResponse,
  EngineEvent,
  ExecCreateBody,
  ExecInspect,
  FilesystemChange,
  Filters,
  HistoryItem,
  ImageInspect,
  ImageSummary,
  Info,
  NetworkInspect,
  StatsSample,
  StepAnswer,
  StepMessage,
  Trace,
  VolumeCreateBody,
  VolumeInspect,
  WaitingStep,
  WaitResponse,
  WhyReport,
} from '../api/schema.ts';
import type { Explanation } from '../step/explain.ts';

/** A container's or an exec's streams, as a client sees them. With a terminal there is one stream, raw, in `stdout`. */
export interface Attachment {
  readonly terminal: boolean;
  /** Chunks of output, in order, until the process ends. */
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }>;
  /** Absent when stdin is not open or not asked for. `end()` closes the container's stdin where StdinOnce is set. */
  readonly input?: Writable;
  /** The client went away, or detached. */
  detach(): void;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Replay what was logged before. */
  readonly logs: boolean;
  readonly stream: boolean;
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** Last n lines; absent: all. */
  readonly tail?: number;
  /** Nanoseconds since the epoch. */
  readonly since?: bigint;
  readonly until?: bigint;
  /** Ends the reading, also while it waits for more to follow. */
  readonly signal?: AbortSignal;
}

export type EngineStatus = 304 | 400 | 403 | 404 | 409 | 500 | 501 | 503;

/** An error for whoever asked: `status` is the HTTP status, the message one sentence. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly status: EngineStatus;
  constructor(status: EngineStatus, message: string) {
    super(message);
    this.status = status;
  }
}

/** Which steps somebody decides about, by id, by area (`mount`), or all; and which a person does. */
export interface StepOptions {
  readonly before: 'all' | readonly string[];
  readonly hand: readonly string[];
  /** The start is traced as well. */
  readonly trace: boolean;
}

/** A conversation about steps. */
export interface StepDialogue {
  tell(message: StepMessage): void;
  /** The next answer; `undefined` when none came before the signal, or within some milliseconds. A client that has gone gives up. */
  answer(signal: AbortSignal, milliseconds?: number): Promise<StepAnswer | undefined>;
}

/** Containers: `ref` is an id, a unique prefix of one, or a name. */
export interface ContainerOperations {
  create(body: ContainerCreateBody, name?: string): Promise<CreateResponse>;
  /** Every step of creating and starting it, without doing any. */
  explain(body: ContainerCreateBody, name?: string): Promise<Explanation[]>;
  /** A shell script that starts a container like it, beside the engine. @param cgroup the form of cgroups that it is for; absent: this machine's */
  script(ref: string, cgroup?: 'v1' | 'v2' | 'hybrid'): string;
  start(ref: string): Promise<void>;
  /** Starts it and tells what happened, also when it failed: then the trace says why. */
  startTraced(ref: string): Promise<Trace>;
  /** The trace of its last start that was traced. */
  trace(ref: string): Trace;
  /** Starts it with somebody deciding about each step. */
  startStepwise(ref: string, options: StepOptions, dialogue: StepDialogue): Promise<void>;
  /** Where a stepwise start stands. */
  waitingStep(ref: string): WaitingStep;
  /** @param seconds until SIGKILL; absent: the container's StopTimeout, else 10 */
  stop(ref: string, options: { readonly seconds?: number; readonly signal?: string }): Promise<void>;
  restart(ref: string, options: { readonly seconds?: number; readonly signal?: string }): Promise<void>;
  kill(ref: string, signal: string): Promise<void>;
  pause(ref: string): Promise<void>;
  unpause(ref: string): Promise<void>;
  /** Resolves `ready` once waiting (before the answer's headers go out), `done` when the condition holds. */
  wait(ref: string, condition: 'not-running' | 'next-exit' | 'removed'): { readonly ready: Promise<void>; readonly done: Promise<WaitResponse> };
  remove(ref: string, options: { readonly force: boolean; readonly volumes: boolean }): Promise<void>;
  rename(ref: string, name: string): Promise<void>;
  update(ref: string, body: ContainerUpdateBody): Promise<{ Warnings: string[] }>;
  resize(ref: string, height: number, width: number): Promise<void>;
  attach(ref: string, options: AttachOptions): Promise<Attachment>;
  logs(
    ref: string,
    options: LogOptions,
  ): Promise<{ readonly terminal: boolean; readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }> }>;
  list(options: { readonly all: boolean; readonly limit?: number; readonly size: boolean; readonly filters: Filters }): Promise<ContainerSummary[]>;
  /** What the kernel says of a container. @param options.files paths in it whose layer is asked for */
  explainContainer(ref: string, options: { readonly files: readonly string[] }): Promise<ContainerExplanation>;
  inspect(ref: string, options: { readonly size: boolean }): Promise<ContainerInspect>;
  top(ref: string, psArguments: string): Promise<ContainerTop>;
  /** One sample, or one a second until the signal aborts. */
  stats(ref: string, options: { readonly stream: boolean; readonly oneShot: boolean; readonly signal: AbortSignal }): AsyncIterable<StatsSample>;
  changes(ref: string): Promise<FilesystemChange[]>;
  export(ref: string): Promise<Readable>;
  /** `stat` is what Docker sends as X-Docker-Container-Path-Stat. */
  getArchive(ref: string, path: string): Promise<{ readonly stat: PathStat; readonly tar: Readable }>;
  statArchive(ref: string, path: string): Promise<PathStat>;
  putArchive(ref: string, path: string, tar: Readable, options: { readonly noOverwriteDirNonDir: boolean; readonly copyUidGid: boolean }): Promise<void>;
  prune(filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }>;
}

export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** As Go's os.FileMode. */
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

export interface ExecOperations {
  create(ref: string, body: ExecCreateBody): Promise<{ Id: string }>;
  start(
    id: string,
    options: { readonly detach: boolean; readonly terminal: boolean; readonly consoleSize?: readonly [height: number, width: number] },
  ): Promise<Attachment | undefined>;
  resize(id: string, height: number, width: number): Promise<void>;
  inspect(id: string): Promise<ExecInspect>;
  /** An exec that is traced when it is started. */
  why(ref: string, body: ExecCreateBody): Promise<{ Id: string }>;
  /** What the trace found; waits until the command has ended. */
  whyReport(id: string): Promise<WhyReport>;
}

export interface ImageOperations {
  list(options: { readonly all: boolean; readonly filters: Filters }): Promise<ImageSummary[]>;
  inspect(ref: string): Promise<ImageInspect>;
  history(ref: string): Promise<HistoryItem[]>;
  remove(ref: string, options: { readonly force: boolean; readonly prune: boolean }): Promise<({ Untagged: string } | { Deleted: string })[]>;
  tag(ref: string, repository: string, tag: string): Promise<void>;
  /** `docker save` archives and OCI archives. Yields progress as the API streams it. */
  load(archive: Readable): AsyncIterable<{ stream?: string; error?: string }>;
  /** A root file system, any compression, or an image archive or directory: recognised by content. */
  import(
    archive: Readable | { readonly path: string },
    options: { readonly repository?: string; readonly tag?: string; readonly message?: string; readonly changes: readonly string[] },
  ): Promise<{ Id: string; RepoTags: string[] }>;
  save(refs: readonly string[]): Promise<Readable>;
  commit(
    container: string,
    options: {
      readonly repository?: string;
      readonly tag?: string;
      readonly comment?: string;
      readonly author?: string;
      readonly pause: boolean;
      readonly changes: readonly string[];
    },
  ): Promise<{ Id: string }>;
  prune(filters: Filters): Promise<{ ImagesDeleted: ({ Untagged: string } | { Deleted: string })[]; SpaceReclaimed: number }>;
}

export interface VolumeOperations {
  list(filters: Filters): Promise<VolumeInspect[]>;
  create(body: VolumeCreateBody): Promise<VolumeInspect>;
  inspect(name: string): Promise<VolumeInspect>;
  remove(name: string, options: { readonly force: boolean }): Promise<void>;
  prune(filters: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }>;
}

/** Read-only: `bridge`, `host` and `none`. */
export interface NetworkOperations {
  list(filters: Filters): Promise<NetworkInspect[]>;
  /** @throws EngineError 404 */
  inspect(ref: string): Promise<NetworkInspect>;
}

export interface Engine {
  readonly containers: ContainerOperations;
  readonly execs: ExecOperations;
  readonly images: ImageOperations;
  readonly volumes: VolumeOperations;
  readonly networks: NetworkOperations;
  info(): Promise<Info>;
  /** Events from now on (or since a time), until the signal aborts. Times in nanoseconds since the epoch. */
  events(options: { readonly since?: bigint; readonly until?: bigint; readonly filters: Filters; readonly signal: AbortSignal }): AsyncIterable<EngineEvent>;
  /** Lets go of everything; running containers go on unless `containers` is true. */
  close(): Promise<void>;
}
