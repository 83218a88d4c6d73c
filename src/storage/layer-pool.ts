/**
 * Worker threads for what would hold up the engine: unpacking and packing layers, removing and measuring large trees. Started when
 * there is work, ended when there has been none for a moment, so an idle engine does not pay for them.
 */
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { StorageError, type StorageErrorKind } from './error.ts';
import type { UnpackJob, UnpackResult } from './layer-unpack.ts';
import type { IdRange } from './tar/pack.ts';

export type WorkerRequest =
  | { readonly kind: 'unpack'; readonly job: UnpackJob }
  | { readonly kind: 'pack'; readonly path: string; readonly lower: readonly string[]; readonly to: string; readonly idRange: IdRange | undefined }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'size'; readonly path: string }
  | { readonly kind: 'abort' };

export type WorkerAnswer = { readonly value: unknown } | { readonly error: { readonly kind: StorageErrorKind; readonly message: string } };

interface Task {
  readonly request: WorkerRequest;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The entry point lies beside this file: as source, and as a bundle of its own beside the bundle that holds this. */
const entry = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'layer-worker.ts' : 'layer-worker.js');

const idleMilliseconds = 1000;

export class LayerPool {
  readonly #size: number;
  readonly #report: (sentence: string) => void;
  readonly #idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = [];
  readonly #queue: Task[] = [];
  #running = 0;

  /**
   * @param size threads at most; one a processor unless told, but no more than four: the disk is the limit then
   * @param report told of what of a layer could not be kept
   */
  constructor(size = Math.min(availableParallelism(), 4), report: (sentence: string) => void = () => {}) {
    this.#size = size;
    this.#report = report;
  }

  /**
   * Unpacks a layer (see {@link UnpackJob}). Jobs start in the order they are given.
   * @param signal gives up: the job ends, or never begins, with an error
   */
  async unpack(job: UnpackJob, signal?: AbortSignal): Promise<UnpackResult | undefined> {
    const result = await this.#run<UnpackResult | undefined>({ kind: 'unpack', job }, signal);
    for (const warning of result?.warnings ?? []) this.#report(`${job.name}: ${warning}`);
    return result;
  }

  /**
   * Writes what a container changed as a layer's tar.
   * @param path the upper directory of its overlay; `lower` are the others, top first
   * @param to a file to make
   * @param idRange the ids of the container's user namespace, if it has one
   */
  pack(path: string, lower: readonly string[], to: string, idRange?: IdRange): Promise<void> {
    return this.#run({ kind: 'pack', path, lower, to, idRange });
  }

  /** Removes a directory tree, as `removeTree` does. */
  remove(path: string): Promise<void> {
    return this.#run({ kind: 'remove', path });
  }

  /** Bytes of a directory tree, as `treeSize` counts. */
  size(path: string): Promise<number> {
    return this.#run({ kind: 'size', path });
  }

  /** Ends idle threads now. Work under way goes on, and ends its thread. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(({ worker, timer }) => (clearTimeout(timer), worker.terminate())));
  }

  #run<T>(request: WorkerRequest, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ request, signal, resolve: (value) => resolve(value as T), reject });
      this.#next();
    });
  }

  #next(): void {
    while (this.#running < this.#size) {
      const task = this.#queue.shift();
      if (!task) return;
      if (task.signal?.aborted) {
        task.reject(new StorageError('failed', 'given up, because another part of the image failed'));
        continue;
      }
      this.#running++;
      const idle = this.#idle.pop();
      if (idle) clearTimeout(idle.timer);
      void this.#perform(idle?.worker ?? startWorker(), task);
    }
  }

  async #perform(worker: Worker, task: Task): Promise<void> {
    const abort = (): void => worker.postMessage({ kind: 'abort' } satisfies WorkerRequest);
    worker.ref();
    task.signal?.addEventListener('abort', abort);
    try {
      const answer = await answerOf(worker, task.request);
      if ('error' in answer) task.reject(new StorageError(answer.error.kind, answer.error.message));
      else task.resolve(answer.value);
      worker.unref();
      const timer = setTimeout(() => this.#retire(worker), idleMilliseconds).unref();
      this.#idle.push({ worker, timer });
    } catch (error) {
      task.reject(new StorageError('failed', `a worker thread of the image store ended: ${(error as Error).message}`, error));
    } finally {
      task.signal?.removeEventListener('abort', abort);
      this.#running--;
      this.#next();
    }
  }

  #retire(worker: Worker): void {
    const index = this.#idle.findIndex((i) => i.worker === worker);
    if (index >= 0) this.#idle.splice(index, 1);
    void worker.terminate();
  }
}

/** Its heap is bounded: a layer is never held in memory. */
const startWorker = (): Worker => new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: 512 } });

function answerOf(worker: Worker, request: WorkerRequest): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      act();
    };
    const onMessage = (answer: WorkerAnswer): void => settle(() => resolve(answer));
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (code: number): void => settle(() => reject(new Error(`exit code ${code}`)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(request);
  });
}
