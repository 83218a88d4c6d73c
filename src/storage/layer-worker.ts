/**
 * The worker thread of the stores (worker_threads): takes a job at a time from layer-pool.ts and answers it.
 * A file of its own, because it is the entry point of a thread; in the bundle it is `dist/layer-worker.js`.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { asStorageError } from './error.ts';
import { packLayer } from './layer-pack.ts';
import type { WorkerAnswer, WorkerRequest } from './layer-pool.ts';
import { unpack } from './layer-unpack.ts';
import { removeTree } from './remove-tree.ts';
import { treeSize } from './tree-size.ts';

const port = parentPort;
if (!port) throw new Error('layer-worker is the entry point of a worker thread');

let aborted = false;

port.on('message', (message: WorkerRequest) => {
  if (message.kind === 'abort') aborted = true;
  else void answer(message);
});

async function answer(message: Exclude<WorkerRequest, { kind: 'abort' }>): Promise<void> {
  aborted = false;
  let reply: WorkerAnswer;
  try {
    reply = { value: await perform(message) };
  } catch (error) {
    const { kind, message: text } = asStorageError(error, message.kind === 'unpack' ? message.job.name : `${message.kind} ${message.path}`);
    reply = { error: { kind, message: text } };
  }
  port!.postMessage(reply);
}

async function perform(message: Exclude<WorkerRequest, { kind: 'abort' }>): Promise<unknown> {
  if (message.kind === 'unpack') return unpack(message.job, () => aborted);
  if (message.kind === 'size') return treeSize(message.path);
  if (message.kind === 'pack') await packTo(message);
  else removeTree(message.path);
  return undefined;
}

async function packTo({ path, lower, to, idRange }: WorkerRequest & { readonly kind: 'pack' }): Promise<void> {
  const fd = openSync(to, 'wx', 0o600);
  try {
    for await (const chunk of packLayer(path, lower, idRange)) {
      for (let written = 0; written < chunk.length;) written += writeSync(fd, chunk, written);
    }
  } finally {
    closeSync(fd);
  }
}
