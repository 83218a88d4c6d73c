/**
 * A survey of the namespaces that there are: those that processes and threads are in, and those that live without a process, by a
 * bind mount, an open descriptor, or another namespace that is beneath them. Each is held open until the survey is closed, so
 * that no number in it can come to mean another namespace while the survey is made. See namespaces(7), "Namespace lifetime".
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tryOpenInRoot, closeFd, toBytes } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { call } from '../../kernel/call.ts';
import { runInChild } from '../../kernel/launch/child.ts';
import { parseMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import {
  holdNamespace,
  holdPlace,
  namespaceId,
  namespaceKind,
  namespaceKinds,
  ownerOf,
  ownerUidOf,
  parentOf,
  parseNamespace,
  type HeldNamespace,
  type NamespaceType,
} from '../../kernel/namespace.ts';
import { performNow } from '../../kernel/perform.ts';
import { printable } from '../../kernel/printable.ts';
import { attempt } from '../../kernel/attempt.ts';
import { ProcessDirectory, processIds } from './processes.ts';

/** What keeps a namespace alive beside the processes in it. */
export type Keeper =
  /** A bind mount, as the processes of a mount namespace see it. */
  | { readonly kind: 'mount'; readonly path: string; readonly mountNamespace: number }
  | { readonly kind: 'descriptor'; readonly pid: number; readonly command: string; readonly fd: number }
  /** Children that the process will have are to be in it; it is not itself. */
  | { readonly kind: 'children'; readonly pid: number; readonly command: string };

/** A process in a namespace; with `tid`, one thread of a process that is elsewhere itself. */
export interface Member {
  readonly pid: number;
  readonly tid?: number;
  readonly command: string;
}

/** A namespace. Others are named by their inode numbers. */
export interface Namespace {
  readonly type: NamespaceType;
  readonly inode: number;
  /** The kernel's own number of it, which is never used again (from Linux 6.18). */
  readonly id?: number;
  /** The user namespace that owns it; absent where that is above ours. Of a user namespace: its parent. */
  readonly owner?: number;
  /** Of a PID namespace: the one above it. */
  readonly parent?: number;
  /** Of a user namespace: who made it, as our user namespace counts. */
  readonly ownerUid?: number;
  /** This process is in it. */
  readonly own: boolean;
  readonly members: readonly Member[];
  readonly keepers: readonly Keeper[];
}

/** What was found. */
export interface Survey {
  readonly namespaces: readonly Namespace[];
  /** Processes whose namespaces the kernel does not show us: they are other users'. */
  readonly hidden: number;
}

interface Entry {
  readonly type: NamespaceType;
  readonly inode: number;
  readonly held?: HeldNamespace;
  readonly members: Member[];
  readonly keepers: Keeper[];
}

/** Looks at all processes, mount tables and descriptors. About a millisecond for a process. */
export function survey(): Survey {
  const surveyor = new Surveyor(namespaceKinds.map(({ type }) => type));
  try {
    return surveyor.survey();
  } finally {
    surveyor.close();
  }
}

/** A namespace that is held on; absent where it could not be opened: what is hidden in another root, say. */
export interface Kept extends Namespace {
  readonly held?: HeldNamespace;
}

/** Looks for the namespaces of one type, for who goes on to work in them: they stay held, and are the caller's to close. */
export function surveyHeld(type: NamespaceType): readonly Kept[] {
  // The mount namespaces, too, since their tables say where others are mounted.
  const surveyor = new Surveyor([type, 'mnt']);
  try {
    return surveyor.survey().namespaces.flatMap((namespace) => (namespace.type === type ? [{ ...namespace, ...surveyor.take(namespace) }] : []));
  } finally {
    surveyor.close();
  }
}

class Surveyor {
  readonly #types: ReadonlySet<NamespaceType>;
  readonly #entries = new Map<string, Entry>();
  readonly #directories: ProcessDirectory[] = [];
  readonly #tablesRead = new Set<number>();
  /** Where namespaces are mounted, in whichever mount namespace. */
  readonly #mountPoints = new Set<string>(['/']);
  readonly #taken = new Set<HeldNamespace>();
  #hidden = 0;

  /** @param types what is looked for */
  constructor(types: readonly NamespaceType[]) {
    this.#types = new Set(types);
  }

