/**
 * All ways through a classic BPF program when some of the words that it loads are known and others are not: what a filter
 * will decide of a call whose arguments are still open, and on which condition. It asks the program itself, not the profile
 * that the program was made from.
 */
import { opcodes, type Instruction } from './classic.ts';

/** A comparison of a word (after a mask) on the way, and how it turned out. */
export interface WordTest {
  /** Of the word in the data. */
  readonly offset: number;
  readonly mask: number;
  /** `eq`, `gt`, `ge`: compared with `k`; `set`: any bit of `k`. */
  readonly operator: 'eq' | 'gt' | 'ge' | 'set';
  readonly k: number;
  readonly holds: boolean;
}

/** A way through the program: the tests on it, and what it returns. */
export interface ProgramPath {
  readonly tests: readonly WordTest[];
  readonly value: number;
}

const operators: ReadonlyMap<number, WordTest['operator']> = new Map([
  [opcodes.JMP_JEQ_K, 'eq'],
  [opcodes.JMP_JGT_K, 'gt'],
  [opcodes.JMP_JGE_K, 'ge'],
  [opcodes.JMP_JSET_K, 'set'],
]);

const truth = (operator: WordTest['operator'], value: number, k: number): boolean =>
  operator === 'eq' ? value === k : operator === 'gt' ? value > k : operator === 'ge' ? value >= k : (value & k) !== 0;

/** The tests of a way, the last first: ways that part share what they have had until there. */
interface Trail {
  readonly test: WordTest;
  readonly before: Trail | undefined;
  readonly length: number;
}

/** What earlier tests on a way say of a further one; undefined where both outcomes are possible. */
function implied(trail: Trail | undefined, test: Omit<WordTest, 'holds'>): boolean | undefined {
  for (let at = trail; at; at = at.before) {
    const earlier = at.test;
    if (earlier.offset !== test.offset || earlier.mask !== test.mask) continue;
    if (earlier.operator === 'eq' && earlier.holds) return truth(test.operator, earlier.k, test.k);
    if (earlier.operator === test.operator && earlier.k === test.k) return earlier.holds;
  }
  return undefined;
}

function testsOf(trail: Trail | undefined): WordTest[] {
  const tests: WordTest[] = [];
  for (let at = trail; at; at = at.before) tests.push(at.test);
  return tests.reverse();
}

/**
 * What walking may cost. A program is whatever a process has made of its 4096 instructions: a test that changes nothing doubles its
 * ways. Taken from as it is used, so that one budget can hold for several programs.
 */
export interface PathBudget {
  /** Instructions to walk and earlier tests to look at. */
  steps: number;
  /** Tests to tell of, over all ways. */
  tests: number;
}

interface State {
  readonly at: number;
  /** The accumulator: a known number, or a word under a mask. */
  readonly accumulator: number | { readonly offset: number; readonly mask: number };
  readonly trail: Trail | undefined;
}

/**
 * Walks every way that is possible.
 * @param known words of the data by their offsets
 * @throws RangeError for a program that the kernel would have refused, or when the budget is used up
 */
export function programPaths(
  program: readonly Instruction[],
  known: ReadonlyMap<number, number>,
  budget: PathBudget = { steps: 1_000_000, tests: 10_000 },
): ProgramPath[] {
  const found: ProgramPath[] = [];
  const open: State[] = [{ at: 0, accumulator: 0, trail: undefined }];
  for (let state = open.pop(); state; state = open.pop()) {
    let { at, accumulator } = state;
    const { trail } = state;
    for (;;) {
      const instruction = program[at];
      if (!instruction) throw new RangeError(`the program runs out at instruction ${at}`);
      if (--budget.steps < 0) throw new RangeError('the program has too many ways to walk');
      const { code, jt, jf, k } = instruction;
      const operator = operators.get(code);
      if (operator !== undefined) {
        let taken: boolean | undefined = true;
        if (typeof accumulator === 'number') taken = truth(operator, accumulator, k);
        else if (jt !== jf) {
          const test = { ...accumulator, operator, k };
          budget.steps -= trail?.length ?? 0;
          taken = implied(trail, test);
          if (taken === undefined) {
            const way = (holds: boolean): State => ({
              at: at + 1 + (holds ? jt : jf),
              accumulator,
              trail: { test: { ...test, holds }, before: trail, length: (trail?.length ?? 0) + 1 },
            });
            open.push(way(false), way(true));
            break;
          }
        }
        at += 1 + (taken ? jt : jf);
      } else if (code === opcodes.LD_W_ABS) {
        accumulator = known.get(k) ?? { offset: k, mask: 0xffffffff };
        at++;
      } else if (code === opcodes.ALU_AND_K) {
        accumulator = typeof accumulator === 'number' ? (accumulator & k) >>> 0 : { offset: accumulator.offset, mask: (accumulator.mask & k) >>> 0 };
        at++;
      } else if (code === opcodes.JMP_JA) at += 1 + k;
      else if (code === opcodes.RET_K) {
        budget.tests -= 1 + (trail?.length ?? 0);
        if (budget.tests < 0) throw new RangeError('the program has too many ways to tell');
        found.push({ tests: testsOf(trail), value: k });
        break;
      } else throw new RangeError(`opcode 0x${code.toString(16)} at instruction ${at}`);
    }
  }
  return found;
}
