/** Programs of a scene that try what a filter may refuse, and write down how it ended; and the processes that run them. See seccomp(2). */
import { errnoName } from '../../kernel/errno.ts';
import type { Condition, Stage, Text } from '../exercise.ts';
import { textOf } from './files.ts';
import type { Look } from './look.ts';
import type { LabProcess } from '../../lab/processes.ts';

/** A script that a scene plants. It tries things again and again, and writes a line for each: `mkdir 1`, its name and its errno, 0 for none. */
export interface Probe {
  /** The script's path. */
  readonly script: string;
  readonly text: string;
  /** The file that it writes. */
  readonly report: string;
}

/** Plants the script. */
export async function plantProbe(stage: Stage, { script, text }: Probe): Promise<void> {
  await stage.sh('mkdir -p "$(dirname "$SCRIPT")" && printf %s "$TEXT" > "$SCRIPT" && chmod 755 "$SCRIPT"', { SCRIPT: script, TEXT: text });
}

/** Processes that run a script as it was planted, with a filter or without. */
export const runners = (look: Look, { script, text }: Pick<Probe, 'script' | 'text'>): readonly LabProcess[] =>
  textOf(look.host, script) === text
    ? look.others.filter(({ args }) => args.some((arg) => arg === script || arg.endsWith(`/${script.split('/').at(-1)}`)))
    : [];

/** Those of them that are under a filter. */
const filtered = (look: Look, probe: Probe): readonly LabProcess[] => runners(look, probe).filter(({ seccomp }) => seccomp === 2);

/** Somebody runs the probe under a filter. */
export const runsFiltered = (probe: Probe): Condition => ({
  id: 'filtered',
  says: {
    en: `A process that runs ${probe.script} is under a seccomp filter`,
    ja: `${probe.script} を実行するプロセスに、seccomp フィルターがかかっている`,
  },
  check: (look) => ({
    ok: filtered(look, probe).length > 0,
    expected: 'Seccomp: 2',
    found: runners(look, probe)
      .map(({ labPid, seccomp, seccompFilters }) => `${labPid}: Seccomp ${seccomp}, Seccomp_filters ${seccompFilters}`)
      .join('; ') || { en: 'nobody runs it, as it was planted', ja: '元のままのものは、誰も実行していない' },
  }),
});

/** What the filtered probe tries ends in a certain way. @param errno what it is to be answered; 0 where it is to succeed */
export const ends = (probe: Probe, name: string, errno: number, says: Text): Condition => ({
  id: name,
  says,
  check(look) {
    const ended = new RegExp(`^${name} (\\d+)$`, 'm').exec(textOf(look.host, probe.report) ?? '')?.[1];
    const words = (number: number): string => `${name}: ${number === 0 ? 'done' : errnoName(number)}`;
    return {
      ok: filtered(look, probe).length > 0 && ended === String(errno),
      expected: words(errno),
      found: ended === undefined ? { en: 'it has written no report', ja: 'まだ結果を書いていない' } : words(Number(ended)),
    };
  },
});
