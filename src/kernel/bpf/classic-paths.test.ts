import assert from 'node:assert/strict';
import test from 'node:test';
import { ClassicAssembler, decodeProgram, encodeProgram } from './classic.ts';
import { evaluate } from './classic-evaluate.ts';
import { programPaths } from './classic-paths.ts';

/** Returns 7 when the word at 16 is 5 after a mask, 8 when it is above 100, else 9; 1 for the number 42 at 0. */
function program() {
  const a = new ClassicAssembler();
  const above = a.load(16, a.jump('JGT', 100, a.ret(8), a.ret(9)));
  const masked = a.load(16, a.and(0xff, a.jump('JEQ', 5, a.ret(7), above)));
  return a.program(a.load(0, a.jump('JEQ', 42, a.ret(1), masked)));
}

test('a known word decides alone; of an unknown one, every way is found, with its tests', () => {
  assert.deepEqual(programPaths(program(), new Map([[0, 42]])), [{ tests: [], value: 1 }]);
  const paths = programPaths(program(), new Map([[0, 1]]));
  assert.deepEqual(new Set(paths.map((p) => p.value)), new Set([7, 8, 9]));
  assert.deepEqual(paths.find((p) => p.value === 7)?.tests, [{ offset: 16, mask: 0xff, operator: 'eq', k: 5, holds: true }]);
});

test('what a way says is what the program decides', () => {
  const paths = programPaths(program(), new Map([[0, 1]]));
  for (const word of [0, 5, 100, 101, 0x105, 0xffff_fffe]) {
    const data = new DataView(new ArrayBuffer(64));
    data.setUint32(0, 1, true);
    data.setUint32(16, word, true);
    const fits = paths.filter(({ tests }) =>
      tests.every(({ mask, operator, k, holds }) => (operator === 'eq' ? (word & mask) >>> 0 === k : (word & mask) >>> 0 > k) === holds),
    );
    assert.deepEqual(
      fits.map((p) => p.value),
      [evaluate(program(), data).value],
    );
  }
});

test('a test that an earlier one has answered makes no further way', () => {
  const a = new ClassicAssembler();
  const again = a.load(16, a.jump('JEQ', 6, a.ret(1), a.ret(2)));
  const paths = programPaths(a.program(a.load(16, a.jump('JEQ', 5, again, a.ret(3)))), new Map());
  assert.deepEqual(new Set(paths.map((p) => p.value)), new Set([2, 3]));
});

test('a program comes back from its bytes', () => {
  assert.deepEqual(decodeProgram(encodeProgram(program())), program());
});
