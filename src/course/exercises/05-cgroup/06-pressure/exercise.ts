/** Pressure: how long somebody had to wait, which no usage figure tells. See Documentation/accounting/psi.rst. */
import { setTimeout as pause } from 'node:timers/promises';
import { defineExercise } from '../../../exercise.ts';
import type { LabCgroup } from '../../../look/cgroup.ts';
import type { Look } from '../../../look/look.ts';

/** Microseconds in which somebody in a cgroup waited for a processor. */
const waited = (cgroup: LabCgroup): number => Number(/^some .*total=(\d+)/m.exec(cgroup.read('cpu.pressure') ?? '')?.[1] ?? 0);

const candidates = (look: Look): readonly LabCgroup[] =>
  look.cgroups.filter(({ version, name, processes }) => version === 2 && name !== '/lab' && processes.length > 0);

export default defineExercise({
  needs: ['cgroup-v2', 'cgroup-cpu', 'pressure'],
  conditions: [
    {
      id: 'place',
      says: { en: 'A process is in a cgroup of the version 2 tree that you have made', ja: 'あなたがバージョン 2 の木に作った cgroup に、プロセスがいる' },
      check: (look) => ({
        ok: candidates(look).length > 0,
        found: candidates(look)
          .map(({ name }) => name)
          .join(', ') || { en: 'none', ja: 'なし' },
      }),
    },
    {
      id: 'grows',
      says: { en: 'Its cpu.pressure says that it waits for more than half of the time', ja: 'その cpu.pressure によると、半分以上の時間を待って過ごしている' },
      async check(look) {
        const cgroups = candidates(look);
        const before = cgroups.map(waited);
        const began = process.hrtime.bigint();
        await pause(1500);
        const micros = Number(process.hrtime.bigint() - began) / 1000;
        const shares = cgroups.map((cgroup, i) => (waited(cgroup) - before[i]!) / micros);
        const most = Math.max(0, ...shares);
        return { ok: most > 0.5, expected: '> 50 %', found: `${Math.round(most * 100)} %` };
      },
    },
  ],
});
