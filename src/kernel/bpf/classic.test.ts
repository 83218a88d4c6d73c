import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClassicAssembler, encodeProgram, opcodes, type Label } from './classic.ts';
import { evaluate } from './classic-evaluate.ts';

const word = (value: number): DataView => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, value, true);
  return view;
};

test('a program branches on the loaded word', () => {
  const a = new ClassicAssembler();
  const program = a.program(a.load(0, a.jump('JGE', 10, a.jump('JGT', 20, a.ret(3), a.ret(2)), a.ret(1))));
  assert.deepEqual(
    [0, 9, 10, 20, 21, 0xffffffff].map((n) => evaluate(program, word(n)).value),
    [1, 1, 2, 2, 3, 3],
  );
});

test('and masks the word; comparisons are unsigned', () => {
  const a = new ClassicAssembler();
  const program = a.program(a.load(0, a.and(0xf0000000, a.jump('JEQ', 0x80000000, a.ret(1), a.ret(0)))));
  assert.equal(evaluate(program, word(0x8fffffff)).value, 1);
  assert.equal(evaluate(program, word(0x0fffffff)).value, 0);
});

test('equal parts are made once', () => {
  const a = new ClassicAssembler();
  assert.equal(a.ret(7), a.ret(7));
  const same = a.ret(7);
  assert.equal(a.jump('JEQ', 1, same, same), same);
  assert.equal(a.program(same).length, 1);
});

test('targets further off than a jump reaches are relayed', () => {
  const a = new ClassicAssembler();
  const far = a.ret(9000);
  const leaves: Label[] = [];
  for (let n = 0; n < 600; n++) leaves.push(a.ret(n));
  let chain: Label = far;
  for (let n = 0; n < 600; n++) chain = a.jump('JEQ', n, leaves[n]!, chain);
  const program = a.program(a.load(0, chain));
  for (const n of [0, 1, 255, 256, 300, 599]) assert.equal(evaluate(program, word(n)).value, n);
  assert.equal(evaluate(program, word(600)).value, 9000);
  assert.ok(program.every((i) => i.jt <= 255 && i.jf <= 255 && i.k >= 0));
});

test('a start that is not the newest instruction is jumped to', () => {
  const a = new ClassicAssembler();
  const start = a.load(0, a.ret(1));
  a.ret(2);
  const program = a.program(start);
  assert.equal(program[0]?.code, opcodes.JMP_JA);
  assert.equal(evaluate(program, word(0)).value, 1);
});

test('bytes are struct sock_filter', () => {
  assert.deepEqual([...encodeProgram([{ code: 0x15, jt: 1, jf: 2, k: 0xc000003e }])], [0x15, 0, 1, 2, 0x3e, 0, 0, 0xc0]);
});

test('what the kernel would refuse is an error', () => {
  assert.throws(() => evaluate([{ code: opcodes.JMP_JA, jt: 0, jf: 0, k: 5 }], word(0)), RangeError);
  assert.throws(() => evaluate([{ code: opcodes.LD_W_ABS, jt: 0, jf: 0, k: 8 }], word(0)), RangeError);
  assert.throws(() => evaluate([{ code: 0x99, jt: 0, jf: 0, k: 0 }], word(0)), RangeError);
});
