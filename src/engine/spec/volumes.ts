/** Volumes, bind mounts and tmpfs of a container: every way to ask for them becomes a mount point, as `inspect` shows it. */
import { mkdirSync, statSync } from 'node:fs';
import type { ContainerConfig, HostConfig, MountPoint, MountRequest } from '../../api/schema.ts';
import { EngineError } from '../engine.ts';
import { checkPropagation } from './mount-propagation.ts';
import { cleanPath } from './mounts.ts';
import { checkTmpfsOptions, requestedTmpfsOptions, tmpfsWords } from './tmpfs.ts';
import { refuse } from './refusal.ts';

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

/** A mount point that is checked and not made yet: nothing is made for a request that is refused. */
interface Draft {
  readonly destination: string;
  readonly make: (resolver: MountResolver) => MountPoint;
}

/**
 * Mount points from `VolumesFrom`, `Binds`, `Mounts` and `Volumes`, the later ones in place of inherited ones.
 * @throws EngineError 400 for what cannot be mounted, or two mounts at one path
 */
export function resolveMounts(config: ContainerConfig, hostConfig: HostConfig, resolver: MountResolver): MountPoint[] {
  const tmpfs = new Set(
    Object.entries(hostConfig.Tmpfs ?? {}).map(([path, options]) => {
      checkTmpfsOptions(tmpfsWords(options));
      return checkDestination(path);
    }),
  );
  const drafts = new Map<string, Draft>();
  for (const from of hostConfig.VolumesFrom ?? []) {
    for (const point of inherited(from, resolver)) drafts.set(point.Destination, { destination: point.Destination, make: () => point });
  }
  const asked = new Set(tmpfs);
  for (const draft of [...(hostConfig.Binds ?? []).map((text) => readBind(text, hostConfig)), ...(hostConfig.Mounts ?? []).map(readRequest)]) {
    refuse(asked.has(draft.destination), `Duplicate mount point: ${draft.destination}`);
    asked.add(draft.destination);
    drafts.set(draft.destination, draft);
  }
  for (const path of Object.keys(config.Volumes ?? {}).map(checkDestination)) {
    if (!drafts.has(path)) drafts.set(path, volume(path, {}, '', true));
  }
  return [...drafts.values()].filter((draft) => !tmpfs.has(draft.destination)).map((draft) => draft.make(resolver));
}

/** `CONTAINER[:ro|rw]`. */
function inherited(text: string, resolver: MountResolver): MountPoint[] {
  const [, ref = '', mode = ''] = /^([^:]+)(?::(ro|rw|z|Z))?$/.exec(text) ?? [];
  refuse(ref === '', `invalid volumes-from specification: '${text.slice(0, 200)}': use CONTAINER[:ro|rw]`);
  return resolver.mountsOf(ref).map((point) => (mode === 'ro' ? { ...point, RW: false } : point));
}

/** Files of /proc that may be replaced: figures which tools such as lxcfs adapt to the container. As runc has it. */
const replaceable = /^\/proc\/(cpuinfo|diskstats|meminfo|stat|swaps|uptime|loadavg|slabinfo|net\/dev|sys\/kernel\/ns_last_pid|sys\/crypto\/fips_enabled)$/;

/** The path inside the container, cleaned. */
function checkDestination(path: string): string {
  refuse(path === '', 'invalid mount config: field Target must not be empty');
  refuse(!path.startsWith('/') || path.includes('\0'), `invalid mount path: '${path.slice(0, 200)}' mount path must be absolute`);
  const clean = cleanPath(path);
  refuse(clean === '/', "invalid specification: destination can't be '/'");
  refuse(clean === '/dev', "invalid specification: destination can't be '/dev': --device gives single devices of the host, --privileged all of them");
  // The kernel's own procfs is what masks, read-only paths and sysctls rely on.
  refuse(
    (clean === '/proc' || clean.startsWith('/proc/')) && !replaceable.test(clean),
    `invalid specification: destination can't be '${clean}': /proc is the kernel's`,
  );
  return clean;
}

const propagations = /^r?(private|slave|shared)$/;
const modeWords = /^(ro|rw|z|Z|nocopy|copy|consistent|cached|delegated|nosuid|nodev|noexec|norecursive|r?(private|slave|shared))$/;

