/** A PID namespace: ids that begin again at 1, for the children of whoever asked. See pid_namespaces(7). */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

/** Processes that are number 1 somewhere beneath the lab. */
const firsts = (look: Look): readonly LabProcess[] => look.others.filter(({ pids }) => pids.length > 1 && pids.at(-1) === 1);

export default defineExercise({
  conditions: [
    {
      id: 'first',
      says: {
        en: 'A process of yours is number 1 of a PID namespace, and has another id in the lab',
        ja: 'あなたのプロセスのどれかが、ある PID namespace の 1 番であり、ラボでは別の ID を持っている',
      },
      check: (look) => ({
        ok: firsts(look).length > 0,
        found: firsts(look)
          .map(({ name, pids }) => `${name}: ${pids.join(' = ')}`)
          .join(', ') || { en: 'all processes have one id only', ja: 'どのプロセスも ID が 1 つしかない' },
      }),
    },
    {
      id: 'child',
      says: { en: 'It has a child there, so the namespace takes processes', ja: 'その中に子がいて、namespace がプロセスを受け入れている' },
      check(look) {
        const children = firsts(look).flatMap((first) => look.descendantsOf(first).filter(({ namespaces }) => namespaces.pid === first.namespaces.pid));
        return {
          ok: children.length > 0,
          found: children.map(({ name, pids }) => `${name}: ${pids.join(' = ')}`).join(', ') || { en: 'it is alone', ja: 'ほかに誰もいない' },
        };
      },
    },
  ],
});
