/** Goes through cases of failing calls: all of them, or a sample that another seed makes another one. */
import type { Fault, Maker } from './failing-kernel.ts';

/** A call that is to fail in something that is done. */
export interface Case extends Fault {
  readonly scenario: { readonly name: string };
  readonly by: Maker;
  readonly text: string;
}

/** Where cases are tried. */
export interface Bench<C extends Case> {
  /** @returns what is wrong; undefined where the call was not made this time */
  run(one: C): Promise<readonly string[] | undefined>;
  /** What is there that was not before. */
  left(): Promise<string[]>;
  /** What is there is taken as what should be. */
  forgive(): Promise<void>;
}

/** How a case is called in a report. */
const titleOf = (of: Case): string => `${of.scenario.name}: ${of.text}`;

/** What came of many cases. */
export interface Tally {
  /** Calls that can fail, and in how many ways all together. */
  readonly calls: number;
  readonly tried: number;
  /** Cases whose call was not made when it was to fail: the engine's work in the background is not the same each time. */
  readonly notMet: readonly string[];
  /** What is wrong, by case. */
  readonly wrong: ReadonlyMap<string, readonly string[]>;
}

const kindOf = ({ key }: Case): string => key.replace(/ #\d+$/, '');

/**
 * A sample: each call of the engine's own with one of its errnos, since after it the engine goes on and must clear up; and of the
 * calls of other processes, which end with them, some.
 * @param seed chooses errnos and calls
 * @param others of how many kinds of calls of other processes one is taken
 */
export function sample<C extends Case>(cases: readonly C[], seed: number, others: number): C[] {
  const of = (list: readonly C[], nameOf: (one: C) => string): C[] => [...Map.groupBy(list, nameOf).values()].map((same, i) => same[(seed + i) % same.length]!);
  const isOwn = ({ by }: Case): boolean => by === 'engine' || by === 'child';
  const kinds = of(
    cases.filter((one) => !isOwn(one)),
    kindOf,
  );
  const chosen = kinds.filter((_, i) => ((i + seed) * others) % kinds.length < others);
  return [...of(cases.filter(isOwn), ({ key }) => key), ...chosen];
}

/**
 * Tries each case. What is left behind is looked at after every `together` cases, since that takes longer than a case does; when
 * something is, each of them is tried again by itself.
 * @param tell told of each case that is wrong, as it is found
 */
export async function tryAll<C extends Case>(bench: Bench<C>, cases: readonly C[], together = 1, tell: (line: string) => void = () => {}): Promise<Tally> {
  const wrong = new Map<string, string[]>();
  const notMet: string[] = [];
  const blame = (of: Case, what: readonly string[]): void => {
    if (what.length === 0) return;
    wrong.set(titleOf(of), [...(wrong.get(titleOf(of)) ?? []), ...what]);
    tell(`✖ ${titleOf(of)}\n    ${what.join('\n    ')}`);
  };
  const leaks = async (): Promise<string[]> => (await bench.left()).map((line) => `left: ${line}`);
  for (let from = 0; from < cases.length; from += together) {
    const group = cases.slice(from, from + together);
    for (const one of group) {
      const verdict = (await bench.run(one)) ?? (await bench.run(one));
      if (verdict) blame(one, verdict);
      else notMet.push(titleOf(one));
    }
    const left = await leaks();
    if (left.length === 0) continue;
    await bench.forgive();
    let blamed = false;
    for (const one of group) {
      if (group.length > 1) await bench.run(one);
      const own = group.length > 1 ? await leaks() : left;
      blame(one, own);
      if (own.length === 0) continue;
      blamed = true;
      await bench.forgive();
    }
    if (!blamed) blame(group[0]!, ['one of this one and those behind it:', ...left]);
  }
  return { calls: new Set(cases.map(({ key }) => key)).size, tried: cases.length - notMet.length, notMet, wrong };
}
