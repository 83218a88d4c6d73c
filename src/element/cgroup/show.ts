/** `hako cgroup show` and `ls`: a cgroup's limits and use, controller by controller, each number with what it means. Nothing is changed. */
import { existsSync } from 'node:fs';
import { cgroupTree, readNested, readText } from '../../kernel/cgroupfs.ts';
import { directoryIn, findCgroup, type Cgroup } from '../../runtime/cgroup/cgroup.ts';
import { isFrozen } from '../../runtime/cgroup/freeze.ts';
import { titleOf, type CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { coreMeanings, meaningsOf, type FigureKind, type Meaning } from './meanings.ts';
import { ProcessDirectory } from '../ns/processes.ts';
import { below, occupants } from './inside.ts';
import { allControllers } from './machine.ts';

/** One number of a cgroup. */
export interface Figure {
  readonly file: string;
  readonly key?: string;
  readonly kind: FigureKind;
  /** As the kernel writes it. */
  readonly value: string;
  /** The same in words. */
  readonly meaning: string;
}

/** A controller (or the files that all of version 2 have), where it lies, and its numbers. */
export interface ControllerView {
  readonly controller: string;
  readonly version: 1 | 2;
  readonly hierarchy: string;
  readonly directory: string;
  readonly figures: readonly Figure[];
}

/** All that `show` tells. */
export interface CgroupView {
  readonly path: string;
  /** What kind of machine it is on. */
  readonly mode: CgroupLayout['mode'];
  readonly frozen: boolean;
  readonly processes: readonly { readonly pid: number; readonly command: string }[];
  readonly below: readonly string[];
  readonly controllers: readonly ControllerView[];
  /** Controllers that the machine has and this cgroup has not. */
  readonly without: readonly string[];
}

/** Reads a cgroup. What vanishes meanwhile is left out. */
export function view(cgroup: Cgroup): CgroupView {
  const { layout, path } = cgroup;
  const controllers: ControllerView[] = [];
  for (const hierarchy of cgroup.hierarchies) {
    const directory = directoryIn(hierarchy, path);
    const common = { version: hierarchy.version, hierarchy: titleOf(hierarchy), directory };
    const read = (meanings: readonly Meaning[]): Figure[] => meanings.flatMap((meaning) => figure(directory, meaning) ?? []);
    if (hierarchy.version === 2) controllers.push({ controller: 'core', ...common, figures: read(coreMeanings) });
    // What a v2 cgroup was not handed down, it has no files of.
    const present = hierarchy.version === 1 ? hierarchy.controllers : (readText(`${directory}/cgroup.controllers`) ?? '').split(' ').filter(Boolean);
    for (const controller of present) controllers.push({ controller, ...common, figures: read(meaningsOf(hierarchy.version, controller)) });
  }
  const present = new Set(controllers.map(({ controller }) => controller));
  return {
    path,
    mode: layout.mode,
    frozen: canFreeze(cgroup) && isFrozen(cgroup),
    processes: occupants(cgroup).map((pid) => ({ pid, command: ProcessDirectory.commandOf(pid) })),
    below: below(cgroup),
    controllers,
    without: allControllers(layout).filter((controller) => !present.has(controller)),
  };
}

const canFreeze = (cgroup: Cgroup): boolean => cgroup.hierarchies.some((h) => h.version === 2 || h.controllers.includes('freezer'));

function figure(directory: string, { file, key, kind, tell }: Meaning): Figure | undefined {
  const neighbour = (name: string): string | undefined => readText(`${directory}/${name}`);
  const value = valueOf(`${directory}/${file}`, key);
  if (value === undefined) return undefined;
  return { file, ...(key === undefined ? {} : { key }), kind, value, meaning: tell(value, neighbour) };
}

function valueOf(path: string, key: string | undefined): string | undefined {
  if (key === undefined) return readText(path);
  const [row, field] = key.split('.');
  if (field !== undefined) return readNested(path)?.[row!]?.[field]?.toFixed(2);
  const line = readText(path)
    ?.split('\n')
    .find((l) => l.startsWith(`${key} `));
  return line?.slice(key.length + 1);
}

/** A cgroup of the tree, as `ls` lists it. */
export interface Listed {
  readonly path: string;
  readonly hierarchies: readonly string[];
  readonly processes: number;
}

/** A path's cgroup and all those below it, in any hierarchy, parents first; without the root. */
export function list(layout: CgroupLayout, under = ''): Listed[] {
  return allPaths(layout, under).flatMap((path) => {
    const cgroup = findCgroup(layout, path);
    return cgroup ? [{ path, hierarchies: cgroup.hierarchies.map(titleOf), processes: ownProcesses(cgroup) }] : [];
  });
}

/** Their paths, sorted so that each comes before those below it. */
export function allPaths(layout: CgroupLayout, under = ''): string[] {
  const paths = new Set<string>();
  for (const h of layout.hierarchies) for (const directory of cgroupTree(h.mountPoint + under)) paths.add(directory.slice(h.mountPoint.length));
  paths.delete('');
  return [...paths].sort();
}

function ownProcesses(cgroup: Cgroup): number {
  const lists = cgroup.hierarchies.map((h) => `${directoryIn(h, cgroup.path)}/cgroup.procs`).filter((file) => existsSync(file));
  return new Set(lists.flatMap((file) => (readText(file) ?? '').split('\n').filter(Boolean))).size;
}
