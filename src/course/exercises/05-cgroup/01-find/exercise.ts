/** Where a process is counted: its cgroup in each hierarchy. See cgroups(7), "/proc/[pid]/cgroup". */
import { defineExercise } from '../../../exercise.ts';

export default defineExercise({
  needs: ['cgroup-pids'],
  async setup(stage) {
    const name = `ward-${stage.nonce().slice(0, 6)}`;
    const pid = await stage.sh(
      `hako cgroup make "decoy-$NAME" >/dev/null; hako cgroup make "$NAME" >/dev/null
       setsid hako cgroup run "$NAME" -- sleep 100000 >/dev/null 2>&1 </dev/null &
       until pgrep -fx 'sleep 100000' >/dev/null; do sleep 0.05; done; pgrep -fx 'sleep 100000'`,
      { NAME: name },
    );
    return { name, pid: pid.trim() };
  },
  conditions: [
    {
      id: 'found',
      says: { en: 'Your answer is the cgroup in which process {{fact:pid}} is', ja: '答えが、プロセス {{fact:pid}} のいる cgroup と一致する' },
      check(look) {
        const process = look.others.find(({ labPid }) => String(labPid) === look.facts['pid']);
        const name = process && look.cgroupOf(process, 'pids')?.name;
        const given = look.answer?.replace(/^\/*/, '/');
        return {
          ok: name !== undefined && given === name,
          found: process
            ? (look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' })
            : { en: 'the process is gone: hako learn reset brings it back', ja: 'プロセスがもういない: hako learn reset で作り直せる' },
        };
      },
    },
  ],
});