  /** Gives a namespace's descriptor away: it stays open when this is closed. */
  take(namespace: Namespace): { readonly held?: HeldNamespace } {
    const held = this.#entries.get(key(namespace))?.held;
    if (!held) return {};
    this.#taken.add(held);
    return { held };
  }

  close(): void {
    for (const { held } of this.#entries.values()) if (held && !this.#taken.has(held)) closeFd(held.fd);
    for (const directory of this.#directories) directory.close();
  }

  survey(): Survey {
    for (const pid of processIds()) {
      const directory = ProcessDirectory.open(pid);
      if (!directory) continue;
      this.#directories.push(directory);
      this.#processOf(directory);
    }
    this.#mounts();
    for (const directory of this.#directories) if (directory.pid !== process.pid) this.#descriptorsOf(directory);
    // A descriptor may be of a mount namespace that nobody is in, with mounts of its own.
    this.#mounts();
    this.#relatives();
    return { namespaces: [...this.#entries.values()].map((entry) => this.#describe(entry)), hidden: this.#hidden };
  }

  /** The entry of a namespace that a link names; the path is opened when it is not held yet. */
  #entry(link: string, open: () => HeldNamespace | number): Entry | undefined {
    const named = parseNamespace(link);
    if (!named || !this.#types.has(named.type)) return undefined;
    const known = this.#entries.get(key(named));
    if (known?.held) return known;
    const held = open();
    if (typeof held !== 'number') return this.#take(held);
    // It cannot be opened, but it was there: what is hidden in another root, say.
    const entry: Entry = known ?? { ...named, members: [], keepers: [] };
    this.#entries.set(key(named), entry);
    return entry;
  }

  /** The entry of a namespace that is held; a second descriptor of it is closed, and one of a type that is not looked for. */
  #take(held: HeldNamespace): Entry | undefined {
    const known = this.#entries.get(key(held));
    if (known?.held || !this.#types.has(held.type)) {
      closeFd(held.fd);
      return known;
    }
    const entry: Entry = { type: held.type, inode: held.inode, held, members: known?.members ?? [], keepers: known?.keepers ?? [] };
    this.#entries.set(key(held), entry);
    return entry;
  }

  #processOf(directory: ProcessDirectory): void {
    const links = directory.links();
    if (!links) {
      // One that has ended, and that nobody has waited for yet, is in none any more, whosever it was.
      if (!directory.isZombie) this.#hidden++;
      return;
    }
    const { pid, command } = directory;
    for (const [file, link] of links) {
      const entry = this.#entry(link, () => holdNamespace(`${directory.path}/ns/${file}`));
      if (!file.endsWith('_for_children')) entry?.members.push({ pid, command });
      else if (link !== links.get(file.replace('_for_children', ''))) entry?.keepers.push({ kind: 'children', pid, command });
    }
    // A thread may have left the namespaces of its process.
    const threads = attempt(() => readdirSync(`${directory.path}/task`)) ?? [];
    for (const tid of threads.length > 1 ? threads : []) {
      if (Number(tid) === pid) continue;
      for (const [file, link] of directory.links(`task/${tid}/ns`) ?? []) {
        if (link === links.get(file) || file.endsWith('_for_children')) continue;
        this.#entry(link, () => holdNamespace(`${directory.path}/task/${tid}/ns/${file}`))?.members.push({ pid, tid: Number(tid), command });
      }
    }
  }

  #descriptorsOf(directory: ProcessDirectory): void {
    for (const fd of attempt(() => readdirSync(`${directory.path}/fd`)) ?? []) {
      const path = `${directory.path}/fd/${fd}`;
      const link = attempt(() => readlinkSync(path)) ?? '';
      // One that was opened by a bind mount shows the path of that, or the root's when the mount is gone. No other file is touched.
      const entry = this.#mountPoints.has(link) ? this.#opened(holdNamespace(path)) : this.#entry(link, () => holdNamespace(path));
      entry?.keepers.push({ kind: 'descriptor', pid: directory.pid, command: directory.command, fd: Number(fd) });
    }
  }

  #opened(held: HeldNamespace | number): Entry | undefined {
    return typeof held === 'number' ? undefined : this.#take(held);
  }

  /** Bind mounts, in every mount namespace once: by a process in it, or where none is, by a child that enters it. */
  #mounts(): void {
    // A mount may be of a mount namespace that has a table too.
    for (let next; (next = [...this.#entries.values()].find(({ type, inode }) => type === 'mnt' && !this.#tablesRead.has(inode)));) {
      const { inode, members, held } = next;
      this.#tablesRead.add(inode);
      const directory = this.#directories.find(({ pid }) => pid === members.find(({ tid }) => tid === undefined)?.pid);
      const table = directory ? tableOf(directory) : held && tableInside(held);
      for (const { root, mountPoint, type } of table?.mounts ?? []) {
        if (type !== 'nsfs') continue;
        this.#mountPoints.add(mountPoint);
        const entry = this.#entry(root, () => holdPlace(table!.open(mountPoint)));
        entry?.keepers.push({ kind: 'mount', path: printable(mountPoint), mountNamespace: inode });
      }
      table?.close();
    }
  }

  /** Owners and parents, which live as long as what is beneath them. */
  #relatives(): void {
    const seen = new Set<Entry>();
    for (let next; (next = [...this.#entries.values()].find((entry) => !seen.has(entry)));) {
      seen.add(next);
      if (!next.held) continue;
      for (const relative of [ownerOf(next.held), ...(next.type === 'pid' ? [parentOf(next.held)] : [])]) this.#opened(relative);
    }
  }

  #describe({ type, inode, held, members, keepers }: Entry): Namespace {
    const owner = held && number(ownerOf(held));
    const parent = held && type === 'pid' ? number(parentOf(held)) : undefined;
    const ownerUid = held && type === 'user' ? ownerUidOf(held) : undefined;
    const id = held && namespaceId(held);
    return {
      type,
      inode,
      ...(id === undefined ? {} : { id }),
      ...(owner === undefined ? {} : { owner }),
      ...(parent === undefined ? {} : { parent }),
      ...(ownerUid === undefined ? {} : { ownerUid }),
      own: attempt(() => readlinkSync(`/proc/self/ns/${type}`)) === key({ type, inode }),
      members,
      keepers,
    };
  }
}

const key = ({ type, inode }: Pick<Entry, 'type' | 'inode'>): string => `${type}:[${inode}]`;

/** The number of a namespace that was asked for, which is let go. */
function number(asked: HeldNamespace | number): number | undefined {
  if (typeof asked === 'number') return undefined;
  closeFd(asked.fd);
  return asked.inode;
}

/** A mount table, and the way to what it names. */
interface MountTable {
  readonly mounts: readonly Mount[];
  /** Opens a mount point as a place, where it is reached from the table's root and by nothing but directories. @returns a descriptor or a negative errno */
  open(mountPoint: string): number;
  close(): void;
}

function mountTable(text: string, root: number): MountTable {
  return {
    mounts: parseMountinfo(text),
    open: (mountPoint) => tryOpenInRoot(root, toBytes(mountPoint), openFlags.O_PATH),
    close: () => closeFd(root),
  };
}

/** As a process sees it. */
function tableOf({ path }: ProcessDirectory): MountTable | undefined {
  const text = attempt(() => readFileSync(`${path}/mountinfo`, 'utf8'));
  return text === undefined ? undefined : mountTable(text, performNow(call('openat', [AT_FDCWD, `${path}/root`, openFlags.O_PATH | openFlags.O_CLOEXEC, 0])));
}

/** Of a mount namespace that no process is in: a child enters it, and leaves its table and its root open behind. */
function tableInside({ fd }: HeldNamespace): MountTable | undefined {
  const proc = performNow(call('openat', [AT_FDCWD, '/proc', openFlags.O_PATH | openFlags.O_CLOEXEC, 0]));
  try {
    const [, table, root] = runInChild([
      call('setns', [fd, namespaceKind('mnt').flag]),
      // By our own procfs: the namespace may have none.
      call('openat', [proc, 'thread-self/mountinfo', openFlags.O_CLOEXEC, 0]),
      call('openat', [AT_FDCWD, '/', openFlags.O_PATH | openFlags.O_CLOEXEC, 0]),
    ]) as [number, number, number];
    try {
      return mountTable(readFileSync(table, 'utf8'), root);
    } finally {
      closeFd(table);
    }
  } catch {
    return undefined; // not ours to enter
  } finally {
    closeFd(proc);
  }
}
