/** A root file system from nothing: a program with what it needs, and no more. See chroot(2), ld.so(8). */
import { statSync } from 'node:fs';
import { attempt } from '../../../../kernel/attempt.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { hasOtherRoot } from '../../../look/root.ts';

const rooted = (look: Look): readonly LabProcess[] => look.others.filter((process) => hasOtherRoot(look, process));

/** Whether its program lies in the lab's own files: it was copied, and is not the machine's /usr seen through a mount. */
const isCopied = (look: Look, { pid }: LabProcess): boolean => attempt(() => statSync(`/proc/${pid}/exe`).dev) === look.host.root?.device;

export default defineExercise({
  conditions: [
    {
      id: 'rooted',
      says: {
        en: 'A process of yours has another root directory than the lab',
        ja: 'あなたのプロセスのどれかが、ラボとは別のルートディレクトリーを持っている',
      },
      check: (look) => ({
        ok: rooted(look).length > 0,
        found: rooted(look)
          .map(({ labPid, name }) => `${labPid} ${name}`)
          .join(', ') || { en: 'all have the same', ja: '全員同じルートにいる' },
      }),
    },
    {
      id: 'copied',
      says: { en: 'Its program is a copy in there, with all that it needs', ja: 'そのプログラムは、必要なものとともにそこへコピーされたものである' },
      check(look) {
        const copied = rooted(look).filter((process) => isCopied(look, process));
        return {
          ok: copied.length > 0,
          found: copied.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || {
            en: rooted(look).length > 0 ? "its program is the machine's own, by a mount" : 'there is no such process',
            ja: rooted(look).length > 0 ? 'プログラムはマシンのもの(マウント越し)である' : '該当するプロセスがない',
          },
        };
      },
    },
  ],
});