/** `SOURCE:DESTINATION[:OPTIONS]`, or a destination alone. */
function readBind(text: string, hostConfig: HostConfig): Draft {
  const parts = text.split(':');
  refuse(
    parts.length > 3 || parts.some((part) => part === '') || text.includes('\0'),
    `invalid volume specification: '${text.slice(0, 200)}': use SOURCE:DESTINATION[:OPTIONS]`,
  );
  const [source = '', path, mode = ''] = parts;
  if (path === undefined) return volume(checkDestination(source), {}, '', true);
  const words = mode.split(',').filter(Boolean);
  const kinds = words.map((word) => (word === 'ro' || word === 'rw' ? 'access' : propagations.test(word) ? 'propagation' : word));
  refuse(words.some((word) => !modeWords.test(word)) || new Set(kinds).size < kinds.length, `invalid mode: ${mode.slice(0, 200)}`);
  const writable = !words.includes('ro');
  const destination = checkDestination(path);
  if (!source.startsWith('/'))
    return volume(destination, { name: source, ...(hostConfig.VolumeDriver ? { driver: hostConfig.VolumeDriver } : {}) }, mode, writable);
  return bind(source, destination, mode, writable, words.find((word) => propagations.test(word)) ?? 'rprivate', true);
}

/** @param createSource whether a source that is not there is made, as a directory */
function bind(path: string, destination: string, mode: string, writable: boolean, propagation: string, createSource: boolean): Draft {
  const source = cleanPath(path);
  return {
    destination,
    make: ({ create }) => {
      if (create && createSource) makeSource(source);
      checkPropagation(source, propagation);
      return { Type: 'bind', Source: source, Destination: destination, Mode: mode, RW: writable, Propagation: propagation };
    },
  };
}

function makeSource(path: string): void {
  if (exists(path)) return;
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new EngineError(400, `error while creating mount source path '${path}': ${(error as Error).message}`);
  }
}

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw new EngineError(400, `the source ${path} of a mount can't be looked at: ${(error as Error).message}`);
  }
}

function volume(destination: string, asked: AskedVolume, mode: string, writable: boolean): Draft {
  refuse(!!asked.driver && asked.driver !== 'local', `volume driver '${asked.driver}' not found: there is 'local'`);
  return {
    destination,
    make: (resolver) => {
      const { name, path } = resolver.volume(asked);
      return { Type: 'volume', Name: name, Source: path, Destination: destination, Driver: 'local', Mode: mode, RW: writable, Propagation: '' };
    },
  };
}

/** A `--mount`. */
function readRequest(request: MountRequest): Draft {
  const { Type = 'volume', Source = '', Target = '', ReadOnly = false } = request;
  const bad = (condition: boolean, why: string): void => refuse(condition, `invalid mount config for type "${Type}": ${why}`);
  bad(Target === '', 'field Target must not be empty');
  bad(Source.includes('\0'), 'field Source must not contain NUL');
  const destination = checkDestination(Target);
  for (const [type, options] of [
    ['bind', 'BindOptions'],
    ['volume', 'VolumeOptions'],
    ['tmpfs', 'TmpfsOptions'],
  ] as const) {
    bad(type !== Type && request[options] !== undefined, `field ${options} must not be specified`);
  }
  switch (Type) {
    case 'bind': {
      const {
        CreateMountpoint = false,
        NonRecursive = false,
        ReadOnlyForceRecursive = false,
        ReadOnlyNonRecursive = false,
        Propagation = 'rprivate',
      } = request.BindOptions ?? {};
      bad(Source === '', 'field Source must not be empty');
      bad(!Source.startsWith('/'), `invalid mount path: '${Source}' mount path must be absolute`);
      bad(ReadOnlyNonRecursive && ReadOnlyForceRecursive, 'ReadOnlyForceRecursive and ReadOnlyNonRecursive cannot both be set');
      bad(!CreateMountpoint && !exists(Source), `bind source path does not exist: ${Source}`);
      return bind(Source, destination, NonRecursive ? 'norecursive' : '', !ReadOnly, Propagation, CreateMountpoint);
    }
    case 'volume': {
      const { DriverConfig, Labels, NoCopy = false, Subpath } = request.VolumeOptions ?? {};
      bad(Source === '' && ReadOnly, 'must not set ReadOnly mode when using anonymous volumes');
      // A link that a container puts in its volume would lead the mount out of it.
      bad(!!Subpath, 'volume-subpath is not supported: mount the volume itself');
      const asked: AskedVolume = {
        ...(Source ? { name: Source } : {}),
        ...(DriverConfig?.Name ? { driver: DriverConfig.Name } : {}),
        ...(DriverConfig?.Options ? { options: DriverConfig.Options } : {}),
        ...(Labels ? { labels: Labels } : {}),
      };
      return volume(destination, asked, NoCopy ? 'nocopy' : '', !ReadOnly);
    }
    case 'tmpfs': {
      bad(Source !== '', 'field Source must not be specified');
      const words = requestedTmpfsOptions(request.TmpfsOptions ?? {});
      checkTmpfsOptions(words);
      return { destination, make: () => ({ Type: 'tmpfs', Source: '', Destination: destination, Mode: words.join(','), RW: !ReadOnly, Propagation: '' }) };
    }
    default:
      throw new EngineError(400, `mount type '${Type}' is not supported: use bind, volume or tmpfs`);
  }
}
