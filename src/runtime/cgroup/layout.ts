/**
 * Which control group hierarchies this machine has. Version 1 has one tree per controller (or per co-mounted set of
 * them), version 2 one tree for all, and a "hybrid" machine has both, each controller being in exactly one of them.
 * See cgroups(7); Documentation/admin-guide/cgroup-v1/cgroups.rst and cgroup-v2.rst.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { readText } from '../../kernel/cgroupfs.ts';
import { parseMountinfo } from '../../kernel/mountinfo.ts';

/** One hierarchy: a tree of cgroups that is mounted somewhere. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** Its root's directory, as this process sees it. */
  readonly mountPoint: string;
  /** Controllers by the kernel's names. On version 2: those that its root offers. A named v1 hierarchy has none. */
  readonly controllers: readonly string[];
  /** The name of a v1 hierarchy without controllers: `systemd`. */
  readonly name?: string;
  /** This process's own cgroup in it, such as `/user.slice/…`. */
  readonly own: string;
  /** The cgroup that is taken for its root here, where it is not the root itself: see {@link beneath}. */
  readonly base?: string;
}

/** What cgroups this machine has, and who decides about devices. */
export interface CgroupLayout {
  /** `v2`: all controllers in the unified tree; `v1`: no unified tree is mounted; `hybrid`: both kinds. */
  readonly mode: 'v1' | 'v2' | 'hybrid';
  readonly hierarchies: readonly Hierarchy[];
  /** The version 2 tree, if mounted. Freezing, killing and events work there even when it has no controllers. */
  readonly unified?: Hierarchy;
  /** What this process may do in its own v2 cgroup without being root (a user's session has it from the service manager). */
  readonly delegated?: Delegation;
  /** Who holds device rules: an eBPF program in the unified tree, v1's list, or nobody; in a user namespace nobody needs to: no device can be made there. */
  readonly deviceFilter: 'bpf' | 'list' | 'none' | 'needless';
}

/** A part of the v2 tree that this process may change. */
export interface Delegation {
  /** Its directory. */
  readonly directory: string;
  /** Controllers that can be given to cgroups made below it. */
  readonly controllers: readonly string[];
}

/** Where {@link findHierarchies} looks, for tests: another root directory, other texts. */
export interface LookOptions {
  /** Text of /proc/self/mountinfo. */
  readonly mountinfo?: string;
  /** Text of /proc/self/cgroup. */
  readonly ownCgroups?: string;
  /** Put before every mount point; default none. */
  readonly root?: string;
}

/** Finds the hierarchies from /proc/self/mountinfo and /proc/self/cgroup, in the order of their mounts; none where none is mounted. */
export function findHierarchies(options: LookOptions = {}): Hierarchy[] {
  const root = options.root ?? '';
  const own = parseOwnCgroups(options.ownCgroups ?? readFileSync('/proc/self/cgroup', 'utf8'));
  const hierarchies: Hierarchy[] = [];
  const seen = new Set<string>();

  for (const mount of parseMountinfo(options.mountinfo ?? readFileSync('/proc/self/mountinfo', 'utf8'), 'cgroup')) {
    if (mount.type !== 'cgroup' && mount.type !== 'cgroup2') continue;
    // The same hierarchy may be mounted again (bind mounts, other containers' roots): the first one is the machine's.
    const identity = mount.type === 'cgroup2' ? 'unified' : v1Identity(mount.superOptions);
    if (seen.has(identity)) continue;
    seen.add(identity);
    const mountPoint = root + mount.mountPoint;
    if (mount.type === 'cgroup2') {
      const controllers = (readText(`${mountPoint}/cgroup.controllers`) ?? '').split(' ').filter(Boolean);
      hierarchies.push({ version: 2, mountPoint, controllers, own: own.get('') ?? '/' });
    } else if (identity.startsWith('name=')) {
      hierarchies.push({ version: 1, mountPoint, controllers: [], name: identity.slice('name='.length), own: own.get(identity) ?? '/' });
    } else {
      hierarchies.push({ version: 1, mountPoint, controllers: identity.split(','), own: own.get(identity.split(',')[0] ?? '') ?? '/' });
    }
  }
  return hierarchies;
}

