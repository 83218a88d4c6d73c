/** ps reads /proc, and a procfs shows the PID namespace for which it was mounted. See proc(5). */
import { defineExercise } from '../../../exercise.ts';
import { showsOwnProcesses } from '../../../look/proc.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const inOwnPid = (look: Look): readonly LabProcess[] => look.others.filter((process) => process.has('pid'));

export default defineExercise({
  conditions: [
    {
      id: 'own-proc',
      says: {
        en: 'A process in a PID namespace of its own has a /proc that shows only that namespace',
        ja: '独自の PID namespace にいるプロセスの /proc に、その namespace のプロセスだけが見えている',
      },
      check(look) {
        const right = inOwnPid(look).filter((process) => showsOwnProcesses(look, process));
        return {
          ok: right.length > 0,
          found:
            inOwnPid(look).length === 0
              ? { en: 'no process is in a PID namespace of its own', ja: '独自の PID namespace にいるプロセスがない' }
              : right.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || {
                  en: 'their /proc still shows the lab',
                  ja: '/proc にはまだラボのプロセスが見えている',
                },
        };
      },
    },
    {
      id: 'lab-proc',
      says: { en: "The lab's own /proc is as it was", ja: 'ラボ自身の /proc は元のままである' },
      check(look) {
        const mounts = look.mountsOf(look.host).filter(({ mountPoint, type }) => mountPoint === '/proc' && type === 'proc');
        return { ok: mounts.length === 1, found: { en: `${mounts.length} mounts at /proc`, ja: `/proc のマウントは ${mounts.length} 個` } };
      },
    },
  ],
});
