/** User and group id maps of a new user namespace, written by the engine while the process waits. See user_namespaces(7). */
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../kernel/flags.ts';
import { holdNamespaces } from '../kernel/launch/child.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import type { IdMapping, LinuxSpec } from './spec.ts';

const mapText = (mappings: readonly IdMapping[]): string => mappings.map((m) => `${m.containerID} ${m.hostID} ${m.size}`).join('\n') + '\n';

/** User namespaces whose maps idmapped mounts use; one for each pair of maps, kept. */
const mapNamespaces = new Map<string, number>();

/**
 * Gives a descriptor of a user namespace with these maps, for mount_setattr(2) with MOUNT_ATTR_IDMAP: through such a mount
 * the files that are root's on disk are the container's root's. The container's own namespace is made later.
 */
export function* idMapNamespace(linux: LinuxSpec): Procedure<Known> {
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
    shell: `unshare --user sleep infinity & printf '${uids.replaceAll('\n', '\\n')}' > /proc/$!/uid_map; printf '${gids.replaceAll('\n', '\\n')}' > /proc/$!/gid_map`,
    look: 'lsns -t user',
    result: (returned) => returned[0]!,
    unknown: new Unknown('MAPNS'),
  });
}

/** One step for each map. */
export function idMapSteps(pid: Known, linux: LinuxSpec): Step[] {
  const map = (file: 'uid_map' | 'gid_map', mappings: readonly IdMapping[]): Step => {
    const path = `/proc/${pid}/${file}`;
    const text = mapText(mappings);
    const open = call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'map' });
    return {
      id: file === 'uid_map' ? 'user.uid-map' : 'user.gid-map',
      what: `Map its ${file === 'uid_map' ? 'user' : 'group'} ids to the host's`,
      calls: [open, call('write', [result(open), Buffer.from(text), text.length])],
      finally: [call('close', [result(open)])],
      shell: `printf '${text.replaceAll('\n', '\\n')}' > ${path}`,
      look: `cat ${path}`,
    };
  };
  return [...(linux.uidMappings?.length ? [map('uid_map', linux.uidMappings)] : []), ...(linux.gidMappings?.length ? [map('gid_map', linux.gidMappings)] : [])];
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

/** The maps of a process's user namespace, as the kernel has them. */
export function readIdMaps(pid: number): { readonly uidMappings: readonly IdMapping[]; readonly gidMappings: readonly IdMapping[] } {
  const read = (file: 'uid_map' | 'gid_map'): IdMapping[] =>
    readFileSync(`/proc/${pid}/${file}`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
        return { containerID, hostID, size };
      });
  return { uidMappings: read('uid_map'), gidMappings: read('gid_map') };
}
