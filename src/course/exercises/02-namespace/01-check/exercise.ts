/** Which namespaces a process is in: eight links in /proc/PID/ns. See namespaces(7). */
import { defineExercise } from '../../../exercise.ts';
import type { NamespaceType } from '../../../../kernel/namespace.ts';

const kinds = ['uts', 'ipc', 'net', 'cgroup'] as const;
const options: Readonly<Record<(typeof kinds)[number], string>> = { uts: '--uts', ipc: '--ipc', net: '--net', cgroup: '--cgroup' };

export default defineExercise({
  async setup(stage) {
    const kind = kinds[Number.parseInt(stage.nonce(), 16) % kinds.length]!;
    const pid = await stage.sh(
      `setsid unshare ${options[kind]} sleep 100000 >/dev/null 2>&1 </dev/null & echo $!; until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done`,
    );
    return { kind, pid: pid.trim() };
  },
  conditions: [
    {
      id: 'found',
      says: {
        en: 'Your answer is the number of the namespace that the process {{fact:pid}} does not share with the lab',
        ja: '答えが、プロセス {{fact:pid}} がラボと共有していない namespace の番号と一致する',
      },
      check(look) {
        const odd = look.others.find(({ labPid }) => String(labPid) === look.facts['pid']);
        const inode = odd?.namespaces[look.facts['kind'] as NamespaceType];
        const given = look.answer?.match(/\d{6,}/)?.[0];
        return {
          ok: inode !== undefined && given === String(inode),
          found: odd
            ? (look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' })
            : { en: 'the process is gone: hako learn reset brings it back', ja: 'プロセスがもういない: hako learn reset で作り直せる' },
        };
      },
    },
  ],
});
