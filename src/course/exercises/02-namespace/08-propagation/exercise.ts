/** Mount propagation: what of one mount namespace is seen in another. See mount_namespaces(7), "Shared subtrees". */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const place = '/srv/shared';

/** Mount points beneath the shared place, as a process sees them. */
const beneath = (look: Look, process: LabProcess): readonly string[] =>
  look.mountsOf(process).flatMap(({ mountPoint }) => (mountPoint.startsWith(`${place}/`) ? [mountPoint] : []));

const others = (look: Look): readonly LabProcess[] => look.others.filter((process) => process.has('mnt'));

/** How the place is propagated in a process's namespace: `shared`, `master`, or nothing for a private one. */
const mode = (look: Look, process: LabProcess): string =>
  look
    .mountsOf(process)
    .findLast(({ mountPoint }) => mountPoint === place)
    ?.propagation.map((entry) => entry.split(':')[0])
    .join('+') || 'private';

export default defineExercise({
  async setup(stage) {
    await stage.sh(`mkdir -p ${place} && mount -t tmpfs shared ${place} && mount --make-shared ${place} && mkdir ${place}/from-lab ${place}/from-inside`);
  },
  conditions: [
    {
      id: 'slave',
      says: { en: `In a mount namespace of yours ${place} is a slave`, ja: `あなたの mount namespace で、${place} が slave になっている` },
      check(look) {
        const modes = others(look).map((process) => `${process.name}: ${mode(look, process)}`);
        return {
          ok: others(look).some((process) => mode(look, process) === 'master'),
          found: modes.join(', ') || { en: 'no process has a mount namespace of its own', ja: '独自の mount namespace を持つプロセスがない' },
        };
      },
    },
    {
      id: 'inward',
      says: { en: `What the lab has mounted below ${place} is seen there`, ja: `ラボが ${place} の下にしたマウントが、そこからも見える` },
      check(look) {
        const lab = beneath(look, look.host);
        const seen = others(look).filter((process) => lab.some((point) => beneath(look, process).includes(point)));
        return {
          ok: seen.length > 0,
          found: { en: `in the lab: ${lab.join(', ') || 'nothing is mounted there'}`, ja: `ラボ側: ${lab.join(', ') || '何もマウントされていない'}` },
        };
      },
    },
    {
      id: 'outward',
      says: { en: 'And what is mounted there is not seen in the lab', ja: '逆に、そこでしたマウントはラボからは見えない' },
      check(look) {
        const lab = beneath(look, look.host);
        const own = others(look).flatMap((process) => (mode(look, process) === 'master' ? beneath(look, process).filter((point) => !lab.includes(point)) : []));
        return { ok: own.length > 0, found: own.join(', ') || { en: 'no mount that only the inside has', ja: '内側だけにあるマウントがない' } };
      },
    },
  ],
});
