/** A whole container by an ordinary user: user namespace, overlay, network, PIDs. See user_namespaces(7), overlayfs.rst "userxattr". */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { showsOwnProcesses } from '../../../look/proc.ts';
import { hasOtherRoot } from '../../../look/root.ts';
import { userOf } from '../../../look/user.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const kinds = ['user', 'mnt', 'pid', 'net'] as const;
const candidates = (look: Look): readonly LabProcess[] => look.others.filter((process) => userOf(look, process) === 1000 && process.has('user'));
const whole = (look: Look): readonly LabProcess[] => candidates(look).filter((process) => kinds.every((kind) => process.has(kind)));

export default defineExercise({
  async setup(stage) {
    // Without mounts in it: an overlay refuses a lower directory beneath which something is mounted that its maker may not unmount.
    await stage.sh(`
      mkdir -p /srv/rootfs/usr /srv/rootfs/proc /srv/rootfs/dev /srv/rootfs/tmp /srv/rootfs/etc
      for link in bin sbin lib lib32 lib64 libx32; do [ ! -e /$link ] || ln -s usr/$link /srv/rootfs/$link; done
      chown 1000:1000 /home/learner`);
  },
  conditions: [
    {
      id: 'namespaces',
      says: {
        en: 'A process of user 1000 has user, mount, PID and network namespaces of its own',
        ja: 'ユーザー 1000 のプロセスが、独自の user・mount・PID・network namespace を持っている',
      },
      check(look) {
        const found = candidates(look).map((process) => kinds.filter((kind) => process.has(kind)).join('+'));
        return {
          ok: whole(look).length > 0,
          found: found.join(', ') || { en: 'user 1000 has no user namespace', ja: 'ユーザー 1000 の user namespace がない' },
        };
      },
    },
    {
      id: 'overlay',
      says: { en: 'Its root is an overlay that it has mounted itself', ja: 'そのルートが、自分でマウントした overlay である' },
      check(look) {
        const roots = whole(look)
          .filter((process) => hasOtherRoot(look, process))
          .map((process) => look.mountsOf(process).find(({ mountPoint }) => mountPoint === '/')?.type ?? '?');
        return {
          ok: roots.includes('overlay'),
          expected: 'overlay',
          found: roots.join(', ') || { en: "its root is the lab's", ja: 'ルートがラボと同じである' },
        };
      },
    },
    {
      id: 'proc',
      says: { en: 'Its /proc shows its own processes only', ja: '/proc に自分たちのプロセスだけが見える' },
      check: (look) => ({
        ok: whole(look).some((process) => hasOtherRoot(look, process) && showsOwnProcesses(look, process)),
        found:
          whole(look)
            .map(({ labPid, name }) => `${labPid} ${name}`)
            .join(', ') || '-',
      }),
    },
    {
      id: 'nobody',
      says: { en: 'Nobody in it is root of the lab', ja: 'その中に、ラボの root であるプロセスはいない' },
      check(look) {
        const roots = look.others.filter((process) => process.has('pid') && process.uids.includes(look.host.uids[0]!));
        return {
          ok: whole(look).length > 0 && roots.length === 0,
          found: roots.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'nobody', ja: 'いない' },
        };
      },
    },
  ],
});
