/** The hole closed by a capability less: what is not in the bounding set no program can get back. See capabilities(7). */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { hasOtherRoot } from '../../../look/root.ts';
import { rootfsLines } from '../../../rootfs-lines.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const CAP_SYS_CHROOT = 1n << 18n;

const jailed = (look: Look): readonly LabProcess[] => look.others.filter((process) => hasOtherRoot(look, process));

const lacks = ({ capabilities: { bounding, permitted, effective } }: LabProcess): boolean => ((bounding | permitted | effective) & CAP_SYS_CHROOT) === 0n;

export default defineExercise({
  async setup(stage) {
    await stage.sh(rootfsLines('/root/jail'));
  },
  conditions: [
    {
      id: 'jailed',
      says: { en: 'A process of yours is chrooted, in a shell that is root', ja: 'chroot されたあなたのプロセスが、root として動いている' },
      check(look) {
        const found = jailed(look).filter(({ uids }) => uids[1] === look.host.uids[1]);
        return { ok: found.length > 0, found: found.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'nobody is', ja: 'いない' } };
      },
    },
    {
      id: 'lacks',
      says: { en: 'It has no CAP_SYS_CHROOT, and can never get it', ja: 'CAP_SYS_CHROOT を持たず、二度と得られない' },
      check(look) {
        const found = jailed(look);
        return {
          ok: found.some(lacks),
          found: found.map(({ labPid, capabilities }) => `${labPid}: CapBnd ${capabilities.bounding.toString(16)}`).join(', ') || {
            en: 'nobody is chrooted',
            ja: 'chroot された者がいない',
          },
        };
      },
    },
    {
      id: 'keeps',
      says: {
        en: 'It still has others, CAP_CHOWN for one: it is root, with one power less',
        ja: 'ほかの capability(たとえば CAP_CHOWN)は持っている。力を 1 つだけ失った root である',
      },
      check(look) {
        const found = jailed(look).filter(lacks);
        return {
          ok: found.some(({ capabilities }) => (capabilities.effective & 1n) === 1n),
          found: found.map(({ labPid, capabilities }) => `${labPid}: CapEff ${capabilities.effective.toString(16)}`).join(', ') || '-',
        };
      },
    },
  ],
});
