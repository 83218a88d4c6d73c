/** A server on port 80 that is nobody, has one capability, and can never have more. See prctl(2) PR_SET_NO_NEW_PRIVS. */
import { readFileSync } from 'node:fs';
import { capabilitiesIn } from '../../../../kernel/capability.ts';
import { attempt } from '../../../../kernel/attempt.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { userOf } from '../../../look/user.ts';

const NET_BIND_SERVICE = 1n << 10n;
const nobodies = (look: Look): readonly LabProcess[] => look.others.filter((process) => userOf(look, process) === 65534);

/** Whether somebody listens on a port of the lab's own network namespace (state 0A is LISTEN). */
const listens = (look: Look, port: number): boolean =>
  ['tcp', 'tcp6'].some((file) =>
    new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} [0-9A-F:]+ 0A `).test(
      attempt(() => readFileSync(`/proc/${look.host.pid}/net/${file}`, 'utf8')) ?? '',
    ),
  );

export default defineExercise({
  needs: ['perl'],
  conditions: [
    {
      id: 'listens',
      says: { en: 'Somebody listens on port 80 of the lab', ja: 'ラボの 80 番ポートで待ち受けている者がいる' },
      check: (look) => ({ ok: listens(look, 80), found: listens(look, 80) ? ':80' : { en: 'nobody', ja: 'いない' } }),
    },
    {
      id: 'nobody',
      says: {
        en: 'A process of user nobody (65534) has CAP_NET_BIND_SERVICE in effect, and nothing else',
        ja: 'ユーザー nobody(65534)のプロセスが、CAP_NET_BIND_SERVICE だけを実効として持っている',
      },
      check(look) {
        const found = nobodies(look);
        return {
          ok: found.some(({ capabilities }) => capabilities.effective === NET_BIND_SERVICE),
          found: found.map(({ labPid, capabilities }) => `${labPid}: ${capabilitiesIn(capabilities.effective).join(',') || '-'}`).join('; ') || {
            en: 'nobody runs anything',
            ja: 'nobody のプロセスがない',
          },
        };
      },
    },
    {
      id: 'locked',
      says: { en: 'It can gain no more: no_new_privs is set', ja: 'これ以上は得られない(no_new_privs が設定されている)' },
      check(look) {
        const found = nobodies(look).filter(({ capabilities }) => capabilities.effective === NET_BIND_SERVICE);
        return {
          ok: found.some(({ noNewPrivileges }) => noNewPrivileges),
          expected: 'NoNewPrivs: 1',
          found: found.map(({ noNewPrivileges }) => `NoNewPrivs: ${noNewPrivileges ? 1 : 0}`).join(', ') || '-',
        };
      },
    },
  ],
});
