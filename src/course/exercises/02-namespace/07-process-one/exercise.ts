/** Process 1 of a PID namespace: signals without a handler bounce off, but not those from above. See pid_namespaces(7), kill(2). */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

/** Those of the scene that are left: `sleep 200001` is process 1, the others are its children. */
const members = (look: Look): readonly LabProcess[] => look.others.filter(({ name, args }) => name === 'sleep' && /^20000[123]$/.test(args[1] ?? ''));

export default defineExercise({
  async setup(stage) {
    const pid = await stage.sh(`
      setsid unshare --pid --fork --mount-proc sh -c 'sleep 200002 & sleep 200003 & exec sleep 200001' >/dev/null 2>&1 </dev/null &
      until pgrep -fx 'sleep 200001' >/dev/null && pgrep -fx 'sleep 200003' >/dev/null; do :; done
      pgrep -fx 'sleep 200001'`);
    return { pid: pid.trim() };
  },
  conditions: [
    {
      id: 'gone',
      says: { en: 'Everybody in the PID namespace of process {{fact:pid}} is gone', ja: 'プロセス {{fact:pid}} の PID namespace には、もう誰もいない' },
      check: (look) => ({
        ok: members(look).length === 0,
        found: members(look)
          .map(({ labPid, args }) => `${labPid} ${args.join(' ')}`)
          .join(', ') || { en: 'all are gone', ja: '全員いなくなった' },
      }),
    },
    {
      id: 'signal',
      says: {
        en: 'Your answer is the one signal that ended process {{fact:pid}}, of TERM, INT, HUP, KILL',
        ja: '答えが、TERM・INT・HUP・KILL のうちプロセス {{fact:pid}} を終わらせた唯一のシグナルである',
      },
      check: (look) => ({ ok: /^(SIG)?KILL$|^9$/i.test(look.answer ?? ''), found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } }),
    },
  ],
});
