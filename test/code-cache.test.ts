/** scripts/start.cjs: the bundle of the command that is asked for is run, and what V8 compiled of it is kept for the next start. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

const start = join(import.meta.dirname, '../scripts/start.cjs');

/** A directory of bundles: the main one, and that of the command `say`, which says what it was given, or has the main one do it. */
function bundles(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hako-code-cache-'));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'code-cache'));
  writeFileSync(join(directory, 'main.js'), "console.log('main ' + process.argv.slice(2).join());\n");
  const say = `//oci-say.js-1
(function(require, __filename, __dirname) {
const used = () => require('node:path').sep;
if (process.argv.includes('main')) require('./main.js');
else console.log(JSON.stringify([...process.argv.slice(1), __filename, __dirname, used()]));
if (process.argv.includes('fail')) process.exit(3);
})
`;
  writeFileSync(join(directory, 'oci-say.js'), say);
  return directory;
}

const run = (directory: string, ...words: string[]): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [start, join(directory, 'main.js'), ...words], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
};

test("a command's bundle has the arguments, names and modules that it has when Node runs it", (t) => {
  const directory = bundles(t);
  const expected = `${JSON.stringify([join(directory, 'main.js'), '--b', 'say', 'x', join(directory, 'oci-say.js'), directory, '/'])}\n`;
  assert.deepEqual(run(directory, '--b', 'say', 'x'), { status: 0, output: expected });
  assert.deepEqual(run(directory, '--b', 'say', 'x'), { status: 0, output: expected }, 'from the cache');
});

test('the main bundle is run for what is no command, and where a command hands over to it', (t) => {
  const directory = bundles(t);
  assert.deepEqual(run(directory, '--version'), { status: 0, output: 'main --version\n' });
  assert.deepEqual(run(directory, 'other', '../say'), { status: 0, output: 'main other,../say\n' });
  assert.deepEqual(run(directory, 'say', 'main'), { status: 0, output: 'main say,main\n' });
});

test('what was compiled is kept under the name that the bundle begins with, and used as it is', (t) => {
  const directory = bundles(t);
  run(directory, 'say');
  const kept = join(directory, 'code-cache');
  assert.deepEqual(readdirSync(kept), ['oci-say.js-1']);
  const before = statSync(join(kept, 'oci-say.js-1'));
  assert.equal(before.mode & 0o777, 0o644, 'other users may read it, and nobody else may write it');
  run(directory, 'say');
  assert.equal(statSync(join(kept, 'oci-say.js-1')).ino, before.ino, 'it was not written again');
});

test('a command that fails keeps nothing', (t) => {
  const directory = bundles(t);
  assert.equal(run(directory, 'say', 'fail').status, 3);
  assert.deepEqual(readdirSync(join(directory, 'code-cache')), []);
});

test('what V8 refuses is compiled and written again', (t) => {
  const directory = bundles(t);
  const { output } = run(directory, 'say');
  const kept = join(directory, 'code-cache/oci-say.js-1');
  for (const damaged of [Buffer.alloc(0), Buffer.from('not of V8'), readFileSync(kept).subarray(0, 100)]) {
    writeFileSync(kept, damaged);
    assert.deepEqual(run(directory, 'say'), { status: 0, output });
    assert.ok(statSync(kept).size > 100);
  }
});

test('where nothing can be written, and for what has no name, it runs all the same', (t) => {
  const directory = bundles(t);
  const { output } = run(directory, 'say');
  rmSync(join(directory, 'code-cache'), { recursive: true });
  assert.deepEqual(run(directory, 'say'), { status: 0, output });
  const bundle = join(directory, 'oci-say.js');
  writeFileSync(bundle, readFileSync(bundle, 'utf8').replace('//oci-say.js-1', ''));
  assert.deepEqual(run(directory, 'say'), { status: 0, output });
  assert.deepEqual(readdirSync(directory).toSorted(), ['main.js', 'oci-say.js']);
});

test("Node's own cache is written although a program ends at once, as by exit_group(2)", (t) => {
  const directory = bundles(t);
  const compiled = join(directory, 'compile-cache');
  const atOnce = "process.once('exit', () => process.kill(process.pid, 'SIGKILL'));\n";
  writeFileSync(join(directory, 'main.js'), atOnce);
  spawnSync(process.execPath, [start, join(directory, 'main.js'), '--version'], { env: { ...process.env, NODE_COMPILE_CACHE: compiled } });
  const files = readdirSync(compiled, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.equal(files.length, 2, 'start.cjs and the main bundle');
});

test('a clone without the addon is told in one sentence; any other error has its stack', (t) => {
  const directory = bundles(t);
  const addon = "throw Object.assign(new Error('it can not be loaded'), { name: 'AddonError' });\n";
  writeFileSync(join(directory, 'main.js'), addon);
  assert.deepEqual(run(directory, '--version'), { status: 1, output: 'hako-oci: it can not be loaded\n' });
  writeFileSync(join(directory, 'oci-say.js'), `//oci-say.js-2\n(function(){${addon}})\n`);
  assert.deepEqual(run(directory, 'say'), { status: 1, output: 'hako-oci: it can not be loaded\n' });
  writeFileSync(join(directory, 'oci-say.js'), "//oci-say.js-3\n(function(){throw new Error('another')})\n");
  assert.match(run(directory, 'say').output, /Error: another\n\s+at /);
});
