/** Devices of a container: the nodes in its /dev, and the rules of its cgroup. */
import { posix } from 'node:path';
import type { DeviceMapping, HostConfig } from '../../api/schema.ts';
import {
  defaultDeviceRules,
  defaultDevices,
  hostDevices,
  parseDeviceCgroupRule,
  privilegedDeviceRules,
  resolveDevice,
  type Devices,
} from '../../runtime/devices.ts';
import { inFirstUserNamespace } from '../../kernel/user-namespace.ts';
import type { DeviceRule, DeviceSpec, MountSpec } from '../../runtime/spec.ts';
import { hasUserNamespace } from './namespaces.ts';
import { refuse, refusing } from './refusal.ts';

/** Nodes to make, nodes of the host's to bind, and rules. */
export interface ContainerDevices {
  readonly devices: readonly DeviceSpec[];
  readonly rules: readonly DeviceRule[];
  readonly binds: readonly MountSpec[];
}

/**
 * Looks the devices up on the host, which can change between two starts.
 * @throws EngineError 400 for a device that there is not
 */
export function devicesOf(hostConfig: HostConfig): ContainerDevices {
  const asked = (hostConfig.Devices ?? []).map(find);
  const named = asked.flatMap(({ devices }) => devices);
  if (hostConfig.Privileged) return { devices: onePerPath([...defaultDevices, ...hostDevices(), ...named]), rules: privilegedDeviceRules, binds: [] };
  const rules = (hostConfig.DeviceCgroupRules ?? []).map((text) => refusing(() => parseDeviceCgroupRule(text)));
  if (asked.length + rules.length === 0) return { devices: defaultDevices, rules: defaultDeviceRules, binds: [] };
  const all = [...defaultDeviceRules, ...asked.flatMap((d) => d.rules), ...rules];
  // A user namespace can make no nodes: the host's own is bound, whatever it is called in the container.
  const binds = asked.flatMap((d) => d.binds);
  if (hasUserNamespace(hostConfig) || !inFirstUserNamespace()) return { devices: defaultDevices, rules: all, binds };
  return { devices: onePerPath([...defaultDevices, ...named]), rules: all, binds: [] };
}

/** What of rules an ordinary user's engine cannot have in force: that devices are to be used in some ways only. */
export function deviceWarnings({ Devices = [], DeviceCgroupRules = [] }: HostConfig): string[] {
  const asked = DeviceCgroupRules.length > 0 || Devices.some(({ CgroupPermissions }) => !/^(?=.*r)(?=.*w)|^$/.test(CgroupPermissions ?? ''));
  return asked && !inFirstUserNamespace() ? [noRules] : [];
}

const noRules = 'Rules of devices will not be in force: an ordinary user cannot have a filter of devices; what you may do with a device, the container may';

/** A node can be made once: of two at one path the later counts. */
function onePerPath(devices: readonly DeviceSpec[]): DeviceSpec[] {
  return [...new Map(devices.map((device) => [device.path, device])).values()];
}

function find(mapping: DeviceMapping): Devices & { readonly binds: readonly MountSpec[] } {
  const inContainer = pathInContainer(mapping);
  const found = refusing(() =>
    resolveDevice({ pathOnHost: mapping.PathOnHost, pathInContainer: inContainer, permissions: mapping.CgroupPermissions || 'rwm' }),
  );
  const sourceOf = ({ path }: DeviceSpec): string => mapping.PathOnHost + path.slice(inContainer.length);
  return {
    ...found,
    binds: found.devices.map((d) => ({ destination: d.path, type: 'bind', source: sourceOf(d), options: ['bind', 'rprivate', 'nosuid', 'noexec'] })),
  };
}

const pathInContainer = ({ PathOnHost, PathInContainer }: DeviceMapping): string => posix.normalize(PathInContainer || PathOnHost);

/** Checks what needs no look at the host. @throws EngineError 400 */
export function checkDevices(hostConfig: HostConfig): void {
  for (const device of hostConfig.Devices ?? []) {
    const { PathOnHost, CgroupPermissions: mode = '' } = device;
    const inContainer = pathInContainer(device);
    refuse(
      !PathOnHost.startsWith('/') || PathOnHost.includes('\0'),
      `${JSON.stringify(PathOnHost.slice(0, 80))} is not a device path: it must be absolute, such as /dev/fuse`,
    );
    // Nodes are made in the container's own /dev: elsewhere they would be in the image's directories.
    refuse(!/^\/dev\/[^\0]*[^\0/]$/.test(inContainer), `the device ${PathOnHost} cannot be ${inContainer} in the container: it must be below /dev`);
    refuse(
      mode !== '' && (!/^[rwm]{1,3}$/.test(mode) || new Set(mode).size < mode.length),
      `invalid device mode: ${mode.slice(0, 80)}: use any of r, w and m, each once`,
    );
  }
  for (const rule of hostConfig.DeviceCgroupRules ?? []) refusing(() => parseDeviceCgroupRule(rule));
}
