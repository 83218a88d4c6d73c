/** Volumes, bind mounts and tmpfs of a container: every way to ask for them becomes a mount point, as `inspect` shows it. */
import { mkdirSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { ContainerConfig, HostConfig, MountPoint, MountRequest } from '../../api/schema.ts';
import { EngineError } from '../engine.ts';

/** A volume that a container names, or an anonymous one. */
export interface AskedVolume {
  readonly name?: string;
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What the engine does for it. */
export interface MountResolver {
  /** Finds or makes a volume. */
  readonly volume: (asked: AskedVolume) => { readonly name: string; readonly path: string };
  /** The mount points of another container (`--volumes-from`). */
  readonly mountsOf: (ref: string) => readonly MountPoint[];
  /** Whether directories of the host's may be made, as `-v` does. */
  readonly create: boolean;
}

/** @throws EngineError 400 for what cannot be mounted */
export function resolveMounts(config: ContainerConfig, hostConfig: HostConfig, resolver: MountResolver): MountPoint[] {
  const points = new Map<string, MountPoint>();
  const add = (point: MountPoint): void => {
    if (points.has(point.Destination) || hostConfig.Tmpfs?.[point.Destination] !== undefined) throw new EngineError(400, `Duplicate mount point: ${point.Destination}`);
    points.set(point.Destination, point);
  };
  for (const from of hostConfig.VolumesFrom ?? []) {
    const [ref = '', mode = ''] = from.split(':');
    for (const point of resolver.mountsOf(ref)) points.set(point.Destination, { ...point, RW: mode.split(',').includes('ro') ? false : point.RW });
  }
  const own = new Set<string>();
  const addOwn = (point: MountPoint): void => {
    if (!own.has(point.Destination)) points.delete(point.Destination); // what came from another container gives way
    add(point);
    own.add(point.Destination);
  };
  for (const bind of hostConfig.Binds ?? []) addOwn(bindPoint(bind, hostConfig, resolver));
  for (const request of hostConfig.Mounts ?? []) addOwn(requestedPoint(request, resolver));
  for (const destination of Object.keys(config.Volumes ?? {})) {
    const path = checkDestination(destination);
    if (points.has(path) || hostConfig.Tmpfs?.[path] !== undefined) continue;
    addOwn(volumePoint(path, {}, '', true, resolver));
  }
  for (const path of Object.keys(hostConfig.Tmpfs ?? {})) checkDestination(path);
  return [...points.values()];
}

const notMountable: ReadonlySet<string> = new Set(['/', '/proc', '/dev']);

function checkDestination(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw new EngineError(400, `invalid mount path: '${path}' mount path must be absolute`);
  const clean = posix.normalize(path).replace(/(.)\/$/, '$1');
  if (notMountable.has(clean)) throw new EngineError(400, `invalid specification: destination can't be '${clean}'`);
  return clean;
}

const modeWords = /^(ro|rw|z|Z|nocopy|copy|consistent|cached|delegated|rro|nosuid|nodev|noexec|norecursive|r?(private|slave|shared))$/;

/** `SOURCE:DESTINATION[:OPTIONS]`, or a destination alone. */
function bindPoint(text: string, hostConfig: HostConfig, resolver: MountResolver): MountPoint {
  const parts = text.split(':');
  if (parts.length > 3 || parts.some((part) => part === '')) throw new EngineError(400, `invalid volume specification: '${text}': use SOURCE:DESTINATION[:OPTIONS]`);
  const [first = '', second, mode = ''] = parts;
  if (second === undefined) return volumePoint(checkDestination(first), {}, '', true, resolver);
  const words = mode.split(',').filter(Boolean);
  const unknown = words.find((word) => !modeWords.test(word));
  if (unknown) throw new EngineError(400, `invalid mode: ${mode}: '${unknown}' is not known`);
  const writable = !words.includes('ro') && !words.includes('rro');
  const destination = checkDestination(second);
  if (!first.startsWith('/')) {
    return volumePoint(destination, { name: first, ...(hostConfig.VolumeDriver ? { driver: hostConfig.VolumeDriver } : {}) }, mode, writable, resolver);
  }
  if (resolver.create) makeSource(first);
  return bind(first, destination, mode, writable, words.find((word) => /^r?(private|slave|shared)$/.test(word)) ?? 'rprivate');
}

function makeSource(path: string): void {
  try {
    if (!statSync(path, { throwIfNoEntry: false })) mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new EngineError(400, `the source ${path} of a volume can't be made: ${(error as Error).message}`);
  }
}

function bind(source: string, destination: string, mode: string, writable: boolean, propagation: string): MountPoint {
  return { Type: 'bind', Source: posix.normalize(source), Destination: destination, Mode: mode, RW: writable, Propagation: propagation };
}

function volumePoint(destination: string, asked: AskedVolume, mode: string, writable: boolean, resolver: MountResolver): MountPoint {
  if (asked.driver && asked.driver !== 'local') throw new EngineError(400, `volume driver '${asked.driver}' not found: there is 'local'`);
  const { name, path } = resolver.volume(asked);
  return { Type: 'volume', Name: name, Source: path, Destination: destination, Driver: 'local', Mode: mode, RW: writable, Propagation: '' };
}

/** A `--mount`. */
function requestedPoint(request: MountRequest, resolver: MountResolver): MountPoint {
  const { Type = 'volume', Source = '', Target = '', ReadOnly = false } = request;
  const destination = checkDestination(Target);
  switch (Type) {
    case 'bind': {
      if (!Source.startsWith('/')) throw new EngineError(400, `invalid mount config for type "bind": invalid mount path: '${Source}' mount path must be absolute`);
      if (request.BindOptions?.CreateMountpoint && resolver.create) makeSource(Source);
      else if (!statSync(Source, { throwIfNoEntry: false })) throw new EngineError(400, `invalid mount config for type "bind": bind source path does not exist: ${Source}`);
      const words = [...(request.BindOptions?.NonRecursive ? ['norecursive'] : []), ...(request.BindOptions?.ReadOnlyForceRecursive ? ['rro'] : [])];
      return bind(Source, destination, words.join(','), !ReadOnly, request.BindOptions?.Propagation ?? 'rprivate');
    }
    case 'volume': {
      const { DriverConfig, Labels, NoCopy, Subpath } = request.VolumeOptions ?? {};
      if (Subpath) throw new EngineError(400, 'volume-subpath is not supported: mount the volume itself');
      const asked: AskedVolume = {
        ...(Source ? { name: Source } : {}), ...(DriverConfig?.Name ? { driver: DriverConfig.Name } : {}), ...(DriverConfig?.Options ? { options: DriverConfig.Options } : {}), ...(Labels ? { labels: Labels } : {}),
      };
      return volumePoint(destination, asked, NoCopy ? 'nocopy' : '', !ReadOnly, resolver);
    }
    case 'tmpfs': {
      const { SizeBytes, Mode, Options } = request.TmpfsOptions ?? {};
      const words = [...(SizeBytes ? [`size=${SizeBytes}`] : []), ...(Mode ? [`mode=${Mode.toString(8)}`] : []), ...(Options ?? []).map((option) => option.join('='))];
      return { Type: 'tmpfs', Source: '', Destination: destination, Mode: words.join(','), RW: !ReadOnly, Propagation: '' };
    }
    default:
      throw new EngineError(400, `mount type '${Type}' is not supported: use bind, volume or tmpfs`);
  }
}
