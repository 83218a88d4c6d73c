/** The schema of `linux` in config.json. See config-linux.md. */
import type { DeviceSpec, IdMapping, IntelRdt, LinuxSpec, Personality } from '../../runtime/spec.ts';
import { id } from './process-schema.ts';
import { major, minor, resourcesSchema } from './resources-schema.ts';
import {
  array,
  boolean,
  integer,
  map,
  maxInt64,
  maxUint32,
  object,
  oneOf,
  optional,
  optionalText,
  otherwise,
  quoted,
  rare,
  required,
  text,
  type Reading,
  type Schema,
} from './schema.ts';
import { seccompSchema } from './seccomp-schema.ts';
import { sysctlsSchema } from './sysctl-schema.ts';
import { absolutePath, hasControl, line } from './texts.ts';

/** Maps of ids: no id twice, on neither side, as the kernel wants it without saying which. */
export const idMappings = rare<IdMapping[]>(() => {
  const mapping = object<IdMapping>(
    { containerID: required(integer(0, maxUint32 - 1)), hostID: required(integer(0, maxUint32 - 1)), size: required(integer(1, maxUint32)) },
    {},
    ({ containerID, hostID, size }, reading) => {
      if (Math.max(containerID, hostID) + size > maxUint32 + 1)
        reading.problemAt('.size', `reaches beyond the last id: ${size} from ${Math.max(containerID, hostID)}`);
    },
  );
  const mappings = array(mapping);
  return { ...mappings, read };

  function read(value: unknown, reading: Reading): IdMapping[] | undefined {
    const all = mappings.read(value, reading) ?? [];
    if (all.length > 340) return reading.problem(`must have at most 340 entries, not ${all.length}`);
    for (const side of ['containerID', 'hostID'] as const) {
      const sorted = all.toSorted((a, b) => a[side] - b[side]);
      const twice = sorted.find((entry, i) => i > 0 && entry[side] < sorted[i - 1]![side] + sorted[i - 1]!.size);
      if (twice) return reading.problem(`must not have a ${side} twice: ${twice[side]} is in two entries`);
    }
    return all;
  }
});

const namespaceTypes = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;
type Namespaces = LinuxSpec['namespaces'];
const namespace = object<Namespaces[number]>({ type: required(oneOf(...namespaceTypes)), path: optionalText(absolutePath) });
const namespaceList = array(namespace);
const namespaces: Schema<Namespaces> = {
  ...namespaceList,
  read(value, reading) {
    const all = namespaceList.read(value, reading);
    const seen = new Set<string>();
    for (const [i, { type }] of (all ?? []).entries()) {
      if (seen.has(type)) reading.problemAt(`[${i}].type`, `is there twice: ${type}`);
      seen.add(type);
    }
    return all;
  },
};

const fileTypes = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;
const S_IFMT = 0o170000;

/** A device as it is written: a FIFO has no numbers. */
type WrittenDevice = Omit<DeviceSpec, 'major' | 'minor'> & { readonly major?: number; readonly minor?: number };
const device = rare<DeviceSpec>(() => {
  const writtenDevice = object<WrittenDevice>(
    {
      type: required(oneOf('c', 'b', 'u', 'p')),
      path: required(absolutePath),
      major: optional(major),
      minor: optional(minor),
      fileMode: optional(integer(0, 0o177777)),
      uid: optional(id),
      gid: optional(id),
    },
    {},
    ({ type, path, major: ofMajor, minor: ofMinor, fileMode = 0 }, reading) => {
      if (type !== 'p' && ofMajor === undefined) reading.problemAt('.major', 'is missing');
      if (type !== 'p' && ofMinor === undefined) reading.problemAt('.minor', 'is missing');
      const written = fileMode & S_IFMT;
      if (written !== 0 && written !== fileTypes[type]) reading.problemAt('.fileMode', `says another type of file than "${type}": 0${fileMode.toString(8)}`);
      if (path.endsWith('/')) reading.problemAt('.path', `must name a file, not ${quoted(path)}`);
    },
  );
  return {
    ...writtenDevice,
    read(value, reading) {
      const read = writtenDevice.read(value, reading);
      if (read === undefined) return undefined;
      const { fileMode, ...rest } = read;
      // Some callers give the mode as stat(2) does, with the type of the file.
      return { ...rest, major: read.major ?? 0, minor: read.minor ?? 0, ...(fileMode === undefined ? {} : { fileMode: fileMode & ~S_IFMT }) };
    },
  };
});

