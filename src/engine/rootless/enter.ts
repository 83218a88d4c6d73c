/**
 * How the engine of an ordinary user begins: in namespaces in which it is root, so that nearly all of it is as it is for the machine's
 * root. A process with threads, as Node's, may enter no user namespace: so it becomes a program of some hundred bytes that enters them
 * and becomes Node again. It stays the same process all the while. See user_namespaces(7), setns(2).
 */
import { fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { call } from '../../kernel/call.ts';
import { atFlags, fcntlCommands, flockOperations } from '../../kernel/flags.ts';
import { monitorProgram, sealedProgram, tableDescriptor } from '../../kernel/launch/program.ts';
import type { Row } from '../../kernel/launch/table.ts';
import { makeDirectory } from '../../kernel/make-directory.ts';
import { must, performNow } from '../../kernel/perform.ts';
import { isAlive } from '../../kernel/process-stat.ts';
import { identify, openProcess } from '../../kernel/process.ts';
import { findMonitors } from '../../runtime/process.ts';
import type { Settings } from '../settings.ts';
import { ownNamespaces, programTable, startHolder } from './holder.ts';
import { notesOf, readNamespaces, writeNamespaces, type NamespacesRecord } from './namespaces-file.ts';
import { ownMaps } from '../../runtime/granted-ids.ts';
import { endProcess, startUplink } from './uplink.ts';
import { straysOf } from './strays.ts';

/**
 * Makes the namespaces, or finds those in which containers of an earlier engine are, and becomes the engine in them.
 * @returns only by an error
 */
export async function becomeRootOfOwn(settings: Settings, report: (line: string) => void): Promise<never> {
  ownDirectory('HAKO_RUN', settings.run);
  ownDirectory('HAKO_ROOT', settings.root);
  lockNamespaces(settings.run);
  const found = findNamespaces(settings.run);
  const record = found ? await connected(settings.run, found) : await make(settings.run);
  for (const note of notesOf(record)) report(note);
  const pidfd = openProcess(record.holder);
  if (pidfd === undefined) throw new Error(`the process ${record.holder.pid}, which holds the engine's namespaces, has ended`);
  return enter(pidfd, { ...process.env, HAKO_RUN: settings.run, HAKO_ROOT: settings.root });
}

/** Those of an engine before this one. Its holder may have been ended by somebody: the monitors of its containers are in them, too. */
function findNamespaces(run: string): NamespacesRecord | undefined {
  const record = readNamespaces(run);
  if (!record || isAlive(record.holder)) return record;
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isOwn(pid));
  const [monitor] = findMonitors(run, pids);
  const holder = monitor && identify(monitor.pid);
  return holder && { ...record, holder };
}

/** Whether a process is this user's: anybody can give himself the name of a monitor. */
const isOwn = (pid: number): boolean => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === process.geteuid!();

async function make(run: string): Promise<NamespacesRecord> {
  for (const stray of straysOf(run)) await endProcess(stray);
  const maps = ownMaps();
  const holder = await startHolder(run, maps);
  try {
    return await connected(run, { holder, notes: maps.note ? [maps.note] : [] });
  } catch (error) {
    for (const stray of straysOf(run)) await endProcess(stray);
    throw error;
  }
}

/** With an uplink: there was none, or it has ended. */
async function connected(run: string, record: NamespacesRecord): Promise<NamespacesRecord> {
  const { holder, notes } = record;
  if (record.uplink && isAlive(record.uplink.process)) {
    writeNamespaces(run, record);
    return record;
  }
  const uplink = await startUplink(run, holder);
  const made: NamespacesRecord = typeof uplink === 'string' ? { holder, notes, unconnected: uplink } : { holder, notes, uplink };
  writeNamespaces(run, made);
  return made;
}

/** Makes a directory that is the user's own: in /tmp anybody could have made one of this name. */
function ownDirectory(variable: string, path: string): void {
  try {
    makeDirectory(path, 0o700);
  } catch (error) {
    throw new Error(`${path} can't be made a directory (${(error as NodeJS.ErrnoException).code}): set ${variable} to one that can be written`, {
      cause: error,
    });
  }
  const { uid, mode } = statSync(path);
  if (uid !== process.geteuid!()) throw new Error(`${path} is another user's (${uid}): set ${variable} to a directory of your own`);
  if (mode & 0o022) throw new Error(`${path} can be written to by others: take that from them (chmod go-w), or set ${variable} to another directory`);
}

/** Who comes second waits for the namespaces of who comes first. The lock ends when this process becomes another program, or with it. */
export function lockNamespaces(run: string): number {
  const fd = openSync(join(run, 'namespaces.lock'), 'w', 0o600);
  must(call('flock', [fd, flockOperations.LOCK_EX]));
  return fd;
}

/** Whether somebody is told of the start: by descriptor 3, which is then no descriptor of Node's own. */
export function hasStarter(): boolean {
  const stat = fstatSync(tableDescriptor);
  return stat.isFIFO() || stat.isSocket();
}

/** Becomes the same program, in the namespaces of a process. Its descriptors 0 to 2, and the starter's pipe, stay. */
function enter(pidfd: number, environment: Readonly<Record<string, string | undefined>>): never {
  const starter = hasStarter() ? must(call('fcntl', [tableDescriptor, fcntlCommands.F_DUPFD, 10])) : -1;
  const env = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const restore = starter < 0 ? [] : [call('dup3', [starter, tableDescriptor, 0]), call('close', [starter])];
  const section: Row[] = [
    call('setns', [pidfd, ownNamespaces]),
    call('close', [pidfd]),
    ...restore,
    call('execve', [process.execPath, argv, env]),
    call('exit_group', [125]),
  ].map((made) => ({ call: made }));
  const table = programTable(section);
  const program = sealedProgram('hakod', monitorProgram());
  must(call('fcntl', [pidfd, fcntlCommands.F_SETFD, 0]));
  for (const fd of [0, 1, 2]) performNow(call('fcntl', [fd, fcntlCommands.F_SETFD, 0]));
  must(call('dup3', [table, tableDescriptor, 0]));
  must(call('execveat', [program, '', ['hakod'], [], atFlags.AT_EMPTY_PATH]));
  throw new Error('execveat(2) returned');
}
