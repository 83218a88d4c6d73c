/** Shares: what happens when two want the same processor. See sched-design-CFS.rst, cgroup-v2.rst "cpu.weight". */
import { setTimeout as pause } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { attempt } from '../../../../kernel/attempt.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { defineExercise } from '../../../exercise.ts';
import type { LabCgroup } from '../../../look/cgroup.ts';
import { cpuTime } from '../../../look/cpu.ts';
import type { Look } from '../../../look/look.ts';

interface Rival {
  readonly cgroup: LabCgroup;
  readonly process: LabProcess;
  /** The processors on which it may run. */
  readonly cpus: string;
}

const cpusOf = ({ pid }: LabProcess): string =>
  /^Cpus_allowed_list:\s*(.*)$/m.exec(attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '')?.[1] ?? '';

/** Two busy processes in sibling cgroups, on one and the same processor, the heavier one first. */
function rivals(look: Look): readonly [Rival, Rival] | undefined {
  const all = look.others.flatMap((process): Rival[] => {
    const cgroup = look.cgroupOf(process, 'cpu');
    return cgroup && process.state === 'R' ? [{ cgroup, process, cpus: cpusOf(process) }] : [];
  });
  for (const a of all)
    for (const b of all) {
      const ratio = (a.cgroup.cpuWeight ?? 0) / (b.cgroup.cpuWeight ?? 1);
      if (a.cgroup.name !== b.cgroup.name && a.cpus === b.cpus && /^\d+$/.test(a.cpus) && Math.abs(ratio - 3) < 0.2) return [a, b];
    }
  return undefined;
}

export default defineExercise({
  needs: ['cgroup-cpu'],
  conditions: [
    {
      id: 'weights',
      says: {
        en: 'Two busy processes share one processor, in cgroups whose weights are 3 to 1',
        ja: '忙しい 2 つのプロセスが 1 つの CPU を分け合い、cgroup の重みが 3 対 1 である',
      },
      check(look) {
        const found = rivals(look);
        const weights = look
          .cgroupsWith('cpu')
          .filter(({ processes }) => processes.length > 0)
          .map(({ name, cpuWeight }) => `${name}: ${Math.round(cpuWeight ?? 0)}`);
        return {
          ok: found !== undefined,
          found: found
            ? `${found[0].cgroup.name} : ${found[1].cgroup.name}`
            : weights.join(', ') || { en: 'no cgroup with somebody in it', ja: '誰かがいる cgroup がない' },
        };
      },
    },
    {
      id: 'ratio',
      once: true,
      says: { en: 'They get CPU time in that ratio', ja: '実際に得た CPU 時間もその比になっている' },
      async check(look) {
        const found = rivals(look);
        if (!found) return { ok: false, found: { en: 'there are no such two', ja: '該当する 2 つがない' } };
        const read = (): number[] => found.map(({ process }) => cpuTime(process.pid) ?? 0);
        const before = read();
        await pause(2500);
        const [heavy = 0, light = 0] = read().map((time, i) => time - before[i]!);
        const ratio = heavy / Math.max(light, 1);
        return { ok: ratio > 2.2 && ratio < 4.2, expected: '3', found: ratio.toFixed(1) };
      },
    },
  ],
});
