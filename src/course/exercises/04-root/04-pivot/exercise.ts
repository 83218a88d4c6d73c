/** pivot_root: the root of a whole mount namespace is changed, and the old one taken away. See pivot_root(2), "NOTES". */
import { defineExercise } from '../../../exercise.ts';
import { hasOtherRoot, isPivoted, seesLabRoot } from '../../../look/root.ts';
import { showsOwnProcesses } from '../../../look/proc.ts';
import { rootfsLines } from '../../../rootfs-lines.ts';

export default defineExercise({
  async setup(stage) {
    await stage.sh(rootfsLines('/root/rootfs'));
  },
  conditions: [
    {
      id: 'pivoted',
      says: {
        en: "A process's root is the root of its mount namespace, and not the lab's",
        ja: 'あるプロセスのルートが、その mount namespace のルートそのものであり、ラボのものではない',
      },
      check(look) {
        const pivoted = look.others.filter((process) => isPivoted(look, process));
        const others = look.others.filter((process) => hasOtherRoot(look, process));
        return {
          ok: pivoted.length > 0,
          found:
            pivoted.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') ||
            (others.length > 0
              ? {
                  en: `${others[0]!.labPid} has another root directory, but by chroot: the namespace's root is the old one`,
                  ja: `${others[0]!.labPid} のルートは違うが、chroot による。namespace のルートは元のまま`,
                }
              : { en: "all have the lab's root", ja: '全員ラボのルートにいる' }),
        };
      },
    },
    {
      id: 'gone',
      says: { en: 'Of the old root nothing is mounted there any more', ja: '古いルートは、そこにはもうどこにもマウントされていない' },
      check(look) {
        const pivoted = look.others.filter((process) => isPivoted(look, process));
        const clean = pivoted.filter((process) => !seesLabRoot(look, process));
        return {
          ok: clean.length > 0,
          found:
            pivoted.length === 0
              ? '-'
              : clean.length > 0
                ? { en: 'nothing', ja: '何もない' }
                : { en: 'it is still mounted below', ja: 'まだ下にマウントされている' },
        };
      },
    },
    {
      id: 'proc',
      says: { en: 'It has a PID namespace of its own, and a /proc of that', ja: '独自の PID namespace と、それを見せる /proc がある' },
      check(look) {
        const pivoted = look.others.filter((process) => isPivoted(look, process));
        return {
          ok: pivoted.some((process) => process.has('pid') && showsOwnProcesses(look, process)),
          found: pivoted.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || '-',
        };
      },
    },
  ],
});
