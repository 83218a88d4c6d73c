/** What root of a user namespace may not do: whatever belongs to somebody above. See capabilities(7), user_namespaces(7). */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const inOwn = (look: Look): readonly LabProcess[] => look.others.filter((process) => process.has('user') && process.has('mnt'));

export default defineExercise({
  conditions: [
    {
      id: 'tmpfs',
      says: {
        en: 'In mount and user namespaces of yours a tmpfs is mounted that the lab does not have',
        ja: 'あなたの user namespace と mount namespace に、ラボにはない tmpfs がマウントされている',
      },
      check(look) {
        const lab = new Set(look.mountsOf(look.host).map(({ device }) => device));
        const own = inOwn(look).flatMap((process) => look.mountsOf(process).filter(({ type, device }) => type === 'tmpfs' && !lab.has(device)));
        return {
          ok: own.length > 0,
          found: own.map(({ mountPoint }) => mountPoint).join(', ') || {
            en: inOwn(look).length > 0 ? 'no new tmpfs' : 'no process has both namespaces',
            ja: inOwn(look).length > 0 ? '新しい tmpfs がない' : '両方の namespace を持つプロセスがない',
          },
        };
      },
    },
    {
      id: 'answered',
      says: {
        en: 'Your answer names the two of the five that succeed: their letters, in order',
        ja: '答えが、5 つのうち成功する 2 つの記号(アルファベット順)である',
      },
      check: (look) => ({
        ok: (look.answer ?? '').toLowerCase().replace(/[^a-e]/g, '') === 'be',
        found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' },
      }),
    },
  ],
});
