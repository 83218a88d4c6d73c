/** state.json's text, read again: every part is looked at, since by it processes are killed and cgroups are removed. */
import type { ProcessIdentity } from '../kernel/process-stat.ts';
import type { CgroupRecord, ContainerRecord } from './container-record.ts';

type Fields = Readonly<Record<string, unknown>>;

/** @throws Error, with what is wrong, where the text is not the record of this container */
export function parseRecord(text: string, id: string): ContainerRecord {
  const fields = object(JSON.parse(text), 'the whole');
  if (fields['id'] !== id) throw new Error(`its id is ${JSON.stringify(fields['id']) ?? 'not there'}`);
  return {
    id,
    ociVersion: string(fields, 'ociVersion'),
    bundle: path(fields, 'bundle'),
    rootfs: path(fields, 'rootfs'),
    created: string(fields, 'created'),
    owner: integer(fields, 'owner', 0),
    annotations: strings(fields['annotations'], 'annotations'),
    ...(fields['process'] !== undefined && { process: identity(fields['process'], 'process') }),
    creator: identity(fields['creator'], 'creator'),
    cgroup: cgroup(fields['cgroup']),
    hooks: boolean(fields, 'hooks'),
    keyring: boolean(fields, 'keyring'),
    namespaces: list(fields, 'namespaces'),
  };
}

function cgroup(value: unknown): CgroupRecord {
  const fields = object(value, 'cgroup');
  const driver = fields['driver'];
  if (driver !== 'cgroupfs' && driver !== 'systemd' && driver !== 'disabled') throw new Error('cgroup.driver is none that there is');
  const at = string(fields, 'path');
  // The root itself, or a way up, is nobody's container.
  if (driver === 'disabled' ? at !== '' : !isCgroupPath(at)) throw new Error('cgroup.path is no path of a cgroup');
  return {
    driver,
    path: at,
    hierarchies: list(fields, 'hierarchies'),
    ...(fields['bases'] !== undefined && { bases: bases(fields['bases']) }),
    ...(fields['kept'] !== undefined && { kept: list(fields, 'kept') }),
    ...(fields['unit'] !== undefined && { unit: string(fields, 'unit') }),
    ...(fields['resctrl'] !== undefined && { resctrl: resctrl(fields['resctrl']) }),
    ...(fields['rootless'] !== undefined && { rootless: boolean(fields, 'rootless') }),
  };
}

function resctrl(value: unknown): NonNullable<CgroupRecord['resctrl']> {
  const fields = object(value, 'cgroup.resctrl');
  const [mountPoint, directory] = [path(fields, 'mountPoint'), path(fields, 'directory')];
  if (!directory.startsWith(`${mountPoint}/`) || !isCgroupPath(directory)) throw new Error('cgroup.resctrl is no group');
  return { mountPoint, directory, isOwn: boolean(fields, 'isOwn') };
}

function bases(value: unknown): Record<string, string> {
  const paths = strings(value, 'cgroup.bases');
  if (!Object.values(paths).every(isCgroupPath)) throw new Error('cgroup.bases has a path that is none of a cgroup');
  return paths;
}

const isCgroupPath = (at: string): boolean => /^(\/[^/]+)+$/.test(at) && !/\/\.{1,2}(\/|$)/.test(at);

function identity(value: unknown, name: string): ProcessIdentity {
  const fields = object(value, name);
  const startTime = string(fields, 'startTime');
  if (!/^\d+$/.test(startTime)) throw new Error(`${name}.startTime is no number`);
  return { pid: integer(fields, 'pid', 1), startTime };
}

function object(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${name} is no object`);
  return value as Fields;
}

function string(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.includes('\0')) throw new Error(`${name} is no string`);
  return value;
}

function path(fields: Fields, name: string): string {
  const value = string(fields, name);
  if (!value.startsWith('/')) throw new Error(`${name} is no absolute path`);
  return value;
}

function integer(fields: Fields, name: string, least: number): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < least) throw new Error(`${name} is no number as of ${least}`);
  return value as number;
}

function boolean(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw new Error(`${name} is neither true nor false`);
  return value;
}

function list(fields: Fields, name: string): string[] {
  const value = fields[name];
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string')) throw new Error(`${name} is no list of strings`);
  return value as string[];
}

function strings(value: unknown, name: string): Record<string, string> {
  const fields = object(value, name);
  if (Object.values(fields).some((entry) => typeof entry !== 'string')) throw new Error(`${name} has a value that is no string`);
  return fields as Record<string, string>;
}
