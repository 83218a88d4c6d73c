/** A program with a power of its own, without being set-user-ID root. See capabilities(7), "File capabilities". */
import { capabilitiesIn } from '../../../../kernel/capability.ts';
import { defineExercise } from '../../../exercise.ts';
import { attributeOf, statusOf } from '../../../look/files.ts';
import type { Look } from '../../../look/look.ts';
import { userOf } from '../../../look/user.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const S_ISUID = 0o4000;
/** Processes of ordinary users, in the lab's own user namespace, that have something in effect. */
const gifted = (look: Look): readonly LabProcess[] =>
  look.others.filter((process) => !process.has('user') && (userOf(look, process) ?? 0) > 0 && process.capabilities.effective !== 0n);

export default defineExercise({
  needs: ['setcap'],
  conditions: [
    {
      id: 'one',
      says: {
        en: 'A process of user 1000 has exactly CAP_NET_BIND_SERVICE in effect',
        ja: 'ユーザー 1000 のプロセスが、CAP_NET_BIND_SERVICE だけを実効として持っている',
      },
      check(look) {
        const found = gifted(look).filter((process) => userOf(look, process) === 1000);
        return {
          ok: found.some(({ capabilities }) => capabilities.effective === 1n << 10n),
          found: found.map(({ labPid, capabilities }) => `${labPid}: ${capabilitiesIn(capabilities.effective).join(',')}`).join('; ') || {
            en: 'no process of an ordinary user has any',
            ja: '一般ユーザーのプロセスは何も持っていない',
          },
        };
      },
    },
    {
      id: 'by-file',
      says: {
        en: 'It has it from its file, which is not set-user-ID, and not by inheritance',
        ja: 'それはファイルから来ている(set-user-ID でも、引き継ぎでもない)',
      },
      check(look) {
        const files = gifted(look).flatMap(({ executable, capabilities }) => (executable === undefined || capabilities.ambient !== 0n ? [] : [executable]));
        const right = files.filter(
          (file) => attributeOf(look.host, file, 'security.capability') !== undefined && ((statusOf(look.host, file)?.mode ?? S_ISUID) & S_ISUID) === 0,
        );
        return { ok: right.length > 0, found: right.join(', ') || files.join(', ') || '-' };
      },
    },
  ],
});
