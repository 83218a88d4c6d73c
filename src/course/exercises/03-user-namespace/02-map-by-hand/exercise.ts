/** The map is two files, and somebody outside writes them. See user_namespaces(7), "Defining user and group ID mappings". */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { mapOf, setgroupsOf } from '../../../look/user.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const waiting = (look: Look): LabProcess | undefined => look.others.find(({ labPid }) => String(labPid) === look.facts['pid']);

export default defineExercise({
  async setup(stage) {
    const pid = await stage.sh(`
      setsid setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user sleep 100000 >/dev/null 2>&1 </dev/null &
      until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done
      echo $!`);
    return { pid: pid.trim() };
  },
  conditions: [
    {
      id: 'users',
      says: {
        en: 'In the user namespace of process {{fact:pid}} user 0 is user 1000 of the lab',
        ja: 'プロセス {{fact:pid}} の user namespace で、ユーザー 0 がラボの 1000 になっている',
      },
      check(look) {
        const process = waiting(look);
        const map = process ? mapOf(look, process) : [];
        return {
          ok: map.length === 1 && map[0]!.inside === 0 && map[0]!.outside === 1000,
          expected: '0 1000 1',
          found: map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(', ') || {
            en: process ? 'the map is empty' : 'the process is gone: hako learn reset',
            ja: process ? '対応表が空である' : 'プロセスがもういない: hako learn reset',
          },
        };
      },
    },
    {
      id: 'groups',
      says: { en: 'And group 0 is group 1000', ja: 'グループ 0 がラボの 1000 になっている' },
      check(look) {
        const process = waiting(look);
        const map = process ? mapOf(look, process, 'gid') : [];
        return {
          ok: map.length === 1 && map[0]!.inside === 0 && map[0]!.outside === 1000,
          expected: '0 1000 1',
          found: map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(', ') || '-',
        };
      },
    },
    {
      id: 'setgroups',
      says: { en: 'Nobody may change groups in it any more (setgroups: deny)', ja: 'その中では、もう誰もグループを変えられない(setgroups が deny)' },
      check(look) {
        const process = waiting(look);
        const found = process && setgroupsOf(process);
        return { ok: found === 'deny', expected: 'deny', found: found ?? '-' };
      },
    },
  ],
});
