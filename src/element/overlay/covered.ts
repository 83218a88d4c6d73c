/** What lies above a container's layers: mounts in its own mount namespace, of which no layer tells. See proc_pid_mountinfo(5). */
import { mountHolding, readMountinfo, type Mount } from '../../kernel/mountinfo.ts';

/** A mount that hides a path of the layers from the container's processes. */
export type Cover = Pick<Mount, 'mountPoint' | 'type' | 'source'>;

/**
 * The mount above a path, other than the root itself.
 * @param pid the container's first process; 0 where it does not run
 * @returns undefined when there is none, or the process has ended
 */
export function coveringMount(pid: number, path: string): Cover | undefined {
  if (pid <= 0) return undefined;
  let mounts: Mount[];
  try {
    mounts = readMountinfo(pid);
  } catch {
    return undefined;
  }
  const above = mountHolding(mounts, path);
  return above && above.mountPoint !== '/' ? { mountPoint: above.mountPoint, type: above.type, source: above.source } : undefined;
}
