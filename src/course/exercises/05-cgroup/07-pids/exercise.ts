/** A fork bomb meets a limit: pids.max. See cgroup-v2.rst "PID". */
import { defineExercise } from '../../../exercise.ts';
import type { LabCgroup } from '../../../look/cgroup.ts';
import type { Look } from '../../../look/look.ts';

const limited = (look: Look): readonly LabCgroup[] => look.cgroupsWith('pids').filter(({ pidsLimit = Infinity }) => pidsLimit <= 20);

export default defineExercise({
  needs: ['cgroup-pids'],
  conditions: [
    {
      id: 'limit',
      says: { en: 'A cgroup may have 20 processes at most', ja: 'プロセス数の上限が 20 以下の cgroup がある' },
      check(look) {
        const limits = look
          .cgroupsWith('pids')
          .flatMap(({ name, pidsLimit }) => (pidsLimit !== undefined && Number.isFinite(pidsLimit) ? [`${name}: ${pidsLimit}`] : []));
        return { ok: limited(look).length > 0, found: limits.join(', ') || { en: 'no cgroup with a limit', ja: '制限された cgroup がない' } };
      },
    },
    {
      id: 'refused',
      says: { en: 'It has refused a fork', ja: 'そこで fork が拒まれた' },
      check(look) {
        const counts = limited(look).map(({ pidsRefused }) => pidsRefused ?? 0);
        return { ok: counts.some((n) => n > 0), found: `pids.events: max ${counts.join(', ') || '0'}` };
      },
    },
    {
      id: 'kept',
      says: { en: 'There are not more processes in it than it may have', ja: 'その中のプロセスは上限を超えていない' },
      check(look) {
        const all = limited(look);
        return {
          ok: all.length > 0 && all.every(({ pidsUsage = Infinity, pidsLimit = 0 }) => pidsUsage <= pidsLimit),
          found: all.map(({ pidsUsage, pidsLimit }) => `${pidsUsage} / ${pidsLimit}`).join(', ') || '-',
        };
      },
    },
  ],
});
