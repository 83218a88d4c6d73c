/**
 * Starts the engine, hakod, for the first command that needs it. The engine says on a pipe, its descriptor 3, when it
 * is ready, or in one sentence why it can't be. Two commands at once may each start one: hakod holds a lock, the one
 * that comes second ends, and its client finds the socket of the first.
 */
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, watch } from 'node:fs';
import { makeDirectory } from '../kernel/make-directory.ts';
import { CommandError } from './command.ts';
import type { Readable } from 'node:stream';
import { isAbsent, readText, runDirectory, tryConnect } from './engine-socket.ts';

const logPath = `${runDirectory}/hakod.log`;

/** hakod beside this file when bundled, in the source tree otherwise. */
function enginePath(): string {
  return join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../engine/hakod.ts' : 'hakod.js');
}

/**
 * Starts hakod in a session of its own and returns when it listens.
 * @param path hakod's file
 * @throws CommandError with hakod's own reason, or the last lines of its log
 */
export async function startEngine(path = enginePath()): Promise<void> {
  if (!existsSync(path))
    throw new CommandError(`the engine is not running and its program ${path} is missing`, { hint: 'Install hakobune again, or build it.' });
  const log = openLog();
  const env = { ...process.env };
  delete env['NODE_EXTRA_CA_CERTS']; // costs each Node process its reading; the engine speaks no TLS
  const child = spawn(process.execPath, ['--max-semi-space-size=1', path], { detached: true, cwd: '/', env, stdio: ['ignore', log, log, 'pipe'] });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`cannot run ${process.execPath}: ${(error as NodeJS.ErrnoException).code}`));
    child.once('exit', (code, signal) => resolve(signal ? `hakod was killed by ${signal}` : `hakod ended with exit code ${code}`));
  });
  const report = (await readText(child.stdio[3] as Readable)).trim();
  const [first, ...notes] = report.split('\n');
  if (first === 'ready') {
    child.unref();
    process.stderr.write(
      `hako: started the engine (hakod, process ${child.pid}); its log is ${logPath}\n${notes.map((note) => `hako: note: ${note}\n`).join('')}`,
    );
    return;
  }
  const reason = report || (await ended);
  // Only a sentence about another engine is worth waiting for that one.
  if (await otherListens(/\b(another|lock)/i.test(reason) ? 2000 : 0)) return;
  throw new CommandError(`the engine did not start: ${reason.replace(/^hakod: /, '')}`, { hint: report ? `Its log is ${logPath}.` : lastLogLines() });
}

function openLog(): number {
  try {
    makeDirectory(runDirectory, process.geteuid!() === 0 ? 0o711 : 0o700);
    return openSync(logPath, 'a', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`the engine is not running and cannot be started: cannot write ${logPath} (${code})`, {
      hint:
        process.geteuid!() === 0
          ? 'Set HAKO_RUN to a directory that can be written.'
          : "Run the command as root for an engine of root's; for one of your own leave HAKO_RUN unset, or set it to a directory of yours.",
    });
  }
}

/** Whether another hakod listens, now or within some milliseconds: it has the lock, but may still be coming up. */
async function otherListens(patience: number): Promise<boolean> {
  const listens = async (): Promise<boolean> => {
    try {
      (await tryConnect()).destroy();
      return true;
    } catch (error) {
      return !isAbsent(error);
    }
  };
  if (patience === 0) return listens();
  const until = AbortSignal.timeout(patience);
  const watcher = watch(runDirectory, { signal: until });
  try {
    while (!(await listens())) {
      if (until.aborted) return false;
      // The socket's appearing is a change in the directory. Listening may follow a moment later, hence the short wait.
      const moment = AbortSignal.any([until, AbortSignal.timeout(50)]);
      await once(watcher, 'change', { signal: moment }).catch(() => {});
    }
    return true;
  } finally {
    watcher.close();
  }
}

function lastLogLines(): string {
  try {
    const lines = readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-5);
    return `The last lines of ${logPath}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  } catch {
    return `Its log is ${logPath}.`;
  }
}
