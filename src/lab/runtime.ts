/**
 * hako-oci, as the lab calls it: a program of its own, beside this file in the bundle and in src/oci in the sources. So a command's
 * output can be led to a file, and a lab is what any OCI runtime would make of its configuration.
 */
import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabError } from './error.ts';
import { stateRoot } from './place.ts';

const program = (): string => join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../oci/main.ts' : 'hako-oci.js');

/** How a call of hako-oci ended. */
export interface Ended {
  /** 128 and a signal's number where one ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As much of an output as is kept: a learner's program may print without end. */
const mostOutput = 4 * 2 ** 20;

/**
 * Calls hako-oci, and waits for its end and nobody else's: output goes to files, since what it starts may hold a pipe open for ever.
 * @param timeout milliseconds, after which it is killed @param signal kills it when it is aborted
 */
export async function callRuntime(
  args: readonly string[],
  { stdin = '', timeout, signal }: { readonly stdin?: string; readonly timeout?: number; readonly signal?: AbortSignal } = {},
): Promise<Ended> {
  const directory = mkdtempSync(join(tmpdir(), 'hako-lab-'));
  const at = (name: string): string => join(directory, name);
  try {
    writeFileSync(at('in'), stdin);
    const streams = [openSync(at('in'), 'r'), openSync(at('out'), 'w'), openSync(at('err'), 'w')];
    const child = begin(args, streams);
    streams.forEach((fd) => closeSync(fd));
    const timer = timeout === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeout);
    const kill = (): void => void child.kill('SIGKILL');
    if (signal?.aborted) kill();
    signal?.addEventListener('abort', kill);
    const code = await statusOf(child);
    signal?.removeEventListener('abort', kill);
    clearTimeout(timer);
    const read = (name: string): string => readFileSync(at(name)).subarray(0, mostOutput).toString('utf8');
    return { code, stdout: read('out'), stderr: read('err') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Calls it with our own streams, for a person at a terminal. @returns its exit code */
export const callAttached = (args: readonly string[]): Promise<number> => statusOf(begin(args, 'inherit'));

/** Calls it. @throws LabError with what it said, when it fails */
export async function mustCall(what: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await callRuntime(args);
  if (code !== 0) throw new LabError(`could not ${what}: ${stderr.trim() || `hako-oci ended with ${code}`}`);
  return stdout;
}

function begin(args: readonly string[], stdio: StdioOptions): ReturnType<typeof spawn> {
  return spawn(process.execPath, ['--single-threaded', program(), '--root', stateRoot(), ...args], { stdio });
}

async function statusOf(child: ReturnType<typeof spawn>): Promise<number> {
  // A terminal's keys go to the lab's program; what is sent to the whole group is its affair.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (constants.signals[signal!] ?? 0);
  } finally {
    process.off('SIGINT', ignore);
  }
}
