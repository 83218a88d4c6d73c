/** On which conditions on its arguments a seccomp filter decides a call, in words: read off the program itself. */
import type { ProgramPath, WordTest } from '../../kernel/bpf/classic-paths.ts';
import { cloneFlags } from '../../kernel/flags.ts';
import { actionWords } from '../../runtime/seccomp/actions.ts';
import { seccompData } from '../../runtime/seccomp/conditions.ts';

/** Conditions of a call in words, one sentence for each answer that is not the usual one; the usual one last. */
export function conditionWords(name: string, paths: readonly ProgramPath[]): string[] {
  const usual = (paths.find((path) => path.tests.every((test) => !test.holds)) ?? paths.at(-1)!).value;
  const byValue = new Map<number, (readonly WordTest[])[]>();
  for (const { tests, value } of paths) {
    if (value === usual) continue;
    const known = byValue.get(value);
    if (known) known.push(saidOf(tests));
    else byValue.set(value, [saidOf(tests)]);
  }
  const sentences = [...byValue].map(
    ([value, ways]) => `${actionWords(value)} when ${rangeWords(name, ways) ?? alternatives(ways.map((tests) => pathWords(name, tests)))}`,
  );
  return [...sentences, `else ${actionWords(usual)}`];
}

/** The tests that say something: those that hold, or, where none does, all. High halves that are zero go without saying. */
function saidOf(tests: readonly WordTest[]): readonly WordTest[] {
  const said = tests.filter((test) => !(isHigh(test) && test.operator === 'eq' && test.k === 0 && test.holds));
  const holding = said.filter((test) => test.holds);
  return holding.length ? holding : said;
}

/**
 * Conditions that each say in which block of numbers one argument is, as ranges. A filter compares the upper bits of a number,
 * whose lower ones are free; blocks that touch become one range.
 */
function rangeWords(name: string, ways: readonly (readonly WordTest[])[]): string | undefined {
  if (name === 'clone' || name === 'unshare') return undefined; // flags are no numbers
  const blocks = ways.map((tests) => {
    const [test, ...more] = tests;
    const free = test && ~test.mask >>> 0;
    const isBlock = test && more.length === 0 && test.operator === 'eq' && test.holds && !isHigh(test) && (free! & (free! + 1)) === 0;
    return isBlock ? { offset: test.offset, from: test.k, to: test.k + free! } : undefined;
  });
  if (blocks.length === 0 || blocks.some((block) => block === undefined || block.offset !== blocks[0]?.offset)) return undefined;
  const ranges: { from: number; to: number }[] = [];
  for (const block of blocks.map((b) => b!).toSorted((a, b) => a.from - b.from)) {
    const before = ranges.at(-1);
    if (before && before.to + 1 >= block.from) before.to = Math.max(before.to, block.to);
    else ranges.push({ ...block });
  }
  const argument = argumentName(name, Math.floor((blocks[0]!.offset - seccompData.args) / 8));
  const missing = Object.entries(domainNames).filter(([number]) => {
    const n = Number(number);
    return n < ranges.at(-1)!.to && !ranges.some(({ from, to }) => n >= from && n <= to);
  });
  const named = name === 'socket' ? missing.map(([, domain]) => domain) : [];
  const text = ranges.map(({ from, to }) => (from === to ? hex(from) : `${hex(from)}–${hex(to)}`)).join(', ');
  return `${argument} is ${text}${named.length ? ` (not ${named.join(', ')})` : ''}`;
}

/** Socket domains that filters leave out. */
const domainNames: Readonly<Record<number, string>> = { 16: 'AF_NETLINK', 17: 'AF_PACKET', 38: 'AF_ALG', 40: 'AF_VSOCK' };

const pathWords = (name: string, tests: readonly WordTest[]): string =>
  tests.map((test) => testWords(name, test)).join(' and ') || 'its arguments are ordinary';

const isHigh = (test: WordTest): boolean => (test.offset - seccompData.args) % 8 === 4;

function testWords(name: string, { offset, mask, operator, k, holds }: WordTest): string {
  const index = Math.floor((offset - seccompData.args) / 8);
  const half = (offset - seccompData.args) % 8 === 4 ? ' (high half)' : '';
  const argument = `${argumentName(name, index)}${half}`;
  if (operator === 'set' || (operator === 'eq' && mask !== 0xffffffff && k === 0)) {
    const bits = operator === 'set' ? k : mask;
    return `${argument} has ${(operator === 'set') === holds ? 'some' : 'none'} of ${bitNames(name, bits)}`;
  }
  const left = mask === 0xffffffff ? argument : `${argument} & ${hex(mask)}`;
  const sign = { eq: holds ? '=' : '≠', gt: holds ? '>' : '≤', ge: holds ? '≥' : '<' }[operator];
  return `${left} ${sign} ${hex(k)}`;
}

const hex = (n: number): string => (n < 1000 ? String(n) : `0x${n.toString(16)}`);

/** Names of arguments that filters look at. */
const names: Readonly<Record<string, readonly string[]>> = {
  clone: ['flags'],
  unshare: ['flags'],
  personality: ['persona'],
  socket: ['domain', 'type', 'protocol'],
  ioctl: ['fd', 'request'],
  prctl: ['option'],
  ptrace: ['request'],
  kcmp: ['pid1', 'pid2', 'type'],
};

const argumentName = (name: string, index: number): string => names[name]?.[index] ?? `argument ${index}`;

function bitNames(name: string, bits: number): string {
  if (name !== 'clone' && name !== 'unshare') return hex(bits);
  const found = Object.entries(cloneFlags).filter(([, bit]) => bit <= 0xffffffff && (bits & bit) !== 0);
  return found.map(([flag]) => flag).join(', ') || hex(bits);
}

const alternatives = (conditions: readonly string[]): string => [...new Set(conditions)].join('; or ');
