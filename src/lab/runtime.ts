/**
 * hako-oci, as the lab calls it: a program of its own, by its launcher where this is bundled, and src/oci where the sources run. So a
 * command's output can be led to a file, and a lab is what any OCI runtime would make of its configuration.
 */
import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../kernel/attempt.ts';
import { processStat } from '../kernel/process-stat.ts';
import { LabError } from './error.ts';
import { stateRoot } from './place.ts';

/** The command line's first words. */
const program = (): readonly [string, ...string[]] =>
  import.meta.filename.endsWith('.ts')
    ? [process.execPath, '--single-threaded', join(import.meta.dirname, '../oci/main.ts')]
    : [join(import.meta.dirname, '../hako-oci')];

/** How a call of hako-oci ended. */
export interface Ended {
  /** 128 and a signal's number where one ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As much of an output as is kept, and as much as may be printed before the program is ended: a learner's may print without end. */
const [keptOutput, mostOutput] = [4 * 2 ** 20, 64 * 2 ** 20];

/** How often it is looked how much was printed, in milliseconds. */
const lookEvery = 250;

/**
 * Calls hako-oci, and waits for its end and nobody else's: output goes to files, since what it starts may hold a pipe open for ever.
 * @param timeout milliseconds, after which it is ended @param signal ends it when it is aborted
 */
export async function callRuntime(
  args: readonly string[],
  { stdin = '', timeout, signal }: { readonly stdin?: string | Uint8Array; readonly timeout?: number; readonly signal?: AbortSignal } = {},
): Promise<Ended> {
  const directory = mkdtempSync(join(tmpdir(), 'hako-lab-'));
  const at = (name: string): string => join(directory, name);
  try {
    writeFileSync(at('in'), stdin);
    const streams = [openSync(at('in'), 'r'), openSync(at('out'), 'w'), openSync(at('err'), 'w')];
    const [command, ...rest] = args;
    const child = begin(command === 'exec' ? [command, '--pid-file', at('pid'), ...rest] : args, streams);
    streams.forEach((fd) => closeSync(fd));
    const end = (): void => endProgram(child, at('pid'));
    const timer = timeout === undefined ? undefined : setTimeout(end, timeout);
    const watch = setInterval(() => statSync(at('out')).size + statSync(at('err')).size > mostOutput && end(), lookEvery);
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end);
    const code = await statusOf(child);
    signal?.removeEventListener('abort', end);
    clearTimeout(timer);
    clearInterval(watch);
    return { code, stdout: beginningOf(at('out')), stderr: beginningOf(at('err')) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Ends the program that was started in the lab, with all of its process group, since the others of a pipeline write to the same file. One
 * that is not a program yet ends with hako-oci.
 */
function endProgram(child: ReturnType<typeof spawn>, pidFile: string): void {
  const pid = attempt(() => Number(readFileSync(pidFile, 'utf8')));
  // As long as it is hako-oci's child, neither its id nor its group's is another's: it begins a session of its own.
  if (pid !== undefined && processStat(pid)?.parent === child.pid) attempt(() => process.kill(-pid, 'SIGKILL'));
  else child.kill('SIGKILL');
}

function beginningOf(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, keptOutput));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)).toString('utf8');
  } finally {
    closeSync(fd);
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
  const [command, ...before] = program();
  return spawn(command, [...before, '--root', stateRoot(), ...args], { stdio, env: { ...process.env, HAKO_AS_BUILT: '1' } });
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
