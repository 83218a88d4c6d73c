/**
 * The container's /dev, in the tmpfs that was just mounted there: device nodes and the links every program expects.
 * In a user namespace mknod is refused (EPERM), so the host's nodes are bound instead. See runtime-spec
 * config-linux.md "Default Devices", null(4), mknod(2).
 */
import { dirname } from 'node:path/posix';
import { call, result, type Call, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { openFlags } from '../kernel/flags.ts';
import type { Step } from '../step/step.ts';
import { defaultDeviceLinks } from './devices.ts';
import { attach, makeMountPoint, openInRoot } from './mount-steps.ts';
import type { DeviceSpec } from './spec.ts';

const fileTypes = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

/** The kernel's encoding of a device number for mknod(2). */
export function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

/** A device, with the host's node (a detached mount) where it is to be bound and not made. */
export interface DeviceSource {
  readonly device: DeviceSpec;
  readonly source?: Known;
}

/** Makes the nodes. The process's umask must be 0. */
export function deviceSteps(root: Known, devices: readonly DeviceSource[]): Step[] {
  return devices.map(({ device, source }) => {
    const mode = device.fileMode ?? 0o666;
    const parent = openInRoot(root, dirname(device.path), openFlags.O_PATH | openFlags.O_DIRECTORY);
    const name = device.path.slice(device.path.lastIndexOf('/') + 1);
    const parents = dirname(device.path) === '/dev' ? [] : makeMountPoint(root, dirname(device.path), '/dev', false);
    const owner = device.uid || device.gid ? [call('fchownat', [result(parent), name, device.uid ?? 0, device.gid ?? 0, 0])] : [];
    const numbers = device.type === 'p' ? '' : ` ${device.major} ${device.minor}`;
    if (source === undefined) {
      return {
        id: 'dev.node',
        what: `Make the device ${device.path}`,
        calls: [...parents, parent, call('mknodat', [result(parent), name, fileTypes[device.type] | mode, deviceNumber(device.major, device.minor)]), ...owner],
        shell: `mknod -m ${mode.toString(8)} $ROOT${device.path} ${device.type}${numbers}`,
        look: `ls -l /proc/$PID/root${device.path}`,
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
        place,
        attach(source, result(place)),
      ],
      shell: `touch $ROOT${device.path}; mount --bind ${device.path} $ROOT${device.path}`,
      look: `ls -l /proc/$PID/root${device.path}`,
    };
  });
}

/** The links that every /dev has. */
export const defaultLinks = defaultDeviceLinks.map(([path, target]) => ({ path, target }));

/** Makes symbolic links, in directories of ours. */
export function linkStep(root: Known, links: readonly { readonly path: string; readonly target: string }[]): Step {
  const directories = new Map<string, Call>();
  const calls = links.flatMap(({ path, target }) => {
    const directory = dirname(path);
    let parent = directories.get(directory);
    const fresh = !parent;
    parent ??= openInRoot(root, directory, openFlags.O_PATH | openFlags.O_DIRECTORY);
    directories.set(directory, parent);
    return [...(fresh ? [parent] : []), call('symlinkat', [target, result(parent), path.slice(directory.length + 1)])];
  });
  return {
    id: 'dev.links',
    what: `Link ${links.map((l) => l.path).join(', ')}`,
    calls,
    shell: links.map((l) => `ln -s ${l.target} $ROOT${l.path}`).join('\n'),
    look: `ls -l /proc/$PID/root${dirname(links[0]?.path ?? '/dev/fd')}`,
  };
}
