/** Running criu(8), and what it says when it fails. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { OciError } from '../error.ts';

/**
 * Runs criu and waits for its end.
 * @param log the file where it says why it failed
 * @param kept a descriptor that it is to have under the same number
 * @throws OciError
 */
export async function runCriu(program: string, words: readonly string[], log: string, kept?: number): Promise<void> {
  const stdio: (number | 'ignore')[] =
    kept === undefined ? ['ignore', 'ignore', 'ignore'] : Array.from({ length: Math.max(kept + 1, 3) }, (_, fd) => (fd === kept ? kept : 'ignore'));
  const child = spawn(program, words, { stdio });
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => reject(notRunnable(program, error.code)));
    child.on('close', (code, signal) => resolve(code ?? signal ?? ''));
  });
  if (status !== 0) throw criuFailure(words[0]!, status, log);
}

/** @param code of the errno */
export const notRunnable = (program: string, code = ''): OciError =>
  new OciError(
    `checkpoint and restore are done by criu(8), and ${program} ${code === 'ENOENT' ? 'is not installed: executable file not found in $PATH' : `cannot be run (${code})`}: install it (Debian: criu), or name it with --criu`,
  );

/** The sentence for criu's end, with the last that its log tells of errors. */
export function criuFailure(action: string, status: number | string, log: string): OciError {
  let errors: string[] = [];
  try {
    errors = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => /\bError \(/.test(line) && !line.includes("Can't setup RLIMIT_NOFILE"));
  } catch {
    // It did not come as far as its log.
  }
  const first = errors[0]?.replace(/^.*?Error \([^)]*\): /, '');
  const kernel = errors.some((line) => /kernel features|kerndat/.test(line)) || errors.length === 0;
  const hint = kernel ? 'does it work on this kernel? `criu check` tells' : `all of it is in ${log}`;
  return new OciError(`criu ${action} failed (${typeof status === 'number' ? `exit status ${status}` : status})${first ? `: ${first}` : ''}; ${hint}`);
}
