/**
 * The container's /dev, in the tmpfs that was just mounted there: device nodes and the links every program expects.
 * In a user namespace mknod is refused (EPERM), so the host's nodes are bound instead. See runtime-spec
 * config-linux.md "Default Devices", null(4), mknod(2).
 */
import { parentPath } from '../../kernel/absolute-path.ts';
import { call, result, type Arg, type Call } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { atFlags, openFlags } from '../../kernel/flags.ts';
import { inRoot, word } from '../../step/shell.ts';
import type { Step } from '../../step/step.ts';
import { attach, makeMountPoint, makePlace, openInRoot } from './mount-steps.ts';
import type { DeviceSpec } from '../spec.ts';
import type { Taken } from '../taking.ts';

const fileTypes = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

/** The kernel's encoding of a device number for mknod(2). */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

/** A device, with the host's node (a detached mount) where it is to be bound and not made. */
export interface DeviceSource {
  readonly device: DeviceSpec;
  readonly source?: Taken;
  /** The mount that it lies on, by its place among the mounts; -1: the image itself. */
  readonly after: number;
}

/** Makes the nodes. The process's umask must be 0. @param below a directory that is there already */
export function deviceSteps(root: Arg, devices: readonly DeviceSource[], below: string): Step[] {
  return devices.map(({ device, source }) => {
    const mode = (device.fileMode ?? 0o666) & 0o7777;
    const parent = openInRoot(root, parentPath(device.path), openFlags.O_PATH | openFlags.O_DIRECTORY);
    const name = device.path.slice(device.path.lastIndexOf('/') + 1);
    const parents = makeMountPoint(root, parentPath(device.path), below, false);
    const owner = device.uid || device.gid ? [call('fchownat', [result(parent), name, device.uid ?? 0, device.gid ?? 0, atFlags.AT_SYMLINK_NOFOLLOW])] : [];
    const numbers = device.type === 'p' ? '' : ` ${device.major} ${device.minor}`;
    if (source === undefined) {
      return {
        id: 'dev.node',
        what: `Make the device ${device.path}`,
        calls: [...parents, parent, call('mknodat', [result(parent), name, fileTypes[device.type] | mode, deviceNumber(device.major, device.minor)]), ...owner],
        get shell() {
          return [
            ...(parents.length ? [makePlace(parentPath(device.path), false)] : []),
            `mknod -m ${mode.toString(8)} ${inRoot(device.path)} ${device.type}${numbers}`,
            ...(owner.length ? [`chown ${device.uid ?? 0}:${device.gid ?? 0} ${inRoot(device.path)}`] : []),
          ].join('\n');
        },
        get look() {
          return lookAtDevice(device);
        },
      };
    }
    const place = openInRoot(root, device.path);
    return {
      id: 'dev.bind',
      what: `Bind the host's device ${device.path}`,
      calls: [
        ...parents,
        parent,
        call('mknodat', [result(parent), name, 0o100000 | mode, 0], { accept: [errno.EEXIST] }),
        ...(source.open ? [source.open] : []),
        place,
        attach(source.fd, result(place)),
      ],
      get shell() {
        return `${makePlace(device.path, true)}\nmount --bind ${word(device.path)} ${inRoot(device.path)}`;
      },
      get look() {
        return lookAtDevice(device);
      },
    };
  });
}

const lookAtDevice = ({ path }: DeviceSpec): string => `ls -l /proc/$PID/root${word(path)}`;

/** Makes symbolic links. @param replaced those in whose place there is something, which goes */
export function linkStep(root: Arg, links: readonly { readonly path: string; readonly target: string }[], replaced: readonly string[] = []): Step {
  const directories = new Map<string, Call>();
  const calls = links.flatMap(({ path, target }) => {
    const directory = parentPath(path);
    let parent = directories.get(directory);
    const fresh = !parent;
    parent ??= openInRoot(root, directory, openFlags.O_PATH | openFlags.O_DIRECTORY);
    directories.set(directory, parent);
    const name = path.slice(directory.length + 1);
    const remove = replaced.includes(path) ? [call('unlinkat', [result(parent), name, 0])] : [];
    return [...(fresh ? [parent] : []), ...remove, call('symlinkat', [target, result(parent), name])];
  });
  return {
    id: 'dev.links',
    get what() {
      return `Link ${links.map((l) => l.path).join(', ')}`;
    },
    calls,
    get shell() {
      return links.map((l) => `ln -s${replaced.includes(l.path) ? 'f' : ''} ${word(l.target)} ${inRoot(l.path)}`).join('\n');
    },
    get look() {
      return `ls -l /proc/$PID/root${word(parentPath(links[0]?.path ?? '/dev/fd'))}`;
    },
  };
}
