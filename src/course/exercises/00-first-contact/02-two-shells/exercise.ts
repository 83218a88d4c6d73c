/** Two terminals, one kernel: a process that was started in one is found from the other. */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

/** The learner's, and not the lab's own `sleep infinity`. */
const sleepers = (look: Look): readonly LabProcess[] => look.others.filter(({ name, args }) => name === 'sleep' && args[1] !== 'infinity');

export default defineExercise({
  conditions: [
    {
      id: 'sleeps',
      says: { en: 'A sleep of yours is running', ja: 'あなたの sleep が動いている' },
      check(look) {
        const found = sleepers(look);
        return {
          ok: found.length > 0,
          found:
            found.length > 0
              ? found.map(({ labPid }) => labPid).join(', ')
              : { en: "only the lab's own sleep (infinity)", ja: 'ラボ自身の sleep(infinity)だけがある' },
        };
      },
    },
    {
      id: 'answered',
      says: { en: 'Your answer is its process id', ja: '答えがそのプロセス ID と一致する' },
      check: (look) => ({
        ok: sleepers(look).some(({ labPid }) => String(labPid) === look.answer),
        found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' },
      }),
    },
    {
      id: 'idle',
      says: { en: 'The kernel says of it that it sleeps', ja: 'カーネル上の状態が「スリープ中」である' },
      check(look) {
        const [first] = sleepers(look);
        return { ok: first?.state === 'S', expected: 'S', found: first?.state ?? { en: 'no such process', ja: '該当するプロセスがない' } };
      },
    },
  ],
});
