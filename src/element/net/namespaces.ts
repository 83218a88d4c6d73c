/**
 * The network namespaces of this machine, and whatever keeps each alive: processes, names in /run/netns (as `ip netns` gives
 * them), other bind mounts, open descriptors. Each is held from when it was found until this process ends: what its paths lead to may
 * be changed meanwhile by whoever's they are. See network_namespaces(7), ip-netns(8).
 */
import { fstatSync, readdirSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { parseNamespace, type HeldNamespace } from '../../kernel/namespace.ts';
import { ElementError, hiddenBecause, unlessRoot } from '../error.ts';
import { attempt } from '../../kernel/attempt.ts';
import { surveyHeld, type Kept } from '../ns/survey.ts';

/** Where `ip netns` keeps names, and so do we. */
export const namesDirectory = '/run/netns';

/** A container, as far as its network is concerned. */
export interface ContainerPid {
  readonly name: string;
  readonly id: string;
  readonly pid: number;
}

export interface NetworkNamespace {
  readonly inode: number;
  /** It is the one that this process is in. */
  readonly own: boolean;
  /** Names in /run/netns. */
  readonly names: readonly string[];
  readonly container: string | undefined;
  /** Processes in it that we may see, by number. */
  readonly pids: readonly number[];
  /** Other files that it is mounted on, threads in it (/proc/PID/task/TID/ns/net), and descriptors that hold it (/proc/PID/fd/N). */
  readonly files: readonly string[];
  /** The path by which a person opens it. */
  readonly path: string;
  /** Absent where it could not be opened. */
  readonly held?: HeldNamespace;
  /** What it is called: `host`, a container's or its own name, `pid 42 (sleep)`, or a file. */
  readonly label: string;
}

/** A file as this process sees it; undefined where there is none, or none that it may see. */
const statOf = (path: string): Stats | undefined => attempt(() => statSync(path));

/**
 * Lists them, ours first.
 * @param containers the running ones, for their names
 */
export function listNamespaces(containers: readonly ContainerPid[] = []): NetworkNamespace[] {
  const all = surveyHeld('net');
  const files = (attempt(() => readdirSync(namesDirectory)) ?? []).map((name) => ({ name, file: statOf(`${namesDirectory}/${name}`) }));
  const here = parseNamespace(attempt(() => readlinkSync('/proc/thread-self/ns/mnt')) ?? '')?.inode;
  const described = all.map((found) => {
    // A name is one only while the namespace is mounted there; the file alone is what a deleted one leaves.
    const named = files.filter(({ file }) => found.held && file && isFileOf(file, found.held)).map(({ name }) => name);
    return describe(found, named.toSorted(), here, containers);
  });
  return described.toSorted((a, b) => Number(b.own) - Number(a.own) || a.label.localeCompare(b.label, 'en', { numeric: true }));
}

/** Whether a file is the one of a namespace that is held. */
function isFileOf(file: Stats, { fd }: HeldNamespace): boolean {
  const { dev, ino } = fstatSync(fd);
  return file.dev === dev && file.ino === ino;
}

function describe(found: Kept, names: readonly string[], here: number | undefined, containers: readonly ContainerPid[]): NetworkNamespace {
  const { inode, own, held } = found;
  const members = found.members.toSorted((a, b) => a.pid - b.pid);
  const first = members.find(({ tid }) => tid === undefined);
  const pids = members.flatMap(({ pid, tid }) => (tid === undefined ? [pid] : []));
  const files = [
    ...members.flatMap(({ pid, tid }) => (tid === undefined ? [] : [`/proc/${pid}/task/${tid}/ns/net`])),
    ...found.keepers.flatMap((keeper) => {
      if (keeper.kind === 'descriptor') return [`/proc/${keeper.pid}/fd/${keeper.fd}`];
      if (keeper.kind === 'children') return [];
      if (keeper.mountNamespace !== here) return [`${keeper.path} of mnt:[${keeper.mountNamespace}]`];
      return keeper.path.startsWith(`${namesDirectory}/`) ? [] : [keeper.path];
    }),
  ];
  // One with the host's network is no owner of it.
  const container = own ? undefined : containers.find((c) => pids.includes(c.pid))?.name;
  const path = own
    ? '/proc/thread-self/ns/net'
    : names.length
      ? `${namesDirectory}/${names[0]}`
      : first
        ? `/proc/${first.pid}/ns/net`
        : (files.find((file) => !file.endsWith(']')) ?? files[0] ?? `net:[${inode}]`);
  const label = own ? 'host' : (container ?? names[0] ?? (first ? `pid ${first.pid}${first.command ? ` (${first.command})` : ''}` : path));
  return { inode, own, names, container, pids, files, path, label, ...(held ? { held } : {}) };
}

/** What a namespace is held by. @throws ElementError where it could not be opened when it was found */
export function heldOf({ held, label, path }: NetworkNamespace): HeldNamespace {
  if (held) return held;
  throw new ElementError(`the network namespace ${label} cannot be opened: nothing that leads to it can be reached from here (${path})`);
}

/**
 * Finds one by what a person calls it: `host`, a name in /run/netns, a container's name or id, a PID, or a file.
 * @throws ElementError where there is none
 */
export function findNamespace(spec: string, namespaces: readonly NetworkNamespace[], containers: readonly ContainerPid[] = []): NetworkNamespace {
  const byPid = (pid: number): NetworkNamespace | undefined => {
    const file = statOf(`/proc/${pid}/ns/net`);
    return file && namespaces.find(({ held }) => held && isFileOf(file, held));
  };
  if (spec === 'host') return namespaces.find((n) => n.own)!;
  const named = namespaces.find((n) => n.names.includes(spec));
  if (named) return named;
  const container = containers.find((c) => c.name === spec || (spec.length >= 4 && c.id.startsWith(spec)));
  const ofContainer = container && byPid(container.pid);
  if (ofContainer) return ofContainer;
  if (/^\d+$/.test(spec)) {
    const found = byPid(Number(spec));
    if (found) return found;
    throw new ElementError(
      statOf(`/proc/${spec}`)
        ? `the network namespace of process ${spec} cannot be seen: ${hiddenBecause()}${unlessRoot('; run hako as root')}`
        : `there is no process ${spec}`,
    );
  }
  if (spec.includes('/')) {
    const file = statOf(spec);
    const found = file && namespaces.find(({ held }) => held && isFileOf(file, held));
    if (found) return found;
    throw new ElementError(`${spec} is not a network namespace${file ? '' : ': there is no such file'}`);
  }
  throw new ElementError(`no network namespace, running container or process is called "${spec}": "hako net ls" lists what there is`);
}
