/**
 * The mounts of a configuration, read and checked before anything is done: what kind each is, and that nothing in it is left out.
 * See runtime-spec config.md "Mounts".
 */
import { absolutePath, cleanPath } from '../../kernel/absolute-path.ts';
import { parseMountOptions, type MountOptions } from './mount-options.ts';
import { cutOff } from './root-steps.ts';
import type { MountSpec, Spec } from '../spec.ts';

/** A mount that is refused, or that cannot be made. */
export class MountError extends Error {
  override readonly name = 'MountError';
}

/** What is done for an entry: a new file system, a tree of the host's, cgroups, a change of a mount that is there already, or a symbolic link. */
export type MountKind = 'filesystem' | 'bind' | 'cgroup' | 'remount';

/** A mount, read. */
export interface PlannedMount {
  /** Its place in `mounts`. */
  readonly index: number;
  readonly kind: MountKind;
  /** With a clean absolute destination. */
  readonly mount: MountSpec;
  readonly options: MountOptions;
}

/** Files of /proc that programs in user space may stand in for (lxcfs does): nothing else is mounted over what the kernel has there. */
const coveredProcFiles = new Set([
  ...['cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'slabinfo', 'stat', 'swaps', 'uptime', 'net/dev'].map((name) => `/proc/${name}`),
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
]);

/**
 * Reads the mounts.
 * @param bundle the directory that relative sources of bind mounts are relative to
 * @throws MountError for what cannot be meant, by its place in the configuration
 */
export function planMounts(spec: Spec, bundle = '/'): PlannedMount[] {
  return spec.mounts.map((given, index) => {
    const destination = cleanPath(given.destination);
    const options = parseMountOptions(given.options);
    const refuse = (why: string): never => {
      throw new MountError(`mounts[${index}] (${given.destination}): ${why}`);
    };
    const entry = { ...given, destination };
    const isBind = options.bind !== undefined || given.type === 'bind';
    if (options.remount && (!isBind || given.source === '')) return planned(entry, 'remount');
    if (!isBind && given.type === '') refuse('it has neither a type nor the option "bind" or "rbind"');
    if (isBind) checkBind();
    else checkFilesystem();
    checkProc();
    if (isBind) return planned({ ...entry, source: absolute(given.source, bundle) }, 'bind');
    const bound = boundInstead(spec, given.type);
    if (bound) return planned({ ...entry, type: 'bind', source: bound, options: ['rbind', 'rslave', ...attributesAlone(given.options)] }, 'bind');
    return planned(entry, given.type === 'cgroup' ? 'cgroup' : 'filesystem');

    function planned(mount: MountSpec, kind: MountKind): PlannedMount {
      const propagation = kind === 'bind' && options.propagation.length === 0 ? [defaultPropagation(spec)] : [];
      const whole = propagation.length ? { ...mount, options: [...mount.options, ...propagation] } : mount;
      return { index, kind, mount: whole, options: parseMountOptions(whole.options) };
    }
    function checkBind(): void {
      if (given.source === '') refuse('a bind mount needs a source');
      const [parameter] = options.parameters;
      if (parameter)
        refuse(`a bind mount cannot have the option "${parameter.filter((part) => part !== undefined).join('=')}": it is one of a file system's own`);
      if (options.tmpcopyup) refuse('only a tmpfs can have the option "tmpcopyup"');
      const maps = [given.uidMappings, given.gidMappings].filter((m) => m?.length).length;
      if (maps === 1) refuse('uidMappings and gidMappings go together');
      if (options.idMap && maps === 0 && !spec.linux.namespaces.some((n) => n.type === 'user'))
        refuse(`"${options.idMap}" needs uidMappings and gidMappings, since the container has no user namespace whose maps could be taken`);
    }
    function checkFilesystem(): void {
      if (options.idMap || given.uidMappings?.length || given.gidMappings?.length) refuse('only bind mounts can have id maps');
      if (options.tmpcopyup && given.type !== 'tmpfs') refuse(`only a tmpfs can have the option "tmpcopyup", not ${given.type}`);
      if (options.copySymlink || options.sourceNoFollow) refuse('"copy-symlink" and "src-nofollow" are options of bind mounts');
      for (const [key, value] of options.parameters)
        if (value !== undefined && Buffer.byteLength(value) > 255 && !(given.type === 'overlay' && key === 'lowerdir'))
          refuse(`the value of "${key}" is longer than the 255 bytes that the kernel takes`);
    }
    function checkProc(): void {
      if (destination === '/proc' && (isBind || given.type !== 'proc') && !(isBind && isProcfs(given.source)))
        refuse('it cannot be mounted because it is not of type proc: only a procfs belongs at /proc');
      if (destination.startsWith('/proc/') && !coveredProcFiles.has(destination)) refuse('it cannot be mounted because it is inside /proc');
    }
  });
}

/** A bind mount's source. A parameter of a script stands for an absolute one (src/step/shell.ts). */
const absolute = (source: string, bundle: string): string => (source.startsWith('/') || source.startsWith('\0') ? source : absolutePath(`${bundle}/${source}`));

/** What is mounted on the host at its source comes in or not, as the root's propagation says; nothing goes out unless that is asked for. */
const defaultPropagation = ({ linux }: Spec): string => (cutOff(linux.rootfsPropagation ?? 'slave') === 'private' ? 'rprivate' : 'rslave');

const isProcfs = (source: string): boolean => /^\/proc\/?$/.test(source);

const attributesAlone = (options: readonly string[]): string[] =>
  options.filter((o) => /^r?(ro|rw|(no)?(suid|dev|exec))$/.test(o)).flatMap((o) => (o === 'ro' ? ['ro', 'rro'] : [o]));

/**
 * The host's file system that is bound in place of a new one: who is in a user namespace may mount these only for a namespace that
 * belongs to it, and the container is to share the host's.
 */
function boundInstead({ linux }: Spec, type: string): string | undefined {
  const has = (namespace: string): boolean => linux.namespaces.some((n) => n.type === namespace);
  if (!has('user')) return undefined;
  if (type === 'sysfs' && !has('network')) return '/sys';
  if (type === 'mqueue' && !has('ipc')) return '/dev/mqueue';
  if (type === 'proc' && !has('pid')) return '/proc';
  if (type === 'cgroup2' && !has('cgroup')) return '/sys/fs/cgroup';
  return undefined;
}
