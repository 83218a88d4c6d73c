/** Which unit `linux.cgroupsPath` names for the systemd driver, and where its cgroup is. systemd.unit(5), systemd.slice(5). */
import { OciError } from '../error.ts';

/** A unit and the slice that it is in. */
export interface UnitPlace {
  readonly unit: string;
  readonly slice: string;
  /** The cgroup's path below the manager's own: `/machine.slice/machine-a.slice/libpod-1.scope`. */
  readonly path: string;
}

/**
 * @param cgroupsPath `slice:prefix:name`; nothing for the slice is its default, no path at all the unit `hako-oci-ID.scope`
 * @throws OciError when it is not of this form, or a part of it is no name
 */
export function unitPlace(cgroupsPath: string | undefined, id: string, rootless: boolean): UnitPlace {
  const parts = cgroupsPath ? cgroupsPath.split(':') : ['', 'hako-oci', id.replaceAll('+', '\\x2b')]; // escaped as systemd.unit(5) has it
  const [parent = '', prefix = '', name = ''] = parts;
  if (parts.length !== 3 || name === '')
    throw new OciError(`linux.cgroupsPath: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${cgroupsPath}" instead`);
  const slice = parent || (rootless ? 'user.slice' : 'system.slice');
  const path = expandSlice(slice);
  if (name.endsWith('.slice')) throw new OciError(`linux.cgroupsPath: "${name}" is a slice, in which a container can not be: give its scope a name`);
  const unit = prefix === '' ? `${name}.scope` : `${prefix}-${name}.scope`;
  if (!/^[\w:.\\@-]+$/.test(unit) || unit.length > 255)
    throw new OciError(`linux.cgroupsPath: "${unit}" is not the name of a unit: letters, digits and ":-_.\\@" are allowed`);
  return { unit, slice, path: `${path}/${unit}` };
}

/**
 * The cgroup of a slice: a dash in its name is a level of the tree, so that `a-b.slice` is in `a.slice`.
 * @throws OciError for what is not the name of a slice
 */
export function expandSlice(slice: string): string {
  if (slice === '-.slice') return '';
  const [, name] = /^([\w:.\\@]+(?:-[\w:.\\@]+)*)\.slice$/.exec(slice) ?? [];
  if (name === undefined) throw new OciError(`linux.cgroupsPath: "${slice}" is not the name of a slice, such as machine.slice`);
  const words = name.split('-');
  return words.map((_, i) => `/${words.slice(0, i + 1).join('-')}.slice`).join('');
}
