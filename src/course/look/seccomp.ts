/** Programs of a scene that tell what their filter lets through, by what they leave behind; and the processes that run them. See seccomp(2). */
import type { Condition, Text } from '../exercise.ts';
import { textOf } from './files.ts';
import type { Look } from './look.ts';
import type { LabProcess } from '../../lab/processes.ts';

/** A script that a scene has planted, which tries something again and again, and writes down what came of it. */
export interface Probe {
  /** The script's path. */
  readonly script: string;
  /** What it last wrote: `refused` or another word. */
  readonly state: string;
  /** What the refused program said. */
  readonly error: string;
}

/** Processes that run a script, with a filter or without. */
export const runners = (look: Look, script: string): readonly LabProcess[] =>
  look.others.filter(({ args }) => args.some((arg) => arg === script || arg.endsWith(`/${script.split('/').at(-1)}`)));

/** Those of them that are under a filter. */
export const filtered = (look: Look, script: string): readonly LabProcess[] =>
  runners(look, script).filter(({ seccomp, seccompFilters }) => seccomp === 2 && seccompFilters > 0);

/** What a probe has last written about itself. */
export const reported = (look: Look, file: string): string | undefined => textOf(look.host, file)?.trim();

/** Somebody runs the probe under a filter. */
export const runsFiltered = ({ script }: Probe): Condition => ({
  id: 'filtered',
  says: { en: `A process that runs ${script} is under a seccomp filter`, ja: `${script} を実行するプロセスに、seccomp フィルターがかかっている` },
  check: (look) => ({
    ok: filtered(look, script).length > 0,
    expected: 'Seccomp: 2',
    found: runners(look, script)
      .map(({ labPid, seccomp, seccompFilters }) => `${labPid}: Seccomp ${seccomp}, Seccomp_filters ${seccompFilters}`)
      .join('; ') || { en: 'nobody runs it', ja: '誰も実行していない' },
  }),
});

/** The filtered probe is refused what it tries, with EPERM. */
export const isRefused = ({ script, state, error }: Probe, says: Text): Condition => ({
  id: 'refused',
  says,
  check(look) {
    const [now, said] = [reported(look, state), reported(look, error)];
    return {
      ok: filtered(look, script).length > 0 && now === 'refused' && /not permitted/.test(said ?? ''),
      found: now === undefined ? { en: 'it has written no report', ja: 'まだ結果を書いていない' } : `${now} ${said ?? ''}`.trim(),
    };
  },
});
