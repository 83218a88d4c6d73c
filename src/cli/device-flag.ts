/** `--device` and the flags that limit or weigh block devices. */
import type { DeviceMapping, ThrottleDevice } from '../api/schema.ts';
import { UsageError } from './command.ts';
import { parseBytes } from './flag-value.ts';

/** `HOST_PATH[:CONTAINER_PATH][:rwm]`. @throws UsageError */
export function parseDevice(text: string): DeviceMapping {
  const [source = '', second, third, ...more] = text.split(':');
  const isAccess = (part: string): boolean => /^[rwm]{1,3}$/.test(part) && new Set(part).size === part.length;
  const wrong = (why: string): UsageError => new UsageError(`invalid argument "${text}" for "--device" flag: ${why}`);
  if (!source || more.length) throw wrong('it must have the form HOST_PATH[:CONTAINER_PATH][:ACCESS]');
  const target = second === undefined || isAccess(second) ? source : second;
  const access = third ?? (second !== undefined && isAccess(second) ? second : 'rwm');
  if (!isAccess(access)) throw wrong(`'${access}' is not a way of access, it must be made of r, w and m`);
  if (!target.startsWith('/')) throw wrong(`'${target}' is not an absolute path`);
  return { PathOnHost: source, PathInContainer: target, CgroupPermissions: access };
}

/** `PATH:RATE`; bytes take a unit, such as 1mb. @throws UsageError */
export function parseRate(text: string, of: 'bytes' | 'operations'): ThrottleDevice {
  const [path = '', rate = '', ...more] = text.split(':');
  const wrong = (): UsageError =>
    new UsageError(`invalid rate '${text}' for a device: it must have the form /dev/NAME:${of === 'bytes' ? 'BYTES[UNIT]' : 'NUMBER'}`);
  if (!path.startsWith('/dev/') || more.length) throw wrong();
  if (of === 'operations' && !/^\d+$/.test(rate)) throw wrong();
  try {
    return { Path: path, Rate: of === 'bytes' ? parseBytes(rate) : Number(rate) };
  } catch {
    throw wrong();
  }
}

/** `PATH:WEIGHT`, 10 to 1000. @throws UsageError */
export function parseWeight(text: string): { Path: string; Weight: number } {
  const match = /^(\/dev\/[^:]+):(\d+)$/.exec(text);
  const weight = Number(match?.[2]);
  if (!match || (weight !== 0 && (weight < 10 || weight > 1000)))
    throw new UsageError(`invalid weight '${text}' for a device: it must have the form /dev/NAME:WEIGHT, the weight 10 to 1000`);
  return { Path: match[1]!, Weight: weight };
}
