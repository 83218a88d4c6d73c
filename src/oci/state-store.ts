/**
 * The states of all containers: ROOT/ID/state.json, and what else create puts beside it. There are no locks: mkdir(2) claims an id,
 * rename(2) of a whole file changes a state, and rename(2) of the directory out of the way claims a deletion.
 *
 * Who reads trusts nothing that it finds: a name that is no id is passed over, a file that is not ours is an error.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { isAlive } from '../kernel/process-stat.ts';
import { inFirstUserNamespace } from '../kernel/user-namespace.ts';
import { isPaused } from './cgroup-place.ts';
import type { ContainerRecord, Status } from './container-record.ts';
import { because, OciError } from './error.ts';
import { parseRecord } from './record-file.ts';

/** A directory with a container's name, of which the state cannot be told: its creation was broken off, or somebody changed it. */
export class DamagedState extends OciError {}

/** There is no such container, or none any more. */
export class NoContainer extends OciError {}

/** A name that starts with this is no id: a directory on its way to be deleted. */
const aside = '~';

/** As much as a state file may have; annotations are the only part that is not small. */
const mostBytes = 16 * 2 ** 20;

/** The FIFO that a created container waits at: its presence tells created from running. */
export const gateName = 'start';

/** What a container's directory has. */
const ownFiles = /^(state\.json(\.\d+)?|config\.json|start|criu)$/;

/** @throws OciError unless it may be a container's id: the characters are runc's, the length is a file name's */
export function checkId(id: string): void {
  if (!/^[\w+.-]+$/.test(id) || id === '.' || id === '..')
    throw new OciError(`invalid container ID ${JSON.stringify(id.slice(0, 60))}: letters, digits, "_", "+", "-" and "." are allowed, and at least one of them`);
  if (id.length > 255) throw new OciError(`the container ID "${id.slice(0, 20)}…" has ${id.length} characters: it may have 255, as a file name`);
}

