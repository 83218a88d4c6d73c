/** Stop all of a cgroup at one moment, and end all of it by one write. See cgroup-v2.rst "cgroup.freeze", "cgroup.kill". */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const herd = (look: Look): readonly LabProcess[] => look.others.filter(({ name, args }) => name === 'sleep' && /^40000[1-5]$/.test(args[1] ?? ''));

export default defineExercise({
  needs: ['cgroup-freezer'],
  async setup(stage) {
    await stage.sh(`
      for n in 1 2 3 4 5; do setsid sleep 40000$n >/dev/null 2>&1 </dev/null & done
      until [ "$(pgrep -fc '^sleep 40000')" -ge 5 ]; do sleep 0.05; done`);
  },
  conditions: [
    {
      id: 'frozen',
      once: true,
      says: {
        en: 'All five sleepers (sleep 400001 to 400005) stood still in a frozen cgroup',
        ja: '5 つの sleep(400001〜400005)がすべて、凍結された cgroup の中で止まっていた',
      },
      check(look) {
        const frozen = herd(look).filter((process) => look.isFrozen(process));
        return { ok: frozen.length === 5, found: { en: `${frozen.length} of ${herd(look).length}`, ja: `${herd(look).length} のうち ${frozen.length}` } };
      },
    },
    {
      id: 'gone',
      says: { en: 'None of them is left', ja: '5 つとも、もういない' },
      check: (look) => ({
        ok: herd(look).length === 0,
        found: herd(look)
          .map(({ labPid }) => labPid)
          .join(', ') || { en: 'none', ja: 'いない' },
      }),
    },
    {
      id: 'thawed',
      says: { en: 'No cgroup is left frozen', ja: '凍結されたままの cgroup がない' },
      check(look) {
        const frozen = look.cgroups.filter((cgroup) => cgroup.isFrozen).map(({ name }) => name);
        return { ok: frozen.length === 0, found: frozen.join(', ') || { en: 'none', ja: 'なし' } };
      },
    },
  ],
});
