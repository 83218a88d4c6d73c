/** chroot is no prison: whoever may call it may leave it. See chroot(2), "This call does not change the current working directory". */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { hasOtherRoot } from '../../../look/root.ts';
import { rootfsLines } from '../../../rootfs-lines.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const prisoner = (look: Look): LabProcess | undefined => look.others.find(({ labPid }) => String(labPid) === look.facts['pid']);
const isOut = (look: Look, process: LabProcess): boolean => process.root !== undefined && !hasOtherRoot(look, process);

export default defineExercise({
  async setup(stage) {
    const pid = await stage.sh(`${rootfsLines('/root/jail')}
      mkfifo /root/jail/mailbox
      setsid chroot /root/jail sh -c 'while :; do read -r line < /mailbox && eval "$line"; done' >/dev/null 2>&1 </dev/null &
      echo $!
      until [ "$(readlink /proc/$!/root)" = /root/jail ]; do :; done`);
    return { pid: pid.trim() };
  },
  conditions: [
    {
      id: 'alive',
      says: { en: 'The prisoner, process {{fact:pid}}, is alive', ja: '囚人(プロセス {{fact:pid}})が生きている' },
      check(look) {
        const found = prisoner(look);
        return {
          ok: found !== undefined,
          found: found?.args.join(' ').slice(0, 60) ?? { en: 'it has ended: hako learn reset', ja: '終了した: hako learn reset' },
        };
      },
    },
    {
      id: 'same-mounts',
      says: { en: "It is in the lab's own mount namespace: it was never in another", ja: 'ラボと同じ mount namespace にいる。ずっとそうだった' },
      check(look) {
        const found = prisoner(look);
        return { ok: found !== undefined && !found.has('mnt'), found: found ? `mnt:[${found.namespaces.mnt}]` : '-' };
      },
    },
    {
      id: 'out',
      says: { en: "Its root directory is the lab's again", ja: 'ルートディレクトリーが、再びラボと同じになっている' },
      check(look) {
        const found = prisoner(look);
        return { ok: found !== undefined && isOut(look, found), expected: '/', found: found?.root?.path ?? '-' };
      },
    },
  ],
});
