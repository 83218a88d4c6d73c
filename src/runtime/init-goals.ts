/**
 * The goals of the steps that a new process takes: what the kernel shows when they are done, read from outside, by the process's id.
 * A person reaches the same by nsenter(1) and the like. Steps without one here can only be taken by the process itself: nobody else
 * can set its capabilities, its filter, its session or its descriptors.
 */
import { fstatSync, readFileSync, statSync } from 'node:fs';
import { call, result } from '../kernel/call.ts';
import { errnoName } from '../kernel/errno.ts';
import { readLinkAt, S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, statFd, toText } from '../kernel/file-at.ts';
import { addressFamilies, cloneFlags, ioctlRequests, socketTypes } from '../kernel/flags.ts';
import { IFF_UP, interfaceFlagsAt, interfaceRequest } from '../kernel/interface-request.ts';
import { readInChild } from '../kernel/launch/child.ts';
import { mountHolding, readMountinfo, type Mount } from '../kernel/mountinfo.ts';
import { readNamespacedFile } from '../kernel/namespaced-file.ts';
import { same, sameWords, type Condition, type Place } from '../step/goal.ts';
import type { Step } from '../step/step.ts';
import type { DeviceSource } from './rootfs/dev-steps.ts';
import { parseMountOptions } from './rootfs/mount-options.ts';
import { atPath, mountOn } from './process-path.ts';
import { readRlimits, type Rlimit } from './rlimits.ts';
import type { MountSpec } from './spec.ts';
import { sysctlFile } from './sysctl.ts';

/** Gives a step the goal by which a person who does it by hand is judged. The step itself: a copy would have its lines made, which few ask for. */
export function judged(taken: Step, goal: NonNullable<Step['goal']>): Step {
  return Object.assign(taken, { goal });
}

type Goal = NonNullable<Step['goal']>;

/** A goal about the process; before there is one, it does not hold. */
export function ofProcess(look: (pid: number) => readonly Condition[]): Goal {
  return ({ pid }: Place) => (pid === undefined ? [{ what: 'the process', expected: 'there', found: '', holds: false }] : look(pid));
}

/** What an error says where nothing was found. */
const failure = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? errnoName(0);

function attempt(read: () => string): string {
  try {
    return read();
  } catch (error) {
    return `nothing (${failure(error)})`;
  }
}

const mountFlagWords = new Set(['ro', 'nosuid', 'nodev', 'noexec']);

const access = (mount: Mount | undefined): string => (mount ? (mount.options.includes('ro') ? 'ro' : 'rw') : '');

/** A file system of a type is at a path, with the flags that were asked for. @param root where the root is before it is the root */
export function mounted(root: string, mount: MountSpec): Goal {
  return ofProcess((pid) => {
    const flags = mount.options.filter((option) => mountFlagWords.has(option)).toSorted();
    const found = mountOn({ pid, root, path: mount.destination });
    const has = found?.options.filter((option) => flags.includes(option)).toSorted() ?? [];
    return [
      same(`the file system at ${root}${mount.destination}, for process ${pid}`, mount.type, found?.type ?? ''),
      ...(flags.length ? [same(`its flags`, flags.join(','), has.join(','))] : []),
    ];
  });
}

