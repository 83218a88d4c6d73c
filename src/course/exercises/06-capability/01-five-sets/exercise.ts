/** The five sets of a process, as /proc shows them: hexadecimal masks. See capabilities(7), proc_pid_status(5). */
import { capabilitiesIn } from '../../../../kernel/capability.ts';
import { defineExercise } from '../../../exercise.ts';

const choices = ['chown', 'kill', 'net_raw', 'sys_chroot', 'mknod', 'setfcap', 'net_bind_service', 'sys_ptrace', 'audit_write'] as const;

/** Names as a person writes them: without CAP_, in small letters, in any order. */
const normal = (names: readonly string[]): string =>
  names
    .map((name) => name.toLowerCase().replace(/^cap_/, ''))
    .filter(Boolean)
    .toSorted()
    .join(' ');

export default defineExercise({
  async setup(stage) {
    const seed = Number.parseInt(stage.nonce(), 16);
    const [a, b] = [choices[seed % choices.length]!, choices[(seed + 1 + (Math.floor(seed / 16) % (choices.length - 1))) % choices.length]!];
    const pid = await stage.sh(
      `setsid setpriv --bounding-set="-all,+$A,+$B" sleep 100000 >/dev/null 2>&1 </dev/null &
       until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done; echo $!`,
      { A: a, B: b },
    );
    return { pid: pid.trim() };
  },
  conditions: [
    {
      id: 'decoded',
      says: {
        en: 'Your answer names the capabilities that process {{fact:pid}} has in effect',
        ja: '答えが、プロセス {{fact:pid}} の実効(effective)capability の名前と一致する',
      },
      check(look) {
        const process = look.others.find(({ labPid }) => String(labPid) === look.facts['pid']);
        const names = process && normal(capabilitiesIn(process.capabilities.effective));
        return {
          ok: names !== undefined && normal((look.answer ?? '').split(/[\s,]+/)) === names,
          found: process
            ? (look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' })
            : { en: 'the process is gone: hako learn reset', ja: 'プロセスがもういない: hako learn reset' },
        };
      },
    },
  ],
});
