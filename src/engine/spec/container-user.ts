/**
 * Who a container's program is. In the user namespace of a user's engine there are only the ids that it maps, and where those are his own
 * alone, the kernel lets nobody set groups there: what the image says of root's groups is then without effect. See user_namespaces(7).
 */
import { groupsDenied, inFirstUserNamespace, isMapped } from '../../kernel/user-namespace.ts';
import { resolveUser, UserError, type ContainerUser } from '../../runtime/user.ts';

/**
 * As resolveUser (src/runtime/user.ts).
 * @throws UserError also for a user or group that there cannot be
 */
export function resolveContainerUser(root: number, user: string, groups: readonly string[]): ContainerUser {
  const found = resolveUser(root, user, groups);
  if (inFirstUserNamespace()) return found;
  if (!isMapped('uid', found.uid)) refuse(`the user ${found.uid}`);
  if (!isMapped('gid', found.gid)) refuse(`the group ${found.gid}`);
  if (groupsDenied()) {
    if (groups.length > 0) refuse(`the additional groups ${groups.join(', ')}`);
    return { ...found, additionalGids: [] };
  }
  const unknown = found.additionalGids.find((gid) => !isMapped('gid', gid));
  if (unknown !== undefined) refuse(`the group ${unknown}`);
  return found;
}

function refuse(who: string): never {
  throw new UserError(
    `${who} cannot be in a container of yours: the engine has the ids that /etc/subuid and /etc/subgid grant you, and your own as root's; "hako info" says which are missing`,
  );
}
