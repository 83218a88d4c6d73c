/** `--user` of `hako cap run`: a user of this machine, by name or number, with groups. See passwd(5), group(5). */
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { call } from '../../kernel/call.ts';
import { closeFd } from '../../kernel/file-at.ts';
import { must } from '../../kernel/perform.ts';
import { resolveUser } from '../../runtime/user.ts';
import type { Chosen } from './run.ts';

/** `name`, `uid`, and each with `:group` or `:gid`. @throws UserError for a name that is not in /etc/passwd or /etc/group */
export function machineUser(text: string): NonNullable<Chosen['user']> {
  const root = must(call('openat', [AT_FDCWD, '/', openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0]));
  try {
    const { uid, gid, additionalGids } = resolveUser(root, text);
    return { uid, gid, groups: additionalGids };
  } finally {
    closeFd(root);
  }
}
