/** Where a process's `/` is: the lab's, another directory in the same tree of mounts, or the root of a mount namespace. */
import { viewRoot } from '../../element/root/show.ts';
import { attempt } from '../../kernel/attempt.ts';
import type { LabProcess } from '../../lab/processes.ts';
import type { Look } from './look.ts';

/** Whether its root directory is another than the lab's. */
export const hasOtherRoot = (look: Look, { root }: LabProcess): boolean =>
  root !== undefined && (root.device !== look.host.root?.device || root.inode !== look.host.root.inode);

/** Whether its root is the root of a mount namespace of its own, so that nothing is behind it: what pivot_root(2) makes, and chroot(2) does not. */
export const isPivoted = (look: Look, process: LabProcess): boolean =>
  process.has('mnt') && hasOtherRoot(look, process) && attempt(() => viewRoot(process.pid).changedRoot) === false;

/** Whether the lab's own root is still mounted somewhere in what a process sees. */
export function seesLabRoot(look: Look, process: LabProcess): boolean {
  const top = look.mountsOf(look.host).find(({ mountPoint }) => mountPoint === '/');
  return look.mountsOf(process).some(({ device, root }) => device === top?.device && root === '/');
}
