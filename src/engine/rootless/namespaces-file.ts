/**
 * `namespaces.json` in the run directory of a user's engine: which process holds the namespaces in which the engine and its containers
 * are, and which one connects them with the host's network. It outlives the engine, as the containers do.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inFirstUserNamespace } from '../../kernel/user-namespace.ts';
import type { ProcessIdentity } from '../../kernel/process-stat.ts';

/** Who connects the engine's network with the host's. */
export interface UplinkRecord {
  readonly program: 'slirp4netns' | 'pasta';
  readonly process: ProcessIdentity;
  /** The address at which it answers for the host's name servers. */
  readonly nameServer: string;
  /** Where ports of the host are asked of it. */
  readonly socket?: string;
}

/** What a user's engine is in. */
export interface NamespacesRecord {
  /** The process that is in them and does nothing. */
  readonly holder: ProcessIdentity;
  readonly uplink?: UplinkRecord;
  /** Why there is no uplink, in a sentence. */
  readonly unconnected?: string;
  /** What is missing otherwise: a sentence each. */
  readonly notes: readonly string[];
}

/** All that is missing. */
export const notesOf = ({ notes, unconnected }: NamespacesRecord): string[] => [...notes, ...(unconnected === undefined ? [] : [unconnected])];

/** What of it was not told before; it is kept what was. `hako info` goes on to show all. */
export function newNotes(root: string, record: NamespacesRecord): string[] {
  const path = join(root, 'notes-told');
  const told = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const notes = notesOf(record);
  writeFileSync(path, notes.join('\n'), { mode: 0o600 });
  return notes.filter((note) => !told.includes(note));
}

const pathIn = (run: string): string => join(run, 'namespaces.json');

/** The record of namespaces, whether they are still there or not; undefined where there is none. */
export function readNamespaces(run: string): NamespacesRecord | undefined {
  try {
    return JSON.parse(readFileSync(pathIn(run), 'utf8')) as NamespacesRecord;
  } catch {
    return undefined; // not there, or not whole: nobody's
  }
}

/** Those that this process is in: none of its own for the machine's root. */
export const currentNamespaces = (run: string): NamespacesRecord | undefined => (inFirstUserNamespace() ? undefined : readNamespaces(run));

/** Writes the record, whole or not at all. */
export function writeNamespaces(run: string, record: NamespacesRecord): void {
  const temporary = `${pathIn(run)}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
  renameSync(temporary, pathIn(run));
}

/** Takes the record away. */
export function forgetNamespaces(run: string): void {
  rmSync(pathIn(run), { force: true });
}
