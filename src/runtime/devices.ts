/**
 * Devices of a container: the nodes and links that every /dev has, those of `--device`, and the rules of the cgroup
 * that say which devices may be opened or made at all. Numbers: Documentation/admin-guide/devices.txt of Linux.
 */
import { lstatSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { errnoMessage } from '../kernel/errno.ts';
import type { DeviceRule, DeviceSpec } from './spec.ts';

/** A device option that cannot be used. */
class DeviceError extends Error {
  override readonly name = 'DeviceError';
}

const character = (path: string, major: number, minor: number): DeviceSpec => ({ type: 'c', path, major, minor, fileMode: 0o666, uid: 0, gid: 0 });

/** The nodes of every /dev. */
export const defaultDevices: readonly DeviceSpec[] = [
  character('/dev/null', 1, 3),
  character('/dev/zero', 1, 5),
  character('/dev/full', 1, 7),
  character('/dev/random', 1, 8),
  character('/dev/urandom', 1, 9),
  character('/dev/tty', 5, 0),
];

/** The symbolic links of every /dev: name and target. */
export const defaultDeviceLinks: readonly (readonly [path: string, target: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/ptmx', 'pts/ptmx'],
  ['/dev/core', '/proc/kcore'],
];

/** Everything is denied but: making nodes (opening them is another matter), the default nodes, terminals and tun. */
export const defaultDeviceRules: readonly DeviceRule[] = [
  { allow: false, type: 'a', access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...defaultDevices.map(({ major, minor }): DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' }, // /dev/console
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' }, // /dev/ptmx
  { allow: true, type: 'c', major: 136, access: 'rwm' }, // /dev/pts/*
  { allow: true, type: 'c', major: 10, minor: 200, access: 'rwm' }, // /dev/net/tun
];

/** All devices, for `--privileged`. */
export const privilegedDeviceRules: readonly DeviceRule[] = [{ allow: true, type: 'a', access: 'rwm' }];

/** A value of `--device`, read. */
export interface DeviceMapping {
  readonly pathOnHost: string;
  readonly pathInContainer: string;
  /** Any of `r`, `w`, `m`. */
  readonly permissions: string;
}

/**
 * Reads a value of `--device`: `/dev/x`, `/dev/x:/dev/y`, `/dev/x:rw`, `/dev/x:/dev/y:rwm`.
 * @throws DeviceError
 */
export function parseDevice(text: string): DeviceMapping {
  const [pathOnHost = '', second, third, ...rest] = text.split(':');
  const bad = (why: string): DeviceError => new DeviceError(`invalid device specification: ${text}: ${why}`);
  if (rest.length > 0) throw bad('use HOST[:CONTAINER][:rwm]');
  const secondIsMode = third === undefined && second !== undefined && isAccess(second);
  const pathInContainer = secondIsMode || second === undefined || second === '' ? pathOnHost : second;
  const permissions = third ?? (secondIsMode ? second : 'rwm');
  if (!isAccess(permissions)) throw bad(`'${permissions}' is no mode: use any of r, w and m, each once`);
  for (const path of [pathOnHost, pathInContainer]) {
    if (!path.startsWith('/') || path.includes('\0')) throw bad(`'${path}' is not an absolute path`);
  }
  if (pathInContainer.split('/').includes('..')) throw bad(`'${pathInContainer}' leads upwards`);
  return { pathOnHost, pathInContainer: posix.normalize(pathInContainer), permissions };
}

const isAccess = (text: string): boolean => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;

/** Nodes to make and rules to add. */
export interface Devices {
  readonly devices: DeviceSpec[];
  readonly rules: DeviceRule[];
}

/**
 * Looks a device up on the host. A directory stands for all devices below it.
 * @throws DeviceError when there is no such device
 */
export function resolveDevice(mapping: DeviceMapping): Devices {
  const failed = (why: string): DeviceError => new DeviceError(`error gathering device information while adding custom device "${mapping.pathOnHost}": ${why}`);
  let path: string;
  let stats: Stats;
  try {
    path = realpathSync(mapping.pathOnHost);
    stats = statSync(path);
  } catch (error) {
    throw failed(errnoMessage(-((error as NodeJS.ErrnoException).errno ?? 0)));
  }
  const found = stats.isDirectory()
    ? devicesBelow(path, mapping.pathInContainer, new Set())
    : [deviceSpec(mapping.pathInContainer, stats)].filter((d) => d !== undefined);
  if (found.length === 0) throw failed(stats.isDirectory() ? 'there is no device in the directory' : 'not a device node');
  const rules = found.map(({ type, major, minor }): DeviceRule => ({ allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access: mapping.permissions }));
  return { devices: found, rules };
}

/** What of /dev belongs to one instance or namespace, and so not to a container. */
const notShared: ReadonlySet<string> = new Set(['console', 'fd', 'mqueue', 'pts', 'ptmx', 'shm', '.lxc', '.lxd-mounts', '.udev']);

/** All devices of the host, for `--privileged`. */
export function hostDevices(): DeviceSpec[] {
  return devicesBelow('/dev', '/dev', notShared);
}

/** Symbolic links are not followed; what vanishes meanwhile is left out. */
function devicesBelow(directory: string, inContainer: string, except: ReadonlySet<string>): DeviceSpec[] {
  return readdirSync(directory).flatMap((name) => {
    if (except.has(name)) return [];
    const stats = lstatSync(`${directory}/${name}`, { throwIfNoEntry: false });
    if (!stats) return [];
    if (stats.isDirectory()) return devicesBelow(`${directory}/${name}`, `${inContainer}/${name}`, except);
    return deviceSpec(`${inContainer}/${name}`, stats) ?? [];
  });
}

function deviceSpec(path: string, stats: Stats): DeviceSpec | undefined {
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined;
  return {
    type: stats.isBlockDevice() ? 'b' : 'c',
    path,
    fileMode: stats.mode & 0o777,
    uid: stats.uid,
    gid: stats.gid,
    // makedev(3): 12 bits of major between 8 and 12 + 8 bits of minor
    major: (stats.rdev >>> 8) & 0xfff,
    minor: (stats.rdev & 0xff) | ((stats.rdev >>> 12) & 0xfff00),
  };
}

/**
 * Reads a value of `--device-cgroup-rule`: `c 10:200 rwm`, `b 8:* r`, `a *:* rwm`.
 * @throws DeviceError
 */
export function parseDeviceCgroupRule(text: string): DeviceRule {
  const [, type, major = '', minor = '', access = ''] = /^([acb]) (\d{1,10}|\*):(\d{1,10}|\*) ([rwm]{1,3})$/.exec(text) ?? [];
  const number = (digits: string, name: 'major' | 'minor', limit: number): { readonly major?: number; readonly minor?: number } => {
    if (digits === '*') return {};
    if (Number(digits) > limit) throw new DeviceError(`invalid device cgroup rule format: '${text}': ${name} ${digits} is larger than ${limit}`);
    return { [name]: Number(digits) };
  };
  if (type === undefined || !isAccess(access))
    throw new DeviceError(`invalid device cgroup rule format: '${text}': use TYPE MAJOR:MINOR MODE, such as 'c 10:200 rwm'`);
  return { allow: true, type: type as 'a' | 'b' | 'c', ...number(major, 'major', 0xfff), ...number(minor, 'minor', 0xfffff), access };
}
