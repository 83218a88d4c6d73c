/** A memory ceiling, and who is killed at it. See cgroup-v2.rst "memory.max", cgroup-v1/memory.rst. */
import { defineExercise } from '../../../exercise.ts';
import type { LabCgroup } from '../../../look/cgroup.ts';
import type { Look } from '../../../look/look.ts';

const MiB = 2 ** 20;

/** Ten million bytes, as the kernel rounds them to pages, or ten MiB. */
const small = (look: Look): readonly LabCgroup[] =>
  look.cgroupsWith('memory').filter(({ memoryLimit = Infinity }) => memoryLimit >= 9.5 * MiB && memoryLimit <= 10 * MiB);

export default defineExercise({
  needs: ['cgroup-memory'],
  conditions: [
    {
      id: 'limit',
      says: { en: 'A cgroup has 10 MB of memory at most', ja: 'メモリーの上限が 10 MB の cgroup がある' },
      check(look) {
        const limits = look
          .cgroupsWith('memory')
          .flatMap(({ name, memoryLimit }) => (memoryLimit !== undefined && Number.isFinite(memoryLimit) ? [`${name}: ${memoryLimit}`] : []));
        return {
          ok: small(look).length > 0,
          expected: '10000000',
          found: limits.join(', ') || { en: 'no cgroup with a limit', ja: '制限された cgroup がない' },
        };
      },
    },
    {
      id: 'killed',
      says: { en: 'The kernel has killed somebody in it for want of memory', ja: 'その中で、メモリー不足によりカーネルが誰かを殺した' },
      check(look) {
        const kills = small(look).map(({ oomKills }) => oomKills ?? 0);
        return { ok: kills.some((n) => n > 0), found: `oom_kill ${kills.join(', ') || '0'}` };
      },
    },
    {
      id: 'status',
      says: { en: 'Your answer is the exit status with which a shell tells of it', ja: '答えが、シェルに報告された終了ステータスと一致する' },
      check: (look) => ({ ok: look.answer === '137', found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } }),
    },
  ],
});