/** The source of a bind mount is at its destination. */
export function bound(root: string, mount: MountSpec): Goal {
  const identity = ({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string => `${dev}:${ino}`;
  return ofProcess((pid) => {
    const at = { pid, root, path: mount.destination };
    const what = `what is at ${root}${mount.destination}, for process ${pid} (device and inode of ${mount.source})`;
    return [
      same(
        what,
        attempt(() => identity(statSync(mount.source, { bigint: true }))),
        attempt(() => identity(atPath(at, (fd) => fstatSync(fd, { bigint: true })))),
      ),
      ...(parseMountOptions(mount.options).set & 1 ? [same(`whether it is read-only`, 'ro', access(mountOn(at)))] : []),
    ];
  });
}

/** A directory is covered by an empty tmpfs that is read-only, a file by the null device. */
export function masked(root: string, path: string, isDirectory: boolean): Goal {
  return ofProcess((pid) => {
    const at = { pid, root, path };
    const found = mountOn(at);
    const what = `what hides ${root}${path}, for process ${pid}`;
    if (isDirectory) return [same(what, 'tmpfs ro', found ? `${found.type} ${access(found)}` : '')];
    return [same(what, 'a mount of c 1:3', found ? `a mount of ${attempt(() => atPath(at, kindOf))}` : '')];
  });
}

/** A path is a mount of its own, and read-only. */
export function readOnly(root: string, path: string): Goal {
  return ofProcess((pid) => [same(`the mount at ${root}${path}, for process ${pid}`, 'ro', access(mountOn({ pid, root, path })))]);
}

/** What an open file is: `c 1:3`, `b 8:0`, `p`. */
function kindOf(fd: number): string {
  const { mode, major, minor } = statFd(fd);
  const kind = { [S_IFCHR]: 'c', [S_IFBLK]: 'b', [S_IFIFO]: 'p' }[mode & S_IFMT];
  return kind === undefined ? 'no device' : kind === 'p' ? kind : `${kind} ${major}:${minor}`;
}

/** A device node is there, or the host's is bound. */
export function deviceThere(root: string, { device }: DeviceSource): Goal {
  const type = device.type === 'u' ? 'c' : device.type;
  const expected = type === 'p' ? type : `${type} ${device.major}:${device.minor}`;
  return ofProcess((pid) => [
    same(
      `the device ${root}${device.path}, for process ${pid}`,
      expected,
      attempt(() => atPath({ pid, root, path: device.path }, kindOf)),
    ),
  ]);
}

/** Symbolic links are there. */
export function linked(root: string, links: readonly { readonly path: string; readonly target: string }[]): Goal {
  return ofProcess((pid) =>
    links.map(({ path, target }) =>
      same(
        `the link ${root}${path}`,
        target,
        attempt(() => toText(atPath({ pid, root, path }, (fd) => readLinkAt(fd, ''), true))),
      ),
    ),
  );
}

/** Its mounts do not come from, nor go to, others (but the host's may come in, for `slave`). */
export function propagating(mode: 'private' | 'slave'): Goal {
  return ofProcess((pid) => {
    const shared = attempt(() => String(readMountinfo(pid).filter(({ propagation }) => propagation.some((tag) => tag.startsWith('shared:'))).length));
    const slaves = attempt(() => String(readMountinfo(pid).filter(({ propagation }) => propagation.some((tag) => tag.startsWith('master:'))).length));
    return [
      same(`mounts of process ${pid} that are shared with others`, '0', shared),
      ...(mode === 'private' ? [same('mounts into which others come', '0', slaves)] : []),
    ];
  });
}

/**
 * The stacked layers are its root, and this machine's is nowhere beneath it.
 * @param binds destinations of bind mounts: where a user asks for the machine's root, it is there and may be
 */
export function pivoted(binds: readonly string[]): Goal {
  return ofProcess((pid) => {
    const root = mountOn({ pid, root: '', path: '/' });
    const left = attempt(() => {
      const mounts = readMountinfo(pid);
      const asked = new Set(binds.map((path) => mountOn({ pid, root: '', path })?.id));
      const host = mountHolding(readMountinfo(), '/');
      return mounts
        .filter((m) => m.device === host?.device && m.root === host.root && !asked.has(m.id) && !asked.has(m.parent))
        .map(({ mountPoint }) => mountPoint)
        .join(', ');
    });
    return [same(`the root of process ${pid}`, 'overlay', root?.type ?? ''), same(`where it still has this machine's root`, '', left)];
  });
}

/** Its hostname. */
export function named(file: 'hostname' | 'domainname', value: string): Goal {
  const find = (pid: number): string => readNamespacedFile(pid, cloneFlags.CLONE_NEWUTS, `/proc/sys/kernel/${file}`) ?? '';
  return ofProcess((pid) => [same(`the ${file} in the UTS namespace of process ${pid}`, value, find(pid))]);
}

/** A sysctl, in the namespaces of the process. */
export function sysctlIs(key: string, value: string): Goal {
  const flags = cloneFlags.CLONE_NEWNET | cloneFlags.CLONE_NEWIPC | cloneFlags.CLONE_NEWUTS;
  return ofProcess((pid) => [
    sameWords(`${key} in the namespaces of process ${pid}`, value, readNamespacedFile(pid, flags, `/proc/sys/${sysctlFile(key)}`) ?? ''),
  ]);
}

/** A limit of the process. */
export function limited({ type, soft, hard }: Rlimit): Goal {
  const find = (pid: number): string =>
    attempt(() => {
      const found = readRlimits(pid).get(type);
      return found ? `${found.soft}:${found.hard}` : '';
    });
  return ofProcess((pid) => [same(`${type} of process ${pid} (soft:hard, -1 is none)`, `${soft}:${hard}`, find(pid))]);
}

/** A file below /proc/PID has one value. */
export function procFile(file: string, value: string): Goal {
  return ofProcess((pid) => [
    same(
      `/proc/${pid}/${file}`,
      value,
      attempt(() => readFileSync(`/proc/${pid}/${file}`, 'utf8').trim()),
    ),
  ]);
}

/** A line of /proc/PID/status; empty where there is none. */
export function procField(pid: number, name: string): string {
  const text = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
}

/** The process is in a cgroup of a hierarchy. @param controllers as /proc/PID/cgroup names the hierarchy; empty for version 2 */
export function inCgroup(controllers: readonly string[], path: string): Goal {
  const line = (pid: number): string =>
    attempt(() => {
      const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
        .split('\n')
        .map((text) => /^\d+:([^:]*):(.*)$/.exec(text) ?? []);
      return (
        lines.find(([, names]) =>
          controllers.length ? names?.split(',').some((name) => controllers.includes(name.replace(/^name=/, ''))) : names === '',
        )?.[2] ?? ''
      );
    });
  return ofProcess((pid) => [same(`the cgroup of process ${pid}${controllers.length ? ` for ${controllers.join(', ')}` : ''}`, path, line(pid))]);
}

/** The loopback interface of the process's network namespace is up. See netdevice(7). */
export function loopbackUp(): Goal {
  return ofProcess((pid) => {
    const [process, socket] = [call('pidfd_open', [pid, 0]), call('socket', [addressFamilies.AF_INET, socketTypes.SOCK_DGRAM, 0])];
    const request = interfaceRequest('lo');
    const { values, bytes } = readInChild(
      [process, call('setns', [result(process), cloneFlags.CLONE_NEWNET]), socket, call('ioctl', [result(socket), ioctlRequests.SIOCGIFFLAGS, request])],
      request,
    );
    const up = (values.at(-1) ?? -1) >= 0 && (bytes[interfaceFlagsAt]! & IFF_UP) !== 0;
    return [same(`lo in the network namespace of process ${pid}`, 'up', up ? 'up' : 'down')];
  });
}
