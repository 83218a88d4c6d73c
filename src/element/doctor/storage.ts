/** Overlay, with and without privileges, and the room where layers are kept. See Documentation/filesystems/overlayfs.rst, statfs(2). */
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { call, result } from '../../kernel/call.ts';
import { AT_FDCWD, moveMountFlags } from '../../kernel/flags.ts';
import { makeFilesystem } from '../../runtime/rootfs/mount-steps.ts';
import { apart, attempt, tried, type Check } from './check.ts';

/** Mounts an overlay of three directories of a tmpfs; that covers /proc, a directory that is everywhere, in a mount namespace that ends with the child. */
function tryOverlay(userNamespace?: boolean): ReturnType<typeof attempt> {
  const at = '/proc';
  const tmpfs = makeFilesystem('tmpfs', 'hako', []);
  const inUser = apart(0, userNamespace);
  const options = [`lowerdir=${at}/lower`, `upperdir=${at}/upper`, `workdir=${at}/work`, ...(userNamespace ? ['userxattr'] : [])];
  return attempt([
    ...inUser,
    ...tmpfs,
    call('move_mount', [result(tmpfs.at(-1)!), '', AT_FDCWD, at, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH]),
    ...['lower', 'upper', 'work'].map((name) => call('mkdirat', [AT_FDCWD, `${at}/${name}`, 0o755])),
    ...makeFilesystem('overlay', 'hako', options),
  ]);
}

/** As the engine mounts layers. An ordinary user has to do it in a user namespace. */
export const overlay = (): Check =>
  tried({ id: 'overlay', name: { en: 'overlay', ja: 'overlay' }, essential: true, found: { en: 'mounted one', ja: 'マウントできた' } }, tryOverlay(), {
    en: 'as root: modprobe overlay; needs Linux 5.11 or later with CONFIG_OVERLAY_FS',
    ja: 'root で: modprobe overlay。CONFIG_OVERLAY_FS のある Linux 5.11 以降が要る',
  });

/** As `hako overlay mount --user` has it. */
export const userOverlay = (): Check =>
  tried(
    {
      id: 'overlay-userxattr',
      name: { en: 'overlay, by a user', ja: '一般ユーザーの overlay' },
      essential: false,
      found: { en: 'mounted one in a user namespace, with userxattr', ja: 'ユーザー名前空間で userxattr つきでマウントできた' },
    },
    tryOverlay(true),
    { en: 'needs user namespaces, and Linux 5.11 or later', ja: 'ユーザー名前空間と Linux 5.11 以降が要る' },
  );

const MiB = 2 ** 20;
const least = { bytes: 64 * MiB, inodes: 1000 };
const enough = { bytes: 1024 * MiB, inodes: 20_000 };

/** The directory, or the nearest one above that is there. */
export function existing(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory ? directory : existing(dirname(directory));
}

/** What the caller may still use of the file system of HAKO_ROOT. One that makes inodes as it needs them says that it has none at all. */
export function room(root: string): Check {
  const directory = existing(root);
  const { bavail, bsize, files, ffree, blocks } = statfsSync(directory);
  const bytes = bavail * bsize;
  const inodes = files === 0 ? Infinity : ffree;
  const below = (limit: typeof least): boolean => bytes < limit.bytes || inodes < limit.inodes;
  const size = bytes >= 10_240 * MiB ? `${Math.floor(bytes / 1024 / MiB)} GiB` : `${Math.floor(bytes / MiB)} MiB`;
  const status = below(least) ? 'missing' : below(enough) ? 'limited' : 'ok';
  return {
    id: 'room',
    name: { en: 'room', ja: '空き容量' },
    status,
    essential: true,
    how: 'read',
    found: {
      en: `${directory}: ${size} free, ${inodes === Infinity ? 'inodes as needed' : `${inodes} inodes`}`,
      ja: `${directory}: 空き ${size}、${inodes === Infinity ? 'inode は必要なだけ' : `inode ${inodes} 個`}`,
    },
    ...(status !== 'ok' && {
      reason: { en: 'an image may need 1 GiB and 20000 inodes', ja: 'イメージひとつで 1 GiB、inode 20000 個を使うことがある' },
      remedy: { en: 'hako system prune, or set HAKO_ROOT to a larger file system', ja: 'hako system prune を行うか、HAKO_ROOT を広いファイルシステムにする' },
    }),
    facts: { root, directory, freeBytes: bytes, totalBytes: blocks * bsize, freeInodes: files === 0 ? null : ffree },
  };
}
