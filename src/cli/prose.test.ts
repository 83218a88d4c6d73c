import assert from 'node:assert/strict';
import test from 'node:test';
import { alignColumns, displayWidth } from './columns.ts';
import { painter } from './paint.ts';
import { wrapProse } from './prose.ts';

test('words stay whole, and so does code', () => {
  assert.deepEqual(wrapProse('The mount fails with `EPERM` then.', 16), ['The mount fails', 'with `EPERM`', 'then.']);
  assert.deepEqual(wrapProse('See `ls -l /proc/self/fd` for it (`fd`).', 12), ['See', '`ls -l /proc/self/fd`', 'for it', '(`fd`).']);
  assert.deepEqual(wrapProse('', 10), []);
  assert.deepEqual(wrapProse('a\nforged \x1b[2J line', 40), ['a forged ?[2J line']);
});

test('Japanese breaks between any two characters, but for marks and brackets', () => {
  assert.deepEqual(wrapProse('あいうえおかきくけこ', 10), ['あいうえお', 'かきくけこ']);
  assert.deepEqual(wrapProse('あいうえお。かき', 10), ['あいうえ', 'お。かき'], 'no mark begins a line');
  assert.deepEqual(wrapProse('あいうえ「かき」', 10), ['あいうえ', '「かき」'], 'no bracket is left alone');
  assert.deepEqual(wrapProse('コピーしたデータ', 4), ['コ', 'ピー', 'した', 'デー', 'タ'], 'a long vowel stays with its syllable');
  assert.deepEqual(wrapProse('端末は `ptmx` を開く', 10), ['端末は', '`ptmx` を', '開く']);
  for (const line of wrapProse('コンテナの root は、/proc/sys に書けるかもしれません (EROFS)。'.repeat(5), 40)) assert.ok(displayWidth(line) <= 40, line);
});

test('what others wrote gives a terminal no orders; paint is kept, and takes no room', (t) => {
  const { NO_COLOR } = process.env;
  t.after(() => (NO_COLOR === undefined ? delete process.env['NO_COLOR'] : (process.env['NO_COLOR'] = NO_COLOR)));
  delete process.env['NO_COLOR'];
  const terminal = { isTTY: true } as NodeJS.WriteStream;
  const painted = painter(terminal)('bold', 'name');
  assert.equal(painted, '\x1b[1mname\x1b[0m');
  assert.deepEqual(wrapProse(`${painted} a\x1b]0;t\x07b \x9bc`, 14), [`${painted} a?]0;t?b`, '?c']);
  assert.equal(alignColumns([['a\x1b[2Jb\nc', 'd']], { least: 0 }), 'a?[2Jb c   d\n');
  process.env['NO_COLOR'] = '1';
  assert.equal(painter(terminal)('bold', 'name'), 'name');
});
