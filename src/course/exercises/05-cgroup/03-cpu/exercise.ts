/** A ceiling of CPU time, by the control files themselves: 30 % and 50 %. See sched-bwc.rst, cgroup-v2.rst "CPU Interface Files". */
import { defineExercise, type Condition } from '../../../exercise.ts';
import type { LabCgroup } from '../../../look/cgroup.ts';
import { measure } from '../../../look/cpu.ts';
import type { Look } from '../../../look/look.ts';

const withShare = (look: Look, share: number): readonly LabCgroup[] =>
  look.cgroupsWith('cpu').filter(({ cpuLimit }) => cpuLimit?.quota !== undefined && Math.abs(cpuLimit.quota / cpuLimit.period - share) < 0.011);

const held = (percent: number): Condition => ({
  id: `held-${percent}`,
  says: {
    en: `Somebody in a cgroup of ${percent} % wants more and is held there`,
    ja: `${percent} % の cgroup の中の誰かが、もっと使おうとして抑えられている`,
  },
  async check(look) {
    const cgroups = withShare(look, percent / 100);
    const cgroup = cgroups.find(({ processes }) => processes.length > 0);
    if (!cgroup)
      return {
        ok: false,
        found:
          cgroups.length === 0
            ? { en: 'no cgroup has that limit', ja: 'その制限の cgroup がない' }
            : { en: `nobody is in ${cgroups[0]!.name}`, ja: `${cgroups[0]!.name} に誰もいない` },
      };
    const { processors, throttled } = await measure(cgroup, 1200);
    return {
      ok: throttled > 0 && processors < percent / 100 + 0.07,
      found: {
        en: `${Math.round(processors * 100)} % of a processor; the quota was used up in ${throttled} periods`,
        ja: `CPU の ${Math.round(processors * 100)} %。割り当てを使い切った周期は ${throttled}`,
      },
    };
  },
});

export default defineExercise({ needs: ['cgroup-cpu'], conditions: [held(30), held(50)] });
