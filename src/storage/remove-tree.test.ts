import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { removal, removeTree } from './remove-tree.ts';

function makeDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hako-remove-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('a tree deeper than any path is removed', (t) => {
  const directory = makeDirectory(t);
  // 300 times 50 characters: almost four times PATH_MAX, made step by step as a container would.
  const script = `mkdir ${directory}/tree; cd -P ${directory}/tree; i=0; while [ $i -lt 300 ]; do mkdir ${'d'.repeat(50)}; cd -P ${'d'.repeat(50)}; : > file; i=$((i+1)); done`;
  assert.equal(spawnSync('bash', ['-ec', script]).status, 0);
  removeTree(join(directory, 'tree'));
  assert.deepEqual(readdirSync(directory), []);
});

test('links are removed, not followed; odd names are names', (t) => {
  const directory = makeDirectory(t);
  mkdirSync(join(directory, 'outside'));
  writeFileSync(join(directory, 'outside/file'), '');
  mkdirSync(join(directory, 'tree/sub'), { recursive: true });
  symlinkSync(join(directory, 'outside'), join(directory, 'tree/sub/link'));
  writeFileSync(Buffer.concat([Buffer.from(join(directory, 'tree/')), Buffer.from([0xff, 0x0a, 0xfe])]), '');
  symlinkSync(join(directory, 'outside'), join(directory, 'direct'));
  removeTree(join(directory, 'tree'));
  removeTree(join(directory, 'direct'));
  removeTree(join(directory, 'not there'));
  assert.deepEqual(readdirSync(directory), ['outside']);
  assert.ok(existsSync(join(directory, 'outside/file')));
});

test('a removal that is interrupted goes on elsewhere, and the name is free at once', (t) => {
  const directory = makeDirectory(t);
  mkdirSync(join(directory, 'tree/a/b'), { recursive: true });
  const work = removal(join(directory, 'tree'))!;
  assert.ok(!existsSync(join(directory, 'tree')));
  work.steps.next();
  removeTree(work.rest);
  assert.deepEqual(readdirSync(directory), []);
});

test('nothing is removed through a mount', (t) => {
  const directory = makeDirectory(t);
  mkdirSync(join(directory, 'mine'));
  writeFileSync(join(directory, 'mine/precious'), '');
  mkdirSync(join(directory, 'tree/mount'), { recursive: true });
  const program = `import { removeTree } from '${import.meta.dirname}/remove-tree.ts'; try { removeTree('${directory}/tree'); console.log('removed') } catch (error) { console.log(error.code) }`;
  writeFileSync(join(directory, 'program.ts'), program);
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-ec', `mount --bind ${directory}/mine ${directory}/tree/mount; exec ${process.execPath} ${directory}/program.ts`],
    { encoding: 'utf8' },
  );
  assert.equal(stdout, 'EBUSY\n', stderr);
  assert.ok(existsSync(join(directory, 'mine/precious')));
});
