/**
 * What is written down of containers. `ROOT/containers/ID/container.json` survives a reboot; it is written when the
 * container is made and when it ends. `RUN/containers/ID/running.json` is there while it runs, for an engine that is
 * started later; it is written on the way of a start, so it is not flushed. A container with AutoRemove is of no use
 * after a reboot: its record lies in the run directory only.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Trace } from '../api/schema.ts';
import { replaceFile, writeFileAtomic } from '../storage/atomic.ts';
import { Container, type ContainerRecord, type RunningRecord } from './container.ts';
import type { Settings } from './settings.ts';

const idPattern = /^[0-9a-f]{64}$/;

/** The part of what runs that can be written down. */
const recordOf = ({ process, cgroupPath, namespaces, endpoint, ports, warnings }: RunningRecord): RunningRecord => ({
  process,
  cgroupPath,
  namespaces,
  ...(endpoint ? { endpoint } : {}),
  ports,
  warnings,
});

/** The files of an engine's containers. */
export class StateFiles {
  readonly #kept: string;
  readonly #run: string;

  constructor(settings: Settings) {
    this.#kept = join(settings.root, 'containers');
    this.#run = join(settings.run, 'containers');
    for (const directory of [this.#kept, this.#run]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Where a container's log is kept. */
  logDirectory(container: Container): string {
    return join(this.#directory(container), 'log');
  }

  /** A directory on the run file system, for the files that are bound into the container. */
  runDirectory(id: string): string {
    return join(this.#run, id);
  }

  #directory(container: Container): string {
    return join(container.record.hostConfig.AutoRemove ? this.#run : this.#kept, container.id);
  }

  /** Makes a container's directories and writes its record. */
  create(container: Container): void {
    mkdirSync(this.runDirectory(container.id), { recursive: true, mode: 0o700 });
    if (!container.record.hostConfig.AutoRemove) mkdirSync(this.#directory(container), { recursive: true, mode: 0o700 });
    this.#write(container);
  }

  #write(container: Container): void {
    replaceFile(join(this.#directory(container), 'container.json'), JSON.stringify(container.record, null, 1));
  }

  /** Writes the record after a change, flushed where it is to survive a power failure. */
  async save(container: Container): Promise<void> {
    if (container.record.hostConfig.AutoRemove) this.#write(container);
    else await writeFileAtomic(join(this.#directory(container), 'container.json'), JSON.stringify(container.record, null, 1));
  }

  /** The run directory of a container that is being started: after a reboot it is not there. */
  prepareRun(id: string): void {
    mkdirSync(this.runDirectory(id), { recursive: true, mode: 0o700 });
  }

  /** Notes what runs; from now on a later engine can take it up. */
  saveRunning(container: Container, running: RunningRecord): void {
    replaceFile(join(this.runDirectory(container.id), 'running.json'), JSON.stringify({ record: recordOf(running), state: container.record.state }));
  }

  /** It runs no more. */
  removeRunning(id: string): void {
    rmSync(join(this.runDirectory(id), 'running.json'), { force: true });
  }

  /** Keeps the trace of its last start that was traced. */
  saveTrace(container: Container, trace: Trace): void {
    replaceFile(join(this.#directory(container), 'trace.json'), JSON.stringify(trace));
  }

  /** That trace; undefined when there is none. */
  readTrace(container: Container, report: (message: string) => void): Trace | undefined {
    return this.#read(join(this.#directory(container), 'trace.json'), report) as Trace | undefined;
  }

  /** Removes all that is written down of a container, its log included. */
  remove(container: Container): void {
    rmSync(this.runDirectory(container.id), { recursive: true, force: true });
    if (!container.record.hostConfig.AutoRemove) rmSync(this.#directory(container), { recursive: true, force: true });
  }

  /** Reads every container, with what is noted of it if it ran. A directory without a readable record is left alone and reported. */
  load(report: (message: string) => void): { readonly container: Container; readonly running: RunningRecord | undefined }[] {
    const found: { container: Container; running: RunningRecord | undefined }[] = [];
    for (const base of [this.#kept, this.#run]) {
      for (const id of readdirSync(base).filter((name) => idPattern.test(name))) {
        const record = this.#read(join(base, id, 'container.json'), report) as ContainerRecord | undefined;
        if (!record) continue;
        const note = this.#read(join(this.#run, id, 'running.json'), report) as { record: RunningRecord; state: ContainerRecord['state'] } | undefined;
        if (note) record.state = note.state;
        found.push({ container: new Container(record), running: note?.record });
      }
    }
    return found;
  }

  #read(path: string, report: (message: string) => void): unknown {
    try {
      return JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') report(`${path} can't be read: ${String(error)}`);
      return undefined;
    }
  }

  /** Directories in the run directory that belong to no container. */
  removeStrays(known: ReadonlySet<string>): void {
    for (const id of readdirSync(this.#run)) if (!known.has(id)) rmSync(join(this.#run, id), { recursive: true, force: true });
  }
}
