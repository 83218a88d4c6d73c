/** scripts/start.cjs: a bundle is run as Node runs it, and what V8 compiled of it is kept for the next start. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

const start = join(import.meta.dirname, '../scripts/start.cjs');

/** A directory of bundles: main.js says what it was given, and what other.js exports. */
function bundles(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hako-code-cache-'));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'code-cache'));
  const main =
    "//main.js-1\nconst used = () => require('./other.js').word;\nconsole.log(JSON.stringify([...process.argv.slice(1), __filename, used()]));\nif (process.argv[2] === 'fail') process.exit(3);\n";
  writeFileSync(join(directory, 'main.js'), main);
  writeFileSync(join(directory, 'other.js'), "//other.js-1\nmodule.exports = { word: require('node:path').sep };\n");
  return directory;
}

const run = (directory: string, ...words: string[]): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [start, join(directory, 'main.js'), ...words], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
};

test('a bundle has the arguments, names and modules that it has when Node runs it', (t) => {
  const directory = bundles(t);
  const main = join(directory, 'main.js');
  const expected = `${JSON.stringify([main, 'a', '--b', main, '/'])}\n`;
  assert.deepEqual(run(directory, 'a', '--b'), { status: 0, output: expected });
  assert.deepEqual(run(directory, 'a', '--b'), { status: 0, output: expected }, 'from the cache');
});

test('what was compiled is kept under the name that the bundle begins with, and used as it is', (t) => {
  const directory = bundles(t);
  run(directory);
  const kept = join(directory, 'code-cache');
  assert.deepEqual(readdirSync(kept).toSorted(), ['main.js-1', 'other.js-1']);
  const before = statSync(join(kept, 'main.js-1'));
  assert.equal(before.mode & 0o777, 0o644, 'other users may read it, and nobody else may write it');
  run(directory);
  assert.equal(statSync(join(kept, 'main.js-1')).ino, before.ino, 'it was not written again');
});

test('a command that fails keeps nothing', (t) => {
  const directory = bundles(t);
  assert.equal(run(directory, 'fail').status, 3);
  assert.deepEqual(readdirSync(join(directory, 'code-cache')), []);
});

test('what V8 refuses is compiled and written again', (t) => {
  const directory = bundles(t);
  const { output } = run(directory);
  const kept = join(directory, 'code-cache/main.js-1');
  for (const damaged of [Buffer.alloc(0), Buffer.from('not of V8'), readFileSync(kept).subarray(0, 100)]) {
    writeFileSync(kept, damaged);
    assert.deepEqual(run(directory), { status: 0, output });
    assert.ok(statSync(kept).size > 100);
  }
});

test('where nothing can be written, and for what has no name, it runs all the same', (t) => {
  const directory = bundles(t);
  const { output } = run(directory);
  rmSync(join(directory, 'code-cache'), { recursive: true });
  assert.deepEqual(run(directory), { status: 0, output });
  const main = join(directory, 'main.js');
  writeFileSync(main, readFileSync(main, 'utf8').replace('//main.js-1', ''));
  assert.deepEqual(run(directory), { status: 0, output });
  assert.deepEqual(readdirSync(directory).toSorted(), ['main.js', 'other.js']);
});
