/**
 * hakod: the engine's process. Any command starts it when it is not running; it can also be run by a service manager.
 * Whoever starts it may pass descriptor 3 for one line: `ready`, or why it could not start.
 */
import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../api/server.ts';
import { call } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { flockOperations, openFlags, prctlOptions } from '../kernel/flags.ts';
import { tableDescriptor } from '../kernel/launch/program.ts';
import { makeDirectory } from '../kernel/make-directory.ts';
import { performNow } from '../kernel/perform.ts';
import { nullDevice } from '../runtime/null-device.ts';
import { createEngine } from './create-engine.ts';
import { giveMemoryBackWhenIdle } from './idle-memory.ts';
import { becomeRootOfOwn, hasStarter } from './rootless/enter.ts';
import { currentNamespaces, newNotes } from './rootless/namespaces-file.ts';
import { readSettings, socketPath, type Settings } from './settings.ts';

/** Tells the starter, if there is one: then descriptor 3 is its pipe, and not one of Node's own. */
function tellStarter(line: string): void {
  try {
    if (!hasStarter()) return;
    writeSync(tableDescriptor, `${line}\n`);
  } catch {
    return; // the starter is gone
  }
  // The number stays taken: monitors map their tables from it, so nothing that they inherit may have it.
  performNow(call('dup3', [nullDevice(), tableDescriptor, openFlags.O_CLOEXEC]));
}

/** Only one engine works in a run directory; the lock ends with the process, however it ends. */
function lock(settings: Settings): void {
  const path = join(settings.run, 'hakod.lock');
  const fd = openSync(path, 'a', 0o600);
  const taken = performNow(call('flock', [fd, flockOperations.LOCK_EX | flockOperations.LOCK_NB]));
  if (taken === -errno.EWOULDBLOCK) throw new Error(`another hakod works in ${settings.run} already`);
  if (taken < 0) throw new Error(`${path} can't be locked (errno ${-taken})`);
  // A client that may not look into this process finds its id here.
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
}

/** Makes a directory of the engine's. */
function prepare(variable: string, path: string): void {
  try {
    makeDirectory(path, 0o711);
  } catch (error) {
    throw new Error(`${path} can't be made a directory (${(error as NodeJS.ErrnoException).code}): set ${variable} to one that can be written`, {
      cause: error,
    });
  }
}

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  if (process.geteuid?.() !== 0) return becomeRootOfOwn(settings, (note) => console.error(`hakod: ${note}`));
  prepare('HAKO_RUN', settings.run);
  prepare('HAKO_ROOT', settings.root);
  lock(settings);
  // No process of a container may trace this one or read its memory, whatever capabilities it has in its namespaces.
  performNow(call('prctl', [prctlOptions.PR_SET_DUMPABLE, 0, 0, 0, 0]));
  process.umask(0o022);
  process.title = 'hakod';

  const report = (message: string): void => console.error(`${new Date().toISOString()} ${message}`);
  const engine = await createEngine(settings, report);
  const server = await startServer(engine, { socketPath: socketPath(settings) });
  const own = currentNamespaces(settings.run);
  tellStarter(['ready', ...(own ? newNotes(settings.root, own) : [])].join('\n'));
  giveMemoryBackWhenIdle();

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void server
      .close()
      .then(() => engine.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          report(`stopping: ${String(error)}`);
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {});
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`hakod: ${reason}`);
  tellStarter(reason);
  process.exit(1);
});
