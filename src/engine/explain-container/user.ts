/** Who a container's first process is, to itself and to the host, and its own resource limits. See credentials(7), getrlimit(2). */
import type { LimitView, UserView } from '../../api/schema.ts';
import { hostUser, readIdMaps } from '../../runtime/id-map.ts';
import { readRlimits } from '../../runtime/rlimits.ts';
import { rlimitsOf } from '../spec/limits.ts';
import { statusField, tryRead } from '../process-files.ts';
import type { Subject } from './subject.ts';

/** User, groups and maps. /proc shows ids as the host counts them. */
export function userOf({ pid, status }: Subject): UserView {
  const numbers = (field: string): number[] => statusField(status, field).split(/\s+/).filter(Boolean).map(Number);
  const maps = readIdMaps(pid);
  const back = (mappings: typeof maps.uidMappings, id: number): number => {
    const map = mappings.find((m) => id >= m.hostID && id < m.hostID + m.size);
    return map ? map.containerID + id - map.hostID : id;
  };
  const [, uid = 0] = numbers('Uid');
  const [, gid = 0] = numbers('Gid');
  const own = { uid: back(maps.uidMappings, uid), gid: back(maps.gidMappings, gid) };
  const text = (mappings: typeof maps.uidMappings): string[] => mappings.map((m) => `${m.containerID} ${m.hostID} ${m.size}`);
  const label = tryRead(`/proc/${pid}/attr/current`)?.replace(/\0/g, '').trim();
  return {
    ...own,
    groups: numbers('Groups').map((id) => back(maps.gidMappings, id)),
    onHost: hostUser(maps, own),
    uidMap: text(maps.uidMappings),
    gidMap: text(maps.gidMappings),
    ...(label ? { label } : {}),
  };
}

/** Its resource limits. Those that the record sets are compared. */
export function limitsOf({ container, pid, differs }: Subject): LimitView[] {
  const asked = new Map(rlimitsOf(container.record.hostConfig).rlimits.map((limit) => [limit.type, limit]));
  const words = (n: number | bigint): string => (n < 0 ? 'unlimited' : String(n));
  return [...readRlimits(pid)].map(([type, { soft, hard, unit }]) => {
    const wanted = asked.get(type);
    if (wanted && (wanted.soft !== soft || wanted.hard !== hard))
      differs(`The record sets ${type} to ${words(wanted.soft)} (at most ${words(wanted.hard)}), the process has ${words(soft)} (at most ${words(hard)})`);
    return { name: type, soft: words(soft), hard: words(hard), unit, asked: wanted !== undefined };
  });
}