export class StateStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Where a container's files are. @throws OciError for a name that is no id */
  directory(id: string): string {
    checkId(id);
    return `${this.root}/${id}`;
  }

  /**
   * Claims the id and writes the record. Only the caller may read what lies there.
   * @returns the container's directory @throws OciError where the id is taken
   */
  create(record: ContainerRecord): string {
    const directory = this.directory(record.id);
    // Sticky, so that who clears a user's runtime directory of old files leaves it; basedir-spec, "XDG_RUNTIME_DIR".
    if (makeRoot(this.root)) chmodSync(this.root, 0o1700);
    else this.#checkRoot();
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new OciError(`container with given ID already exists: ${record.id}`);
      throw failure(`make the directory ${directory}`, error);
    }
    try {
      this.update(record);
    } catch (error) {
      this.remove(record.id);
      throw error;
    }
    return directory;
  }

  /** Writes the record, whole or not at all. @throws OciError where the container was deleted meanwhile */
  update(record: ContainerRecord): void {
    const path = `${this.directory(record.id)}/state.json`;
    const fresh = `${path}.${process.pid}`;
    try {
      writeFileSync(fresh, `${JSON.stringify(record)}\n`, { mode: 0o600, flag: 'wx' });
      renameSync(fresh, path);
    } catch (error) {
      rmSync(fresh, { force: true });
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw notThere(record.id);
      throw failure(`write ${path}`, error);
    }
  }

  /** @throws OciError where there is no such container; DamagedState where there is something else */
  read(id: string): ContainerRecord {
    const directory = this.directory(id);
    const found = statusOf(directory);
    if (!found) throw notThere(id);
    if (!found.isDirectory()) throw new OciError(`${directory} is no container's directory: move it out of the way`);
    if (!isTrusted(found)) throw new OciError(`${directory} belongs to the user ${found.uid}, who is not trusted: use a --root of your own`);
    this.#checkRoot();
    try {
      return parseRecord(readState(`${directory}/state.json`), id);
    } catch (error) {
      if (error instanceof OciError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') {
        if (!statusOf(directory)) throw notThere(id); // deleted meanwhile
        throw new DamagedState(`the container ${id} is being created, or its creation was broken off: if so, remove it with delete --force ${id}`);
      }
      throw new DamagedState(`${directory}/state.json is no state of a container of hako-oci (${message}): remove it with delete --force ${id}`);
    }
  }

  /** By whom the root can be changed can put any state in the place of another at any moment. @throws OciError */
  #checkRoot(): void {
    const found = doing(`look at ${this.root}`, () => statSync(this.root));
    if (!isTrusted(found)) throw new OciError(`${this.root} belongs to the user ${found.uid}, who is not trusted: use a --root of your own`);
    const [everybodyWrites, sticky] = [0o002, 0o1000];
    if (found.mode & everybodyWrites && !(found.mode & sticky))
      throw new OciError(`${this.root} can be changed by other users: use a --root of your own, or take the right to write from others`);
  }

  /** The ids that are taken, sorted; half-made containers included. None where there is no such root. */
  ids(): string[] {
    return namesIn(this.root)
      .filter((name) => /^[\w+.-]+$/.test(name) && statusOf(`${this.root}/${name}`)?.isDirectory())
      .toSorted();
  }

  /**
   * Removes the container's directory: first out of sight, in one step, then with all that is in it.
   * @throws OciError where somebody else has done it
   */
  remove(id: string): void {
    const directory = this.directory(id);
    // A name alone, and no directory: that could not be made where the disk is full.
    const away = `${this.root}/${aside}${process.pid}-${process.hrtime.bigint()}`;
    try {
      renameSync(`${directory}/`, away); // by the slash, nothing but a directory
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw notThere(id);
      throw failure(`remove ${directory}`, error);
    }
    this.sweep();
  }

  /** Removes what was on its way to be deleted when its deleter died: whatever has such a name may go at any time. */
  sweep(): void {
    for (const name of namesIn(this.root))
      if (name.startsWith(aside)) doing(`remove ${this.root}/${name}`, () => rmSync(`${this.root}/${name}`, { recursive: true, force: true }));
  }

  /**
   * Removes a directory whose state is damaged, if nothing is in it but what a container's directory has: under a root that was
   * named by mistake, every directory looks like a container that was made by half.
   */
  clear(id: string): void {
    const directory = this.directory(id);
    const foreign = readdirSync(directory).find((name) => !ownFiles.test(name));
    if (foreign !== undefined) throw new OciError(`${directory} is no container's directory, since ${foreign} is in it: is ${this.root} the right --root?`);
    this.remove(id);
  }

  /** What the container does now. */
  status(record: ContainerRecord): Status {
    if (!record.process) return isAlive(record.creator) ? 'creating' : 'stopped';
    if (!isAlive(record.process)) return 'stopped';
    if (isPaused(record.cgroup)) return 'paused';
    return statusOf(`${this.directory(record.id)}/${gateName}`)?.isFIFO() ? 'created' : 'running';
  }
}

const notThere = (id: string): OciError => new NoContainer(`container does not exist: ${id}`);

/** Whether something is ours, or root's: the machine's, who in a user namespace is seen as nobody. */
function isTrusted({ uid }: Stats): boolean {
  return uid === process.geteuid!() || uid === 0 || (uid === overflowUser && !inFirstUserNamespace());
}

/** Who has no id in a user namespace. See user_namespaces(7), /proc/sys/kernel/overflowuid. */
const overflowUser = 65534;

/** A link is what it is, and not what it leads to. */
function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) return undefined;
    throw failure(`look at ${path}`, error);
  }
}

/** None where there is no such directory. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw failure(`read the directory ${directory}`, error);
  }
}

/** A plain file's text: no link is followed, no FIFO waited for. */
function readState(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw new Error('it is not a file');
    if (found.size > mostBytes) throw new Error(`it has ${found.size} bytes`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/** @returns whether it was not there yet */
function makeRoot(root: string): boolean {
  try {
    return mkdirSync(root, { recursive: true, mode: 0o700 }) !== undefined;
  } catch (error) {
    const said = failure(`make the directory ${root}`, error);
    if (process.geteuid!() === 0) throw said;
    throw new OciError(`${said.message}: have XDG_RUNTIME_DIR name a directory of your own, or name one by --root`);
  }
}

function failure(what: string, error: unknown): OciError {
  const { code } = error as NodeJS.ErrnoException;
  return new OciError(`could not ${what}: ${code === 'EACCES' || code === 'EPERM' ? 'permission denied' : because(error)}`);
}

function doing<R>(what: string, act: () => R): R {
  try {
    return act();
  } catch (error) {
    throw failure(what, error);
  }
}
