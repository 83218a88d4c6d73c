/** The namespaces of a container's first process, and who else is in each. See namespaces(7), proc_pid_ns(5). */
import { inFirstUserNamespace } from '../../kernel/user-namespace.ts';
import { readdirSync } from 'node:fs';
import type { NamespaceView } from '../../api/schema.ts';
import type { Container } from '../container.ts';
import { processName, tryLink, tryRead } from '../process-files.ts';
import type { Subject } from './subject.ts';

/** Names in /proc/PID/ns, the name that the runtime specification has for each, and what it separates. */
const types = [
  ['mnt', 'mount', 'its own tree of mounts', "the host's mounts"],
  ['uts', 'uts', 'its own host name', "the host's host name"],
  ['ipc', 'ipc', 'its own System V IPC, POSIX message queues', "the host's System V IPC, POSIX message queues"],
  ['pid', 'pid', 'its own process ids: it sees only processes of its own', "the host's process ids: it sees all processes"],
  ['net', 'network', 'its own interfaces, addresses, routes and ports', "the host's interfaces and ports"],
  ['cgroup', 'cgroup', 'its own cgroup looks like the root to it', "the host's view of the cgroups"],
  [
    'user',
    'user',
    'its own user ids and capabilities, which are worth nothing outside',
    inFirstUserNamespace()
      ? "the host's user ids: root in it is root of the host, less what is taken from it"
      : "the engine's user ids: root in it is the engine's user to the host",
  ],
  ['time', 'time', 'its own offsets of the monotonic and boot-time clocks', "the host's clocks"],
] as const;

/** Processes that are listed by name; of more, the number says enough. */
const listed = 50;

/** Every namespace of the process. What the record says of it is compared. */
export function namespacesOf({ container, running, parts, pid, differs }: Subject): NamespaceView[] {
  const others = membership(parts.containers.all());
  return types.flatMap(([type, recorded, own, shared]) => {
    const id = tryLink(`/proc/${pid}/ns/${type}`);
    if (id === undefined) return [];
    const host = id === tryLink(`/proc/self/ns/${type}`);
    const members = host ? [] : others.filter((process) => process.namespaces.get(type) === id && process.container !== container);
    const containers = [...new Set(members.flatMap((process) => process.container?.record.name ?? []))].sort();
    const own_ = running.namespaces.includes(recorded);
    if (own_ && host) differs(`The record has a ${recorded} namespace apart from the host's, but the process is in the host's (${id})`);
    if (!own_ && !host && !(type === 'time' || type === 'user'))
      differs(`The record has the host's ${recorded} namespace, but the process is in another one (${id})`);
    const processes = members.filter((process) => !process.container).slice(0, listed);
    return [{ type, id, host, containers, processes: processes.map((p) => ({ pid: p.pid, name: processName(p.pid) })), meaning: host ? shared : own }];
  });
}

interface Member {
  readonly pid: number;
  readonly namespaces: ReadonlyMap<string, string>;
  readonly container: Container | undefined;
}

/** Every process of the machine with its namespaces, and the container whose cgroup it is in. */
function membership(containers: readonly Container[]): Member[] {
  const byPath = containers.flatMap((c) => (c.running ? [[c.running.cgroupPath, c] as const] : []));
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const namespaces = new Map<string, string>();
    for (const [type] of types) {
      const id = tryLink(`/proc/${name}/ns/${type}`);
      if (id !== undefined) namespaces.set(type, id);
    }
    if (namespaces.size === 0) return [];
    const paths = (tryRead(`/proc/${name}/cgroup`) ?? '').split('\n').map((line) => line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1));
    const container = byPath.find(([path]) => paths.some((p) => p === path || p.startsWith(`${path}/`)))?.[1];
    return [{ pid: Number(name), namespaces, container }];
  });
}
