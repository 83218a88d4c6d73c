/**
 * Whether mounts can pass between the host and a bind mount as asked: only where the host's mount is shared itself.
 * See mount_namespaces(7), "Shared subtrees".
 */
import { realpathSync } from 'node:fs';
import { mountHolding, parseMountinfo, readMountinfo } from '../../kernel/mountinfo.ts';
import { refuse } from './refusal.ts';

/**
 * @param source of a bind mount, on the host
 * @throws EngineError 400 when `shared` or `slave` could have no effect there
 */
export function checkPropagation(source: string, propagation: string, mountinfo?: string): void {
  if (!/shared|slave/.test(propagation)) return;
  const path = realPath(source);
  const mount = mountHolding(mountinfo === undefined ? readMountinfo() : parseMountinfo(mountinfo), path);
  const place = mount?.mountPoint ?? '/';
  const has = (kind: string): boolean => mount?.propagation.some((field) => field.startsWith(kind)) ?? false;
  const shared = propagation.endsWith('shared');
  refuse(shared && !has('shared:'), `path ${source} is mounted on ${place} but it is not a shared mount: make it one with mount --make-shared ${place}`);
  refuse(
    !shared && !has('shared:') && !has('master:'),
    `path ${source} is mounted on ${place} but it is not a shared or slave mount: make it one with mount --make-shared ${place}`,
  );
}

/** A source that is yet to be made (for an explanation) is where its path says. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
