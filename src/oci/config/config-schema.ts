/** The schema of config.json as a whole. See the runtime specification's config.md. */
import type { Hook, Hooks, IdMapping, LinuxSpec, MountSpec, Spec } from '../../runtime/spec.ts';
import { idMappings, linuxSchema } from './linux-schema.ts';
import { processSchema } from './process-schema.ts';
import {
  array,
  boolean,
  integer,
  map,
  object,
  optional,
  optionalText,
  otherwise,
  quoted,
  rare,
  required,
  text,
  textOrEmpty,
  type Reading,
  type Schema,
} from './schema.ts';
import { checkSysctls } from './sysctl-schema.ts';
import { absolutePath, hasControl, hostName } from './texts.ts';

const isNumber = (text: string): boolean => text.length < 5 && /^\d+$/.test(text);

/** Versions differ in properties that were added; those that came with 1.3 are refused each by its name. */
const lastMinor = 3;
const ociVersion = text((version) => {
  // Without what a pre-release or a build has after it. One regular expression for all of it takes 0.2 ms to prepare, at each start.
  const end = version.search(/[+-]/);
  const [major, minor, ...rest] = (end < 0 ? version : version.slice(0, end)).split('.');
  const wrong =
    rest.length !== 1 || ![major!, minor!, rest[0]!].every(isNumber) || (end >= 0 && !/^(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.test(version.slice(end)));
  if (wrong) return `must be a version such as 1.2.0, not ${quoted(version)}`;
  return major === '1' && Number(minor) <= lastMinor ? undefined : `must be a version from 1.0 to 1.${lastMinor}, not ${quoted(version)}`;
});

const root = object<Spec['root']>({ path: required(text()), readonly: optional(boolean) });

const writtenOptions = array(textOrEmpty());
/** An empty option is none: it is what is left when a program splits an empty text. */
const options: Schema<string[]> = { ...writtenOptions, read: (value, reading) => writtenOptions.read(value, reading)?.filter((option) => option !== '') };

const writtenMount: Schema<MountSpec> = object<MountSpec>(
  {
    destination: required(text()),
    type: otherwise(
      text((type) => (hasControl(type) ? `must be the name of a file system, not ${quoted(type)}` : undefined)),
      '',
    ),
    source: otherwise(text(), ''),
    options: otherwise(options, []),
    uidMappings: optional(idMappings),
    gidMappings: optional(idMappings),
  },
  {},
  checkMount,
);

/** A destination that is no absolute path is taken from the root: it could be written so before version 1.0. */
const mount: Schema<MountSpec> = {
  ...writtenMount,
  read(value, reading) {
    const read = writtenMount.read(value, reading);
    return read && !read.destination.startsWith('/') ? { ...read, destination: `/${read.destination}` } : read;
  },
};

/** True for a mount of a directory or file that exists. */
export const isBind = ({ type, options }: MountSpec): boolean => type === 'bind' || options.includes('bind') || options.includes('rbind');

function checkMount(read: MountSpec, reading: Reading): void {
  if (!read.destination.startsWith('/')) reading.warn('.destination', `should be an absolute path: ${quoted(read.destination)} is taken from the root`);
  if (isBind(read) && read.source === '') reading.problemAt('.source', 'is missing: a bind mount needs one');
  if (!isBind(read) && read.type === '' && !read.options.includes('remount')) reading.problemAt('.type', 'is missing');
  const maps = [read.uidMappings, read.gidMappings].filter((each) => each?.length).length;
  if (maps === 1) reading.problem('must have both uidMappings and gidMappings, or none of them');
  if ((maps > 0 || isMapped(read)) && !isBind(read)) reading.problem('must be a bind mount to have its ids mapped');
}

const isMapped = ({ options }: MountSpec): boolean => options.includes('idmap') || options.includes('ridmap');

const hooks = rare<Hooks>(() => {
  const hook = object<Hook>({
    path: required(absolutePath),
    args: optional(array(textOrEmpty())),
    env: optional(array(text())),
    timeout: optional(integer(1, 2 ** 31 - 1, 'seconds')),
  });
  const list = array(hook);
  return object<Hooks>({
    prestart: optional(list),
    createRuntime: optional(list),
    createContainer: optional(list),
    startContainer: optional(list),
    poststart: optional(list),
    poststop: optional(list),
  });
});

const noLinux: LinuxSpec = { namespaces: [], cgroupsPath: '' };
const other = 'it is of another platform than Linux';

export const configSchema: Schema<Spec> = object<Spec>(
  {
    ociVersion: required(ociVersion),
    process: required(processSchema),
    root: required(root),
    hostname: optionalText(hostName),
    domainname: optionalText(hostName),
    mounts: otherwise(array(mount), []),
    hooks: optional(hooks),
    annotations: optional(map(textOrEmpty())),
    linux: otherwise(linuxSchema, noLinux),
  },
  { solaris: other, windows: other, vm: other, zos: other, freebsd: other },
  checkConfig,
);

/** What one part of a configuration asks of another. */
function checkConfig(spec: Spec, reading: Reading): void {
  const has = (type: string): boolean => spec.linux.namespaces.some((each) => each.type === type);
  for (const name of ['hostname', 'domainname'] as const) {
    if (spec[name] !== undefined && !has('uts')) reading.problemAt(`.${name}`, "needs a UTS namespace in linux.namespaces: it would change the host's");
  }
  for (const [i, each] of spec.mounts.entries()) {
    if (isMapped(each) && !each.uidMappings?.length && !has('user'))
      reading.problemAt(`.mounts[${i}]`, 'has the option idmap or ridmap, but neither mappings of its own nor a user namespace whose mappings it could take');
  }
  checkSysctls(spec.linux, reading);
  checkUser(spec, reading);
}

/** The program's user and groups must be ids of the user namespace that is made for it. */
function checkUser({ process: { user }, linux }: Spec, reading: Reading): void {
  const namespace = linux.namespaces.find(({ type }) => type === 'user');
  if (!namespace || namespace.path !== undefined) return;
  const unmapped = (maps: readonly IdMapping[] | undefined, id: number): boolean =>
    !maps?.some(({ containerID, size }) => id >= containerID && id < containerID + size);
  if (unmapped(linux.uidMappings, user.uid)) reading.problemAt('.process.user.uid', `is not in linux.uidMappings: ${user.uid}`);
  if (unmapped(linux.gidMappings, user.gid)) reading.problemAt('.process.user.gid', `is not in linux.gidMappings: ${user.gid}`);
  const group = (user.additionalGids ?? []).findIndex((gid) => unmapped(linux.gidMappings, gid));
  if (group >= 0) reading.problemAt(`.process.user.additionalGids[${group}]`, `is not in linux.gidMappings: ${user.additionalGids![group]}`);
}
