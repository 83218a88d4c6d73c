/**
 * A user namespace that is joined has its ids already. Callers (containerd, CRI-O) give its maps along all the same, and the runtime goes by
 * them, for owners and for id maps of mounts: with other maps than the namespace's, files would be given to others. So they must be the same.
 */
import { readFileSync } from 'node:fs';
import type { IdMapping, LinuxSpec } from '../../runtime/spec.ts';
import { OciError } from '../error.ts';

/**
 * Compares the maps of a configuration with those of the namespace that it joins, where the path says whose that is.
 * @throws OciError when they are not the same
 */
export function checkJoinedUser({ namespaces, uidMappings = [], gidMappings = [] }: LinuxSpec): void {
  const path = namespaces.find(({ type }) => type === 'user')?.path;
  if (path === undefined || uidMappings.length + gidMappings.length === 0) return;
  const process = /^(\/proc\/(?:self|\d+))\/ns\/user$/.exec(path)?.[1];
  if (process === undefined) return;
  for (const [name, file, maps] of [
    ['uidMappings', 'uid_map', uidMappings],
    ['gidMappings', 'gid_map', gidMappings],
  ] as const) {
    const own = lines(readMap(`${process}/${file}`, path));
    const given = lines(maps.map(asText));
    if (own !== given) throw new OciError(`config.json: linux.${name} (${given}) is not what the user namespace ${path} has (${own}): leave it out`);
  }
}

const asText = ({ containerID, hostID, size }: IdMapping): string => `${containerID} ${hostID} ${size}`;

/** The entries of a map in one order: that in which they are written does not matter. */
const lines = (entries: readonly string[]): string => entries.toSorted().join(', ');

function readMap(file: string, path: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.trim().split(/\s+/).join(' '));
  } catch {
    throw new OciError(`config.json: linux.namespaces: the user namespace ${path} is not there`);
  }
}