/** Where it leads, the driver of the cgroups knows: below what it may, whatever dots are in it. */
const cgroupsPath = line;

type ClockOffset = NonNullable<LinuxSpec['timeOffsets']>[string];
const timeOffsets = rare<Record<string, ClockOffset>>(() => {
  const clock = object<ClockOffset>({
    secs: otherwise(integer(-maxInt64 - 1n, maxInt64, 'seconds'), 0),
    nanosecs: otherwise(integer(0, 999_999_999, 'nanoseconds'), 0),
  });
  return map(clock, (name) => (name === 'monotonic' || name === 'boottime' ? undefined : 'is not a clock: use monotonic or boottime'));
});

const intelRdt = rare<IntelRdt>(() => {
  const className = text((name) =>
    hasControl(name) || name.includes('/') || name === '.' || name === '..' ? `must be the name of a directory, not ${quoted(name)}` : undefined,
  );
  const bandwidth = text((value) =>
    !value.startsWith('MB:') || hasControl(value) ? `must be one line that begins with MB:, not ${quoted(value)}` : undefined,
  );
  return object<IntelRdt>(
    {
      closID: optionalText(className),
      l3CacheSchema: optionalText(text()),
      memBwSchema: optionalText(bandwidth),
      enableCMT: optional(boolean),
      enableMBM: optional(boolean),
    },
    { schemata: laterThan('1.3'), enableMonitoring: laterThan('1.3') },
  );
});

const personality = rare<Personality>(() =>
  object<Personality>({ domain: required(oneOf('LINUX', 'LINUX32')) }, { flags: 'the specification has no value for it' }),
);

/** Why a property of a later specification is refused: a container without it would be another than was asked for. */
function laterThan(version: string): string {
  return `it came with version ${version} of the specification`;
}

const label = text((value) => (hasControl(value) || value.includes('"') ? `must be a SELinux context, not ${quoted(value)}` : undefined));

export const linuxSchema: Schema<LinuxSpec> = object<LinuxSpec>(
  {
    namespaces: otherwise(namespaces, []),
    uidMappings: optional(idMappings),
    gidMappings: optional(idMappings),
    timeOffsets: optional(timeOffsets),
    devices: optional(array(device)),
    cgroupsPath: otherwise(cgroupsPath, ''),
    resources: optional(resourcesSchema),
    intelRdt: optional(intelRdt),
    sysctl: optional(sysctlsSchema),
    seccomp: optional(seccompSchema),
    rootfsPropagation: optionalText(oneOf('private', 'slave', 'shared', 'unbindable', 'rprivate', 'rslave', 'rshared', 'runbindable')),
    maskedPaths: optional(array(absolutePath)),
    readonlyPaths: optional(array(absolutePath)),
    mountLabel: optionalText(label),
    personality: optional(personality),
  },
  { netDevices: laterThan('1.3'), memoryPolicy: laterThan('1.3') },
  checkLinux,
);

/** What of `linux` needs which of its namespaces. */
function checkLinux(linux: LinuxSpec, reading: Reading): void {
  const user = linux.namespaces.find(({ type }) => type === 'user');
  const maps = ['uidMappings', 'gidMappings'] as const;
  for (const name of maps) {
    const given = (linux[name]?.length ?? 0) > 0;
    if (given && !user) reading.problemAt(`.${name}`, 'needs a user namespace in linux.namespaces');
    if (!given && user && user.path === undefined) reading.problemAt(`.${name}`, 'is missing: a new user namespace has no ids without it');
  }
  const time = linux.namespaces.find(({ type }) => type === 'time');
  if (linux.timeOffsets && Object.keys(linux.timeOffsets).length > 0 && (!time || time.path !== undefined)) {
    reading.problemAt(
      '.timeOffsets',
      time ? 'cannot be given with a time namespace that is joined: its clocks are set' : 'needs a time namespace in linux.namespaces',
    );
  }
  const mount = linux.namespaces.some(({ type }) => type === 'mount');
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    if (linux[name]?.length && !mount) reading.problemAt(`.${name}`, 'needs a mount namespace in linux.namespaces: it would change the host');
  }
  for (const name of ['kernel', 'kernelTCP'] as const) {
    if (linux.resources?.memory?.[name]) reading.warn(`.resources.memory.${name}`, 'is deprecated: no kernel since 5.4 keeps it');
  }
}
