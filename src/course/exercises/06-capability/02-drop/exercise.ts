/** A root with one power less. See capabilities(7), "Capability bounding set". */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const NET_RAW = 1n << 13n;
const CHOWN = 1n;

/** Root in the lab's own user namespace. */
const roots = (look: Look): readonly LabProcess[] => look.others.filter((process) => !process.has('user') && process.uids[1] === look.host.uids[1]);

const lacks = ({ capabilities: { effective, permitted, inheritable, bounding, ambient } }: LabProcess): boolean =>
  ((effective | permitted | inheritable | bounding | ambient) & NET_RAW) === 0n;

export default defineExercise({
  conditions: [
    {
      id: 'lacks',
      says: { en: 'A root process has CAP_NET_RAW in none of its five sets', ja: 'root のプロセスが、5 つの集合のどれにも CAP_NET_RAW を持っていない' },
      check: (look) => ({
        ok: roots(look).some(lacks),
        found: roots(look)
          .filter(lacks)
          .map(({ labPid, name }) => `${labPid} ${name}`)
          .join(', ') || { en: 'all have it', ja: '全員が持っている' },
      }),
    },
    {
      id: 'keeps',
      says: { en: 'It still has the others, CAP_CHOWN for one', ja: 'ほかのもの(たとえば CAP_CHOWN)は持っている' },
      check: (look) => ({
        ok: roots(look).some((process) => lacks(process) && (process.capabilities.effective & CHOWN) !== 0n),
        found:
          roots(look)
            .filter(lacks)
            .map(({ capabilities }) => capabilities.effective.toString(16))
            .join(', ') || '-',
      }),
    },
    {
      id: 'errno',
      says: { en: 'Your answer is the error that a raw socket gives it', ja: '答えが、そこで raw ソケットを開いたときのエラーである' },
      check: (look) => ({
        ok: /^(EPERM|Operation not permitted|1)$/i.test(look.answer ?? ''),
        found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' },
      }),
    },
  ],
});
