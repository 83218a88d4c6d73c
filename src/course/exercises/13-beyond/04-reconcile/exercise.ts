/** An orchestrator is a loop: look, compare, act. The check kills a replica and waits for another. */
import { setTimeout as pause } from 'node:timers/promises';
import { killProcess } from '../../../../kernel/process.ts';
import { labProcesses, type LabProcess } from '../../../../lab/processes.ts';
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';

const areReplicas = ({ args, pids }: LabProcess): boolean => args.join(' ') === 'sleep 71717' && pids.length > 1;
const replicas = (look: Look): readonly LabProcess[] => look.others.filter((process) => areReplicas(process));

/** How long a replica may be missing, in milliseconds; more than is asked for, since a machine may be busy. */
const patience = 6000;

export default defineExercise({
  conditions: [
    {
      id: 'three',
      says: {
        en: 'Three replicas run: sleep 71717, each in a PID namespace of its own',
        ja: '3 つのレプリカ(それぞれ独自の PID namespace の sleep 71717)が動いている',
      },
      check: (look) => ({ ok: replicas(look).length === 3, expected: '3', found: String(replicas(look).length) }),
    },
    {
      id: 'healed',
      once: true,
      acts: true,
      says: { en: 'When one is killed (the check does it), there are three again', ja: '1 つが殺されると(チェックが殺す)、また 3 つになる' },
      async check(look) {
        const before = replicas(look);
        if (before.length !== 3) return { ok: false, found: String(before.length) };
        killProcess(before[0]!);
        for (const until = Date.now() + patience; Date.now() < until; await pause(100)) {
          const now = labProcesses(look.host.pid).filter((process) => areReplicas(process));
          const isNew = now.some(({ pid }) => before.every((old) => old.pid !== pid));
          if (now.length === 3 && isNew) return { ok: true, found: '3' };
        }
        return { ok: false, found: { en: 'it did not come back', ja: '戻ってこなかった' } };
      },
    },
  ],
});
