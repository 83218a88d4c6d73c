/**
 * Id maps of a user namespace that an ordinary user makes. The user's own ids anybody may map; others, which /etc/subuid and
 * /etc/subgid grant, only newuidmap(1) and newgidmap(1), which have the right to. See user_namespaces(7), subuid(5).
 */
import { call, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { words } from '../step/shell.ts';
import { step, type Procedure } from '../step/step.ts';
import { denyGroups, idMapSteps } from './id-map.ts';
import { mayMount } from './taking.ts';
import type { IdMapping, LinuxSpec } from './spec.ts';

type Maps = Pick<LinuxSpec, 'uidMappings' | 'gidMappings'>;

/** Whether a map is of no more than one's own id. */
const isOwn = (maps: readonly IdMapping[] = [], id: number): boolean =>
  maps.length === 0 || (maps.length === 1 && maps[0]!.size === 1 && maps[0]!.hostID === id);

/** Whether groups can be set in a user namespace that this process makes with these maps. */
export const deniesGroups = ({ gidMappings }: Maps): boolean => !mayMount() && isOwn(gidMappings, process.getegid!());

/** Writes the maps of a process's new user namespace, by whichever way this process has. */
export function* writeMaps(pid: Known, maps: Maps): Procedure {
  if (mayMount()) {
    for (const s of idMapSteps(pid, maps)) yield* step(s);
    return;
  }
  const ownUser = isOwn(maps.uidMappings, process.geteuid!());
  const ownGroup = isOwn(maps.gidMappings, process.getegid!());
  if (ownGroup && maps.gidMappings?.length) yield* denyGroups(pid);
  for (const s of idMapSteps(pid, {
    ...(ownUser && maps.uidMappings ? { uidMappings: maps.uidMappings } : {}),
    ...(ownGroup && maps.gidMappings ? { gidMappings: maps.gidMappings } : {}),
  }))
    yield* step(s);
  if (!ownUser) yield* byHelper('newuidmap', pid, maps.uidMappings ?? []);
  if (!ownGroup) yield* byHelper('newgidmap', pid, maps.gidMappings ?? []);
}

/** The step that has a helper write a map. */
export function byHelper(program: 'newuidmap' | 'newgidmap', pid: Known, maps: readonly IdMapping[]): Procedure {
  const args = maps.flatMap((m) => [m.containerID, m.hostID, m.size]).map(String);
  let detail: string | undefined;
  const run = async (): Promise<number> => {
    // Only who maps the ids of others needs it, and it takes 2 ms to load.
    const { spawnSync } = await import('node:child_process');
    const { status, stderr, error } = spawnSync(program, [String(pid), ...args], { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    if (status === 0) return 0;
    const file = program === 'newuidmap' ? '/etc/subuid' : '/etc/subgid';
    detail = error
      ? `${program}(1) cannot be run (${error.message}): install it (on Debian: uidmap), or map only your own id`
      : `${stderr.trim() || `${program}(1) ended with ${status}`}: see what ${file} grants you`;
    return -errno.EPERM;
  };
  return step({
    id: program === 'newuidmap' ? 'user.newuidmap' : 'user.newgidmap',
    what: `Have ${program}(1) map ${program === 'newuidmap' ? 'user' : 'group'} ids that are granted to this user`,
    calls: [call('execve', [program, [program, String(pid), ...args], []], { perform: run, failureDetail: () => detail })],
    shell: `${program} ${pid} ${words(args)}`,
    look: `cat /proc/${pid}/${program === 'newuidmap' ? 'uid' : 'gid'}_map`,
    undone: "goes with the process's user namespace",
  });
}
