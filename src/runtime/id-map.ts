/** User and group id maps of a new user namespace, written by the engine while the process waits. See user_namespaces(7). */
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../kernel/call.ts';
import { holds } from '../kernel/capability.ts';
import { readText } from '../kernel/cgroupfs.ts';
import { errno } from '../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../kernel/flags.ts';
import { holdNamespaces } from '../kernel/launch/child.ts';
import { sameWords } from '../step/goal.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import type { IdMapping, LinuxSpec } from './spec.ts';

const mapText = (mappings: readonly IdMapping[]): string => mappings.map((m) => `${m.containerID} ${m.hostID} ${m.size}`).join('\n') + '\n';

const writeMap = (text: string, file: string): string => `printf '${text.replaceAll('\n', '\\n')}' > ${file}`;

/** User namespaces whose maps idmapped mounts use; one for each pair of maps, kept. */
const mapNamespaces = new Map<string, number>();

/**
 * Gives a descriptor of a user namespace with these maps, for mount_setattr(2) with MOUNT_ATTR_IDMAP: through such a mount
 * the files that are root's on disk are the container's root's. The container's own namespace is made later.
 */
export function* idMapNamespace(linux: Pick<LinuxSpec, 'uidMappings' | 'gidMappings'>): Procedure<Known> {
  const uids = mapText(linux.uidMappings ?? []);
  const gids = mapText(linux.gidMappings ?? []);
  const make = (): number => {
    const known = mapNamespaces.get(uids + gids);
    if (known !== undefined) return known;
    const holder = holdNamespaces(cloneFlags.CLONE_NEWUSER);
    try {
      writeFileSync(`/proc/${holder.pid}/uid_map`, uids);
      writeFileSync(`/proc/${holder.pid}/gid_map`, gids);
      const fd = openSync(`/proc/${holder.pid}/ns/user`, 'r');
      mapNamespaces.set(uids + gids, fd);
      return fd;
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -errno.EINVAL;
    } finally {
      holder.release();
    }
  };
  return yield* step<Known>({
    id: 'user.map-namespace',
    what: 'Make a user namespace with the id maps, for the layers to be seen through',
    calls: [call('clone3', [new Unknown('CLONE_NEWUSER'), 88], { perform: make, label: 'MAPNS' })],
    shell: [
      `unshare --user sh -c 'echo >&6; exec sleep infinity' & MAPPER=$!`,
      'read -r _ <&6',
      writeMap(uids, '/proc/$MAPPER/uid_map'),
      writeMap(gids, '/proc/$MAPPER/gid_map'),
      'MAPS=/proc/$MAPPER/ns/user',
    ].join('\n'),
    shellUndo: 'kill "$MAPPER"',
    look: 'lsns -t user',
    undone: 'stays, for the next container with the same maps; goes with the engine',
    result: (returned) => returned[0]!,
    unknown: new Unknown('MAPNS'),
  });
}

/** One step for each map. */
export function idMapSteps(pid: Known, linux: Pick<LinuxSpec, 'uidMappings' | 'gidMappings'>): Step[] {
  const map = (file: 'uid_map' | 'gid_map', mappings: readonly IdMapping[]): Step => {
    const path = `/proc/${pid}/${file}`;
    const text = mapText(mappings);
    const open = call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'map' });
    return {
      id: file === 'uid_map' ? 'user.uid-map' : 'user.gid-map',
      what: `Map its ${file === 'uid_map' ? 'user' : 'group'} ids to the host's`,
      calls: [open, call('write', [result(open), Buffer.from(text), text.length])],
      finally: [call('close', [result(open)])],
      shell: writeMap(text, path),
      look: `cat ${path}`,
      goal: () => [sameWords(path, text, readText(path) ?? '')],
      undone: "goes with the process's user namespace",
    };
  };
  return [...(linux.uidMappings?.length ? [map('uid_map', linux.uidMappings)] : []), ...(linux.gidMappings?.length ? [map('gid_map', linux.gidMappings)] : [])];
}

/** The step that gives setgroups(2) up. */
export function denyGroups(pid: Known): Procedure {
  const open = call('openat', [AT_FDCWD, `/proc/${pid}/setgroups`, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'setgroups' });
  return step({
    id: 'user.setgroups',
    what: 'Give up setting groups in the user namespace',
    calls: [open, call('write', [result(open), Buffer.from('deny'), 4])],
    finally: [call('close', [result(open)])],
    shell: `echo deny > /proc/${pid}/setgroups`,
    look: `cat /proc/${pid}/setgroups`,
    undone: 'goes with the user namespace',
  });
}

/**
 * The maps as whoever this process is may write them. Without CAP_SETGID groups may be mapped only when setgroups(2) is given up: else a
 * group that is denied something could be left. See user_namespaces(7), "Defining user and group ID mappings".
 */
export function* writeIdMaps(pid: Known, maps: Pick<LinuxSpec, 'uidMappings' | 'gidMappings'>): Procedure {
  if (maps.gidMappings?.length && !holds('CAP_SETGID')) yield* denyGroups(pid);
  for (const s of idMapSteps(pid, maps)) yield* step(s);
}

/**
 * Takes the ids of the user namespace's root: until then it is whoever the host's root is there, nobody. Its groups are given up, too.
 * @param groupsDenied nobody may set groups there: those that it has stay
 */
export function becomeRootStep(groupsDenied = false): Step {
  return {
    id: 'user.root',
    what: "Become the user namespace's root",
    calls: [call('setresgid', [0, 0, 0]), call('setresuid', [0, 0, 0]), call('setgroups', [0, null], groupsDenied ? { accept: [errno.EPERM] } : {})],
    shell: 'set -- "$@" setpriv --reuid 0 --regid 0 --clear-groups',
    look: 'grep -E "Uid|Gid" /proc/$PID/status; cat /proc/$PID/uid_map',
  };
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** A user of the container in the host's ids; what is not mapped is as the container's root. */
export function hostUser({ uidMappings, gidMappings }: Pick<LinuxSpec, 'uidMappings' | 'gidMappings'>, user: Ids): Ids {
  return { uid: hostId(uidMappings, user.uid), gid: hostId(gidMappings, user.gid) };
}

function hostId(mappings: readonly IdMapping[] = [], id: number): number {
  const of = (wanted: number): number | undefined => {
    const map = mappings.find((m) => wanted >= m.containerID && wanted < m.containerID + m.size);
    return map && map.hostID + wanted - map.containerID;
  };
  return of(id) ?? of(0) ?? 0;
}

/** The container's root in the host's ids. */
export const hostRoot = (linux: LinuxSpec): Ids => hostUser(linux, { uid: 0, gid: 0 });

/** Maps of our own user namespace in our own ids: /proc tells those of its parent to who is in it. See user_namespaces(7), "uid_map". */
export const inOwnIds = (maps: readonly IdMapping[]): IdMapping[] => maps.map(({ containerID, size }) => ({ containerID, hostID: containerID, size }));

/**
 * The maps of a process's user namespace, as the kernel has them; empty before they are written.
 * @param process its id, or the path of its directory in /proc
 */
export function readIdMaps(process: number | string): { readonly uidMappings: readonly IdMapping[]; readonly gidMappings: readonly IdMapping[] } {
  const directory = typeof process === 'number' ? `/proc/${process}` : process;
  const read = (file: 'uid_map' | 'gid_map'): IdMapping[] =>
    readFileSync(`${directory}/${file}`, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
        return { containerID, hostID, size };
      });
  return { uidMappings: read('uid_map'), gidMappings: read('gid_map') };
}