/**
 * The layout that hierarchies make.
 * @param canFilter whether this process can load eBPF device filters; asked only where there is a version 2 tree to put one on
 */
export function layoutOf(hierarchies: readonly Hierarchy[], canFilter: () => boolean): CgroupLayout {
  const unified = hierarchies.find((h) => h.version === 2);
  const hasV1Controllers = hierarchies.some((h) => h.controllers.length > 0 && h.version === 1);
  const delegated = unified && delegationOf(unified);
  const list = hierarchies.some((h) => h.version === 1 && h.controllers.includes('devices'));
  return {
    mode: unified ? (hasV1Controllers ? 'hybrid' : 'v2') : 'v1',
    hierarchies,
    ...(unified && { unified }),
    ...(delegated && { delegated }),
    deviceFilter: unified && canFilter() ? 'bpf' : list ? 'list' : 'none',
  };
}

/** Names in the options of a v1 mount that are no controllers; see cgroups(7) and kernel/cgroup/cgroup-v1.c. */
const v1Options = new Set(['rw', 'ro', 'noprefix', 'clone_children', 'xattr', 'cpuset_v2_mode', 'favordynmods', 'nofavordynmods', 'seclabel']);

/** `cpu,cpuacct` or `name=systemd`: what tells one v1 hierarchy from another. */
function v1Identity(superOptions: readonly string[]): string {
  const relevant = superOptions.filter((option) => !v1Options.has(option) && !option.startsWith('release_agent='));
  return relevant.find((option) => option.startsWith('name=')) ?? relevant.join(',');
}

/** Lines `ID:CONTROLLERS:PATH` by each controller, by `name=…`, and by the empty string for version 2. */
export function parseOwnCgroups(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const controllers = line.indexOf(':') + 1;
    const path = line.indexOf(':', controllers) + 1; // which may have colons of its own
    if (controllers > 0 && path > 0) for (const controller of line.slice(controllers, path - 1).split(',')) paths.set(controller, line.slice(path));
  }
  return paths;
}

/** A hierarchy as if a cgroup of it were its root: all paths in it are from there on. */
export function beneath(hierarchy: Hierarchy, base: string): Hierarchy {
  return { ...hierarchy, mountPoint: hierarchy.mountPoint + base, own: '/', base };
}

/** The own v2 cgroup, if its control files may be written. Documentation/admin-guide/cgroup-v2.rst, "Delegation". */
function delegationOf(unified: Hierarchy): Delegation | undefined {
  const directory = unified.mountPoint + (unified.own === '/' ? '' : unified.own);
  try {
    for (const file of ['cgroup.procs', 'cgroup.subtree_control']) accessSync(`${directory}/${file}`, constants.W_OK);
  } catch {
    return undefined;
  }
  return { directory, controllers: (readText(`${directory}/cgroup.controllers`) ?? '').split(' ').filter(Boolean) };
}

/** The hierarchy that has a controller (v1's `blkio` is v2's `io`: ask for `io`), or the v1 hierarchy of that name. */
export function hierarchyOf(layout: CgroupLayout, controller: string): Hierarchy | undefined {
  return layout.hierarchies.find((h) => h.controllers.includes(nameIn(h, controller)) || h.name === controller);
}

/** A controller's name in a hierarchy. */
export function nameIn(hierarchy: Hierarchy, controller: string): string {
  return controller === 'io' && hierarchy.version === 1 ? 'blkio' : controller;
}

/** What a person calls a hierarchy: its directory's name, as in /sys/fs/cgroup/NAME. */
export function titleOf(hierarchy: Hierarchy): string {
  return hierarchy.version === 2 ? 'unified' : (hierarchy.name ?? hierarchy.controllers.join(','));
}
