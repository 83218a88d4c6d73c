/** `--volume` and `--mount`: what of the host, which volume or which tmpfs is seen where in the container. */
import { resolve } from 'node:path';
import type { MountRequest } from '../api/schema.ts';
import { UsageError } from './command.ts';
import { parseBoolean, parseBytes } from './flag-value.ts';

/** A bind for HostConfig.Binds, or the path of an anonymous volume. */
export interface VolumeFlag {
  readonly bind?: string;
  readonly anonymous?: string;
}

/**
 * `[SOURCE:]DESTINATION[:OPTIONS]`; a source that begins with `.` is relative to the client's directory.
 * @throws UsageError when it has another form
 */
export function parseVolume(text: string): VolumeFlag {
  const parts = text.split(':');
  if (parts.some((part) => part === '') || parts.length > 3)
    throw new UsageError(`invalid volume '${text}': it must have the form [SOURCE:]DESTINATION[:OPTIONS]`);
  const [first = '', second, options] = parts;
  if (second === undefined) {
    if (!first.startsWith('/')) throw new UsageError(`invalid volume '${text}': the path in the container must be absolute`);
    return { anonymous: first };
  }
  if (!second.startsWith('/')) throw new UsageError(`invalid volume '${text}': the path in the container must be absolute`);
  const source = first.startsWith('.') ? resolve(first) : first;
  return { bind: [source, second, ...(options === undefined ? [] : [options])].join(':') };
}

/**
 * `type=bind,source=…,target=…[,readonly,…]`: comma-separated fields, quoted as in CSV where they contain commas.
 * @throws UsageError for an unknown field or one that does not fit the type
 */
export function parseMount(text: string): MountRequest {
  const wrong = (why: string): UsageError => new UsageError(`invalid argument "${text}" for "--mount" flag: ${why}`);
  const mount: MountRequest = { Type: 'volume' };
  const volumeLabels: Record<string, string> = {};
  const driverOptions: Record<string, string> = {};
  const used: string[] = [];
  for (const entry of csvFields(text)) {
    const equals = entry.indexOf('=');
    const key = (equals < 0 ? entry : entry.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? undefined : entry.slice(equals + 1);
    const flag = (): boolean => {
      try {
        return value === undefined || parseBoolean(value);
      } catch {
        throw wrong(`invalid value for ${key}: ${value}`);
      }
    };
    if (value === undefined && !bareFields.has(key)) throw wrong(`the field '${key}' must be a key=value pair`);
    const text = value ?? '';
    used.push(key);
    switch (key) {
      case 'type':
        mount.Type = mountType(text.toLowerCase(), wrong);
        break;
      case 'source':
      case 'src':
        mount.Source = text;
        break;
      case 'target':
      case 'dst':
      case 'destination':
        mount.Target = text;
        break;
      case 'readonly':
      case 'ro':
        mount.ReadOnly = flag();
        break;
      case 'consistency':
        mount.Consistency = text;
        break;
      case 'bind-propagation':
        mount.BindOptions = { ...mount.BindOptions, Propagation: text as NonNullable<NonNullable<MountRequest['BindOptions']>['Propagation']> };
        break;
      case 'bind-nonrecursive':
        mount.BindOptions = { ...mount.BindOptions, NonRecursive: flag() };
        break;
      case 'bind-create-mountpoint':
        mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: flag() };
        break;
      case 'bind-recursive':
        mount.BindOptions = { ...mount.BindOptions, ...recursion(text, wrong) };
        break;
      case 'volume-nocopy':
        mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: flag() };
        break;
      case 'volume-subpath':
        mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: text };
        break;
      case 'volume-label':
        addPair(volumeLabels, text);
        mount.VolumeOptions = { ...mount.VolumeOptions, Labels: volumeLabels };
        break;
      case 'volume-driver':
        mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Name: text } };
        break;
      case 'volume-opt':
        addPair(driverOptions, text);
        mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Options: driverOptions } };
        break;
      case 'image-subpath':
        mount.ImageOptions = { Subpath: text };
        break;
      case 'tmpfs-size':
        mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: size(text, wrong) };
        break;
      case 'tmpfs-mode':
        mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: mode(text, wrong) };
        break;
      default:
        throw wrong(`unexpected key '${key}' in '${entry}'`);
    }
  }
  checkMount(mount, used, wrong);
  return mount;
}

const bareFields = new Set(['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-mountpoint']);

type Wrong = (why: string) => UsageError;

function mountType(text: string, wrong: Wrong): NonNullable<MountRequest['Type']> {
  if (text === 'bind' || text === 'volume' || text === 'tmpfs' || text === 'image') return text;
  throw wrong(`invalid mount type '${text}', it must be bind, volume, tmpfs or image`);
}

function recursion(text: string, wrong: Wrong): NonNullable<MountRequest['BindOptions']> {
  if (text === 'enabled') return {};
  if (text === 'disabled') return { NonRecursive: true };
  if (text === 'writable') return { ReadOnlyNonRecursive: true };
  if (text === 'readonly') return { ReadOnlyForceRecursive: true };
  throw wrong(`invalid value for bind-recursive: '${text}', it must be enabled, disabled, writable or readonly`);
}

function size(text: string, wrong: Wrong): number {
  try {
    return parseBytes(text);
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

function mode(text: string, wrong: Wrong): number {
  if (!/^[0-7]{1,5}$/.test(text)) throw wrong(`invalid value for tmpfs-mode: '${text}', it must be octal digits`);
  return parseInt(text, 8);
}

function addPair(to: Record<string, string>, text: string): void {
  const equals = text.indexOf('=');
  if (equals < 0) to[text] = '';
  else to[text.slice(0, equals)] = text.slice(equals + 1);
}

function checkMount(mount: MountRequest, used: readonly string[], wrong: Wrong): void {
  const type = mount.Type!;
  if (!mount.Target) throw wrong('target is required');
  if (!mount.Target.startsWith('/')) throw wrong('target must be an absolute path');
  if (type === 'bind' && !mount.Source) throw wrong('source is required for a bind mount');
  if (type === 'tmpfs' && mount.Source) throw wrong('a tmpfs mount has no source');
  const foreign = used.find((key) => ['bind-', 'volume-', 'tmpfs-', 'image-'].some((prefix) => key.startsWith(prefix) && prefix !== `${type}-`));
  if (foreign) throw wrong(`cannot mix '${foreign}' with mount type '${type}'`);
  if (type === 'bind' && mount.Source!.startsWith('.')) mount.Source = resolve(mount.Source!);
}

/** One line of CSV. */
function csvFields(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}
