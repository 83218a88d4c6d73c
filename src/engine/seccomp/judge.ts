/**
 * What seccomp filters decide of every call that there is, in words. They may be a stranger's programs, made to be hard to judge: the
 * tracer judges those that the kernel has loaded (src/engine/tracer/), within a budget.
 */
import type { SeccompView } from '../../api/schema.ts';
import type { Instruction } from '../../kernel/bpf/classic.ts';
import { evaluate } from '../../kernel/bpf/classic-evaluate.ts';
import { programPaths, type PathBudget, type ProgramPath } from '../../kernel/bpf/classic-paths.ts';
import { architecture } from '../../kernel/syscalls.ts';
import { actionWords, lets, strictest } from '../../runtime/seccomp/actions.ts';
import { seccompData } from '../../runtime/seccomp/conditions.ts';
import { auditArch, makeSeccompData } from '../../runtime/seccomp/seccomp-data.ts';
import { syscallNumbers, x32Bit, type SeccompArchitecture } from '../../runtime/seccomp/syscall-numbers.ts';
import { conditionWords } from './condition-words.ts';
import { native } from './native.ts';
import { refusedCalls } from './refused-calls.ts';

type Programs = readonly (readonly Instruction[])[];

/** What programs decide: all of the view that is not about where they come from. */
export type Judgment = Omit<SeccompView, 'mode' | 'filters' | 'source' | 'refused'>;

const others: readonly (readonly [title: string, names: SeccompArchitecture, arch: number, bit: number])[] =
  architecture === 'x64'
    ? [
        ['i386', 'SCMP_ARCH_X86', auditArch.i386, 0],
        ['x32', 'SCMP_ARCH_X32', auditArch.x86_64, x32Bit],
      ]
    : [['arm', 'SCMP_ARCH_ARM', auditArch.arm, 0]];

/** Puts every call of every architecture to the programs. */
export function judge(programs: Programs): Judgment {
  const whole: PathBudget = { steps: 20_000_000, tests: 50_000 };
  const calls = [...syscallNumbers(native.name)].sort(([a], [b]) => (a < b ? -1 : 1));
  const view = { allowed: 0, refused: 0, conditional: 0 };
  const refused: SeccompView['refusedCalls'][number][] = [];
  const conditional: SeccompView['conditionalCalls'][number][] = [];
  for (const [name, number] of calls) {
    const answer = answerOf(programs, native.arch, number, whole);
    if ('paths' in answer) {
      view.conditional++;
      conditional.push({ name, words: answer.paths.flatMap((paths) => (paths ? conditionWords(name, paths) : [dependsWords])) });
    } else if (lets(answer.value)) view.allowed++;
    else {
      view.refused++;
      const forbids = refusedCalls[name];
      refused.push({ name, action: actionWords(answer.value), ...(forbids ? { forbids } : {}) });
    }
  }
  // A number that no table has: what a filter says of it is what it says of anything that it does not know.
  const unknown = Math.max(...calls.map(([, number]) => number)) + 1000;
  const known = refused.length ? mostCommon(refused.map((call) => call.action)) : 'allowed';
  const defaultWords = actionWords(evaluateAll(programs, native.arch, unknown, []));
  return {
    instructions: programs.reduce((sum, program) => sum + program.length, 0),
    defaultAction: defaultWords === known ? known : `${known}; a call newer than the filter: ${defaultWords}`,
    counts: view,
    refusedCalls: refused,
    conditionalCalls: conditional,
    otherArchitectures: others.map(([title, names, arch, bit]) => otherWords(programs, title, names, arch, bit)),
  };
}

function mostCommon(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]![0];
}

function otherWords(programs: Programs, title: string, names: SeccompArchitecture, arch: number, bit: number): string {
  const values = [...syscallNumbers(names).values()].map((number) => evaluateAll(programs, arch, number + bit, []));
  const allowed = values.filter(lets).length;
  const refused = values.filter((value) => !lets(value));
  return allowed === 0 ? `${title}: every call ${actionWords(refused[0]!)}` : `${title}: ${allowed} of ${values.length} calls allowed (with arguments 0)`;
}

/** Of a call whose ways are too many to tell. */
const dependsWords = 'depends on its arguments, in more ways than can be told';
/** What one call may cost of the whole. */
const mostSteps = 200_000;
const mostTests = 5_000;

/** The ways of a program for a call; undefined where they are too many. */
function pathsWithin(program: readonly Instruction[], known: ReadonlyMap<number, number>, whole: PathBudget): ProgramPath[] | undefined {
  const budget = { steps: Math.min(mostSteps, whole.steps), tests: Math.min(mostTests, whole.tests) };
  const { steps, tests } = budget;
  try {
    return programPaths(program, known, budget);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    whole.steps -= steps - budget.steps;
    whole.tests -= tests - budget.tests;
  }
}

type Answer = { readonly value: number } | { readonly paths: readonly (readonly ProgramPath[] | undefined)[] };

/** What all programs together say of a call: one value, or, where arguments decide, the ways of those programs. */
function answerOf(programs: Programs, arch: number, number: number, whole: PathBudget): Answer {
  const known = new Map([
    [seccompData.nr, number],
    [seccompData.arch, arch],
  ]);
  const all = programs.map((program) => pathsWithin(program, known, whole));
  const isOpen = (paths: (typeof all)[number]): boolean => !paths || new Set(paths.map((path) => path.value)).size > 1;
  const fixed = all.filter((paths) => !isOpen(paths)).map((paths) => paths![0]!.value);
  const open = all.filter(isOpen);
  // A filter that refuses whatever the arguments are decides over one that looks at them.
  if (open.length === 0 || (fixed.length > 0 && !lets(strictest(fixed)))) return { value: strictest(fixed) };
  return { paths: open };
}

/** What the kernel does with a call when all programs have answered. @param args of the call */
function evaluateAll(programs: Programs, arch: number, number: number, args: readonly (number | bigint)[]): number {
  const data = makeSeccompData(arch, number, args);
  return strictest(programs.map((program) => evaluate(program, data).value));
}
