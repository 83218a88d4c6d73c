import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opcodes, type Instruction } from '../../kernel/bpf/classic.ts';
import { seccompReturn } from '../../runtime/seccomp/actions.ts';
import { judge } from './judge.ts';

const instruction = (code: number, k: number, jt = 0, jf = 0): Instruction => ({ code, k, jt, jf });
const load = (offset: number): Instruction => instruction(opcodes.LD_W_ABS, offset);
const give = (value: number): Instruction => instruction(opcodes.RET_K, value);
const repeated = (times: number, part: (i: number) => Instruction[]): Instruction[] => Array.from({ length: times }, (_, i) => part(i)).flat();

test('a test that changes nothing makes no condition', () => {
  const idle = repeated(2000, () => [load(16), instruction(opcodes.JMP_JSET_K, 1)]);
  const { counts, conditionalCalls } = judge([[...idle, give(seccompReturn.ALLOW)]]);
  assert.deepEqual({ ...counts, allowed: counts.allowed > 300 }, { allowed: true, refused: 0, conditional: 0 });
  assert.deepEqual(conditionalCalls, []);
});

test('of a program with more ways than can be walked it is said that the arguments decide, and soon', () => {
  // Each test leads on by one instruction or two, and so doubles the ways.
  const many = repeated(1000, (i) => [load(16), instruction(opcodes.JMP_JEQ_K, i, 0, 1), load(24)]);
  const began = process.cpuUsage();
  const { counts, conditionalCalls } = judge([[...many, give(seccompReturn.ALLOW)], [give(seccompReturn.ALLOW)]]);
  const { user } = process.cpuUsage(began);
  assert.deepEqual({ ...counts, conditional: counts.conditional > 300 }, { allowed: 0, refused: 0, conditional: true });
  assert.match(conditionalCalls[0]?.words.join() ?? '', /^depends on its arguments/);
  assert.ok(user < 5e6, `${user} µs`);
});
