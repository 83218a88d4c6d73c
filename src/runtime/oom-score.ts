/** Who is killed first when memory runs out: the process's adjustment of its score. See proc_pid_oom_score_adj(5). */
import { call, result } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { AT_FDCWD, openFlags } from '../kernel/flags.ts';
import type { Step } from '../step/step.ts';
import { procFile } from './init-goals.ts';

/** Sets the score of the calling process; to lower it wants CAP_SYS_RESOURCE. */
export function oomScoreStep(score: number): Step {
  const open = call('openat', [AT_FDCWD, '/proc/self/oom_score_adj', openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'score' });
  const text = String(score);
  return {
    id: 'process.oom-score',
    what: `Be ${score > 0 ? 'an earlier' : 'a later'} victim when memory runs out (${score})`,
    calls: [
      open,
      call('write', [result(open), Buffer.from(text), text.length], {
        failureDetail: (number) => (number === errno.EACCES ? 'to be killed later than others needs CAP_SYS_RESOURCE over the machine' : undefined),
      }),
    ],
    goal: procFile('oom_score_adj', text),
    shell: `echo ${score} >/proc/self/oom_score_adj`,
    hand: `echo ${score} >/proc/$PID/oom_score_adj`,
    look: 'cat /proc/$PID/oom_score_adj',
  };
}
