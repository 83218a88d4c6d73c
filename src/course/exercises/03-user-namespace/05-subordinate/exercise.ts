/** Ids for a whole system: a map of more than one, by those that a user is granted. See subuid(5), newuidmap(1). */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { mapOf, type IdRange } from '../../../look/user.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const rangesOf = (look: Look): readonly { readonly process: LabProcess; readonly map: readonly IdRange[] }[] =>
  look.others.filter((process) => process.has('user')).map((process) => ({ process, map: mapOf(look, process) }));

/** Root is learner, and from 1 on there are ids of those that /etc/subuid grants to learner. */
const isRight = (map: readonly IdRange[]): boolean =>
  map.some(({ inside, outside }) => inside === 0 && outside === 1000) &&
  map.some(({ inside, outside, count }) => inside === 1 && outside >= 10_000 && outside + count <= 30_000 && count >= 1000);

export default defineExercise({
  needs: ['newuidmap'],
  conditions: [
    {
      id: 'range',
      says: {
        en: 'In a user namespace of user 1000, 0 is 1000, and 1 and more are of the ids in /etc/subuid',
        ja: 'ユーザー 1000 の user namespace で、0 が 1000 に、1 以上が /etc/subuid の ID に対応している',
      },
      check(look) {
        const found = rangesOf(look).map(({ map }) => map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(' / ') || '-');
        return {
          ok: rangesOf(look).some(({ map }) => isRight(map)),
          expected: '0 1000 1 / 1 10000 20000',
          found: found.join(', ') || { en: 'no such namespace', ja: 'そのような namespace がない' },
        };
      },
    },
    {
      id: 'another',
      says: { en: 'A process in it has become user 33 of the namespace', ja: 'その中のプロセスが、namespace のユーザー 33 になっている' },
      check(look) {
        const users = rangesOf(look).flatMap(({ process, map }) => {
          const range = map.find(({ inside }) => inside === 1);
          const machine = look.host.uids[0]! + (range ? range.outside + 32 : -1);
          return range && process.uids[1] === machine ? [process] : [];
        });
        return {
          ok: users.length > 0,
          found: users.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'nobody is user 33', ja: 'ユーザー 33 がいない' },
        };
      },
    },
  ],
});
