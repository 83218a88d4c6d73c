/** Root of a user namespace: an ordinary user who is 0 in a world of his own. See user_namespaces(7). */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { mapOf, userOf } from '../../../look/user.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const inOwn = (look: Look): readonly LabProcess[] => look.others.filter((process) => process.has('user'));
const all = (1n << 36n) - 1n; // what every kernel that has user namespaces knows

export default defineExercise({
  conditions: [
    {
      id: 'mapped',
      says: { en: 'An ordinary user of the lab is 0 in a user namespace', ja: 'ラボの一般ユーザーが、ある user namespace の中で 0 になっている' },
      check(look) {
        const found = inOwn(look).map((process) => ({ process, map: mapOf(look, process) }));
        const right = found.filter(({ map }) => map.some(({ inside, outside, count }) => inside === 0 && outside > 0 && count >= 1));
        return {
          ok: right.length > 0,
          found: found.map(({ map }) => map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(' / ') || '-').join(', ') || {
            en: 'no process has a user namespace of its own',
            ja: '独自の user namespace を持つプロセスがない',
          },
        };
      },
    },
    {
      id: 'powerful',
      says: { en: 'There the process has all capabilities', ja: 'その中で、プロセスがすべての capability を持っている' },
      check(look) {
        const found = inOwn(look).map(({ capabilities }) => capabilities.effective);
        return { ok: found.some((set) => (set & all) === all), found: found.map((set) => set.toString(16)).join(', ') || '-' };
      },
    },
    {
      id: 'ordinary',
      says: { en: 'To the lab it is an ordinary user still', ja: 'ラボから見れば、一般ユーザーのままである' },
      check(look) {
        const users = inOwn(look).map((process) => userOf(look, process));
        return { ok: users.some((user) => user !== undefined && user > 0), found: users.join(', ') || '-' };
      },
    },
  ],
});
