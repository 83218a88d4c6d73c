/** The heart of the course: a process in namespaces of its own and in a cgroup that gives it 30 % of a processor. See cgroups(7). */
import { defineExercise } from '../../../exercise.ts';
import type { LabCgroup } from '../../../look/cgroup.ts';
import { measure } from '../../../look/cpu.ts';
import type { Look } from '../../../look/look.ts';

/** Parts of a processor that a cgroup may use: 0.3 is 30 %. */
const shareOf = ({ cpuLimit }: LabCgroup): number | undefined => (cpuLimit?.quota === undefined ? undefined : cpuLimit.quota / cpuLimit.period);

const limited = (look: Look): readonly LabCgroup[] => look.cgroupsWith('cpu').filter((cgroup) => Math.abs((shareOf(cgroup) ?? 0) - 0.3) < 0.011);

/** A limited cgroup with somebody in it, the one with the most first. */
const used = (look: Look): LabCgroup | undefined =>
  limited(look)
    .toSorted((a, b) => b.processes.length - a.processes.length)
    .find(({ processes }) => processes.length > 0);

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

export default defineExercise({
  needs: ['cgroup-cpu'],
  conditions: [
    {
      id: 'limit',
      says: { en: 'A cgroup may use 30 % of a processor', ja: '1 つの CPU の 30 % に制限された cgroup がある' },
      check(look) {
        const shares = look
          .cgroupsWith('cpu')
          .flatMap((cgroup) => ((share) => (share === undefined ? [] : [`${cgroup.name}: ${percent(share)}`]))(shareOf(cgroup)));
        return { ok: limited(look).length > 0, expected: '30 %', found: shares.join(', ') || { en: 'no cgroup with a limit', ja: '制限された cgroup がない' } };
      },
    },
    {
      id: 'inside',
      says: { en: 'A process in it has PID, mount and UTS namespaces of its own', ja: 'その中に、独自の PID・mount・UTS namespace を持つプロセスがいる' },
      check(look) {
        const inside = (used(look)?.processes ?? []).flatMap((pid) => look.process(pid) ?? []);
        const isolated = inside.filter((process) => process.has('pid') && process.has('mnt') && process.has('uts'));
        return {
          ok: isolated.length > 0,
          found: inside
            .map((process) => `${process.name}: ${(['pid', 'mnt', 'uts'] as const).filter((type) => process.has(type)).join(', ') || '-'}`)
            .join('; ') || {
            en: 'nobody is in it',
            ja: 'まだ誰もいない',
          },
        };
      },
    },
    {
      id: 'held',
      says: { en: 'What is in it wants more, and is held at 30 %', ja: 'その中のプロセスはもっと使おうとしていて、30 % に抑えられている' },
      async check(look) {
        const cgroup = used(look);
        if (!cgroup) return { ok: false, found: { en: 'nobody is in such a cgroup', ja: 'その cgroup には誰もいない' } };
        const { processors, throttled } = await measure(cgroup, 1500);
        return {
          ok: throttled > 0 && processors <= 0.36,
          expected: { en: 'about 30 %, and periods that ended with the quota used up', ja: '約 30 % で、割り当てを使い切った周期が増えている' },
          found: { en: `${percent(processors)}; ${throttled} such periods in 1.5 seconds`, ja: `${percent(processors)}、1.5 秒間に ${throttled} 周期` },
        };
      },
    },
  ],
});
