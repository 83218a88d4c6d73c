/** Which namespaces a container has for itself, which it joins, and which it shares with the host. */
import type { HostConfig } from '../../api/schema.ts';
import type { IdMapping, LinuxSpec, NamespaceType } from '../../runtime/spec.ts';
import { EngineError } from '../engine.ts';

/** Where a container's network is. */
export type NetworkTarget = { readonly kind: 'bridge' | 'none' | 'host' } | { readonly kind: 'container'; readonly ref: string };

/** Reads `HostConfig.NetworkMode`. @throws EngineError 404 for a network that there is not */
export function networkTarget({ NetworkMode = '' }: HostConfig): NetworkTarget {
  if (NetworkMode === '' || NetworkMode === 'default' || NetworkMode === 'bridge') return { kind: 'bridge' };
  if (NetworkMode === 'none' || NetworkMode === 'host') return { kind: NetworkMode };
  if (NetworkMode.startsWith('container:')) return { kind: 'container', ref: NetworkMode.slice('container:'.length) };
  throw new EngineError(404, `network ${NetworkMode} not found: there are bridge, host, none, and container:NAME`);
}

/** The namespaces to be joined, by type, as paths. */
export type JoinedNamespaces = Readonly<Partial<Record<NamespaceType, string>>>;

/**
 * Finds the namespaces of other containers that are to be joined.
 * @param pidOf gives the process id of a running container, or throws
 */
export function joinedNamespaces(hostConfig: HostConfig, pidOf: (ref: string) => number): JoinedNamespaces {
  const joined: Partial<Record<NamespaceType, string>> = {};
  const network = networkTarget(hostConfig);
  if (network.kind === 'container') joined.network = `/proc/${pidOf(network.ref)}/ns/net`;
  for (const [type, mode] of [
    ['pid', hostConfig.PidMode],
    ['ipc', hostConfig.IpcMode],
  ] as const) {
    if (mode?.startsWith('container:')) joined[type] = `/proc/${pidOf(mode.slice('container:'.length))}/ns/${type}`;
  }
  return joined;
}

/** The `namespaces` of the specification. The bridge's network namespace is joined by descriptor, so it is not among them. */
export function namespacesOf(hostConfig: HostConfig, joined: JoinedNamespaces, timeOffsets: boolean): LinuxSpec['namespaces'] {
  const entry = (type: NamespaceType): LinuxSpec['namespaces'][number] => (joined[type] === undefined ? { type } : { type, path: joined[type] });
  const user = hasUserNamespace(hostConfig);
  const network = networkTarget(hostConfig).kind;
  return [
    { type: 'mount' },
    ...(hostConfig.UTSMode === 'host' ? [] : [entry('uts')]),
    ...(hostConfig.IpcMode === 'host' ? [] : [entry('ipc')]),
    ...(hostConfig.PidMode === 'host' ? [] : [entry('pid')]),
    ...(network === 'host' || (network === 'bridge' && !user) ? [] : [entry('network')]),
    ...(hostConfig.CgroupnsMode === 'host' ? [] : [entry('cgroup')]),
    ...(user ? [entry('user')] : []),
    ...(timeOffsets ? [entry('time')] : []),
  ];
}

/** Whether the container gets a user namespace of its own. */
export function hasUserNamespace({ UsernsMode = '' }: HostConfig): boolean {
  return UsernsMode !== '' && UsernsMode !== 'host';
}

/** The ids of a container with `--userns=private`, where nothing else is said: as many as a 16-bit system has, above the host's. */
const defaultMapping: IdMapping = { containerID: 0, hostID: 100_000, size: 65_536 };

/**
 * Reads `--userns`: `private` (or `auto`) maps 65,536 ids to those from 100,000 on; `private:FIRST` and
 * `private:FIRST:SIZE` choose the host's range.
 * @throws EngineError 400
 */
export function userMapping(mode: string): IdMapping {
  if (mode === 'private' || mode === 'auto') return defaultMapping;
  const match = /^private:(\d{1,10})(?::(\d{1,10}))?$/.exec(mode);
  const first = Number(match?.[1]);
  const size = Number(match?.[2] ?? defaultMapping.size);
  if (!match || first === 0 || size === 0 || first + size > 0xffff_ffff)
    throw new EngineError(400, `invalid --userns '${mode}': use host, private, or private:FIRST[:SIZE] with ids of the host`);
  return { containerID: 0, hostID: first, size };
}
