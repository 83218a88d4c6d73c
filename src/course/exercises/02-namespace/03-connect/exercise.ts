/** Entering a namespace that is there: setns(2), which is what nsenter(1) and every `exec` into a container do. */
import { defineExercise } from '../../../exercise.ts';
import { hostNameOf } from '../../../look/sysctl.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const origin = (look: Look): LabProcess | undefined => look.others.find(({ labPid }) => String(labPid) === look.facts['pid']);

export default defineExercise({
  async setup(stage) {
    const name = `other-${stage.nonce().slice(0, 4)}`;
    const pid = await stage.sh(
      `setsid unshare --uts sh -c 'hostname "$NAME"; exec sleep 100000' >/dev/null 2>&1 </dev/null & echo $!; until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done`,
      { NAME: name },
    );
    return { name, pid: pid.trim() };
  },
  conditions: [
    {
      id: 'joined',
      says: {
        en: 'A process of yours is in the UTS namespace of process {{fact:pid}}, without being its descendant',
        ja: 'プロセス {{fact:pid}} の UTS namespace に、その子孫ではないあなたのプロセスがいる',
      },
      check(look) {
        const there = origin(look);
        if (!there)
          return {
            ok: false,
            found: { en: 'that process is gone: hako learn reset brings it back', ja: 'そのプロセスがもういない: hako learn reset で作り直せる' },
          };
        const family = new Set([there, ...look.descendantsOf(there)].map(({ pid }) => pid));
        const joined = look.others.filter(({ pid, namespaces }) => namespaces.uts === there.namespaces.uts && !family.has(pid));
        return {
          ok: joined.length > 0,
          found: joined.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'nobody has joined it', ja: 'まだ誰も入っていない' },
        };
      },
    },
    {
      id: 'alive',
      says: { en: 'The namespace is the one that was there: it still has its name', ja: 'namespace は元からあったもので、名前もそのままである' },
      check(look) {
        const there = origin(look);
        const name = there && hostNameOf(there);
        return { ok: name === look.facts['name'], expected: look.facts['name']!, found: name ?? { en: 'it is gone', ja: 'もうない' } };
      },
    },
  ],
});
