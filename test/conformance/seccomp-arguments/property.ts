/** Rules that look at the arguments of a call: kill(2) by the signal's number. */
import assert from 'node:assert/strict';
import type { Bench } from '../suite/bench.ts';
import type { Fields } from '../suite/config.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxSeccomp';
const signals = [2, 10, 12, 14];

/** Which signals a filter with these rules refuses to be sent by process 1 to itself. */
async function refused(bench: Bench, ...rules: readonly Fields[]): Promise<number[]> {
  const script = `trap '' ${signals.join(' ')}; for s in ${signals.join(' ')}; do kill -$s 1 2>/dev/null || echo $s; done; true`;
  const syscalls = rules.map((rule) => ({ names: ['kill'], action: 'SCMP_ACT_ERRNO', ...rule }));
  const text = await bench.report({ script, linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls } } });
  return text.split('\n').filter(Boolean).map(Number);
}

function compares(op: string, value: number, expected: readonly number[], valueTwo?: number): Claim {
  return {
    spec,
    must: `${op} compares the argument with value, as libseccomp has it.`,
    check: async (bench) => {
      assert.deepEqual(await refused(bench, { args: [{ index: 1, value, op, ...(valueTwo === undefined ? {} : { valueTwo }) }] }), expected);
    },
  };
}

export default {
  SCMP_CMP_EQ: compares('SCMP_CMP_EQ', 10, [10]),
  SCMP_CMP_NE: compares('SCMP_CMP_NE', 10, [2, 12, 14]),
  SCMP_CMP_LT: compares('SCMP_CMP_LT', 12, [2, 10]),
  SCMP_CMP_LE: compares('SCMP_CMP_LE', 12, [2, 10, 12]),
  SCMP_CMP_GE: compares('SCMP_CMP_GE', 12, [12, 14]),
  SCMP_CMP_GT: compares('SCMP_CMP_GT', 12, [14]),
  SCMP_CMP_MASKED_EQ: compares('SCMP_CMP_MASKED_EQ', 0b110, [2, 10], 0b010),
  'all comparisons of a rule must hold': {
    spec,
    must: 'A rule matches when each of its comparisons does.',
    check: async (bench) => {
      const signal = { index: 1, value: 10, op: 'SCMP_CMP_GE' };
      assert.deepEqual(await refused(bench, { args: [signal, { index: 0, value: 1, op: 'SCMP_CMP_EQ' }] }), [10, 12, 14]);
      assert.deepEqual(await refused(bench, { args: [signal, { index: 0, value: 4711, op: 'SCMP_CMP_EQ' }] }), []);
    },
  },
  'one of several rules is enough': {
    spec,
    must: 'A call that one of the rules matches is treated by it.',
    check: async (bench) => {
      const rule = (value: number): Fields => ({ args: [{ index: 1, value, op: 'SCMP_CMP_EQ' }] });
      assert.deepEqual(await refused(bench, rule(2), rule(14)), [2, 14]);
    },
  },
  'all 64 bits are compared': {
    spec,
    must: 'value is an unsigned number of 64 bits.',
    check: async (bench) => {
      const great = { index: 1, value: 2 ** 40 + 10, op: 'SCMP_CMP_EQ' };
      assert.deepEqual(await refused(bench, { args: [great] }), []);
      assert.deepEqual(await refused(bench, { args: [{ ...great, op: 'SCMP_CMP_LT' }] }), signals);
    },
  },
} satisfies Property;
