/** Created is not started: everything of a container is there, and its program is not. See runtime-spec runtime.md, "Lifecycle". */
import { bundleLines } from '../../../bundle-lines.ts';
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { hasOtherRoot } from '../../../look/root.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const kinds = ['mnt', 'pid', 'uts', 'ipc'] as const;
const contained = (look: Look): readonly LabProcess[] =>
  look.others.filter((process) => kinds.every((kind) => process.has(kind)) && hasOtherRoot(look, process));
const isWaiting = ({ args }: LabProcess): boolean => args[0] === 'hako-monitor';

export default defineExercise({
  needs: ['perl'],
  async setup(stage) {
    await stage.sh(bundleLines('/root/bundle', '["sleep", "22222"]'));
  },
  conditions: [
    {
      id: 'created',
      once: true,
      says: {
        en: 'A container was created: namespaces and root were there, and its program was not',
        ja: '作成済みのコンテナがあった(namespace とルートはあるが、プログラムはまだない)',
      },
      check(look) {
        const waiting = contained(look).filter(isWaiting);
        return {
          ok: waiting.length > 0,
          found: waiting.map(({ labPid, args }) => `${labPid} ${args[0]}`).join(', ') || { en: 'none waits', ja: '待っているものがない' },
        };
      },
    },
    {
      id: 'started',
      says: { en: 'It is started: the program sleep 22222 runs in it', ja: '開始されて、プログラム sleep 22222 が動いている' },
      check(look) {
        const found = contained(look).filter(({ args }) => args.join(' ') === 'sleep 22222');
        return { ok: found.length > 0, found: found.map(({ labPid }) => labPid).join(', ') || { en: 'not yet', ja: 'まだ' } };
      },
    },
    {
      id: 'same',
      says: {
        en: 'Your answer is the id of the process that waited, and it is the one that runs',
        ja: '答えが、待っていたプロセスの ID で、いま動いているプロセスの ID でもある',
      },
      check(look) {
        const found = contained(look).find(({ args }) => args.join(' ') === 'sleep 22222');
        return { ok: found !== undefined && look.answer === String(found.labPid), found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } };
      },
    },
  ],
});
