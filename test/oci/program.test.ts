/** The launcher's choice of a command's bundle is a guess: whatever it takes, the command that was meant is run, with its own status. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';

const launcher = join(import.meta.dirname, '../../hako-oci');
const directory = mkdtempSync(join(tmpdir(), 'hako-oci-program-'));
after(() => rmSync(directory, { recursive: true }));

const run = (...words: string[]): { status: number | null; stdout: string; stderr: string } => {
  const { status, stdout, stderr } = spawnSync(launcher, words, { cwd: directory, encoding: 'utf8' });
  return { status, stdout, stderr };
};

test("a flag's value that is the name of another command", () => {
  const listed = run('--root', 'state', 'list');
  assert.match(listed.stdout, /^ID +PID +STATUS/);
  assert.equal(listed.status, 0);
  const missing = run('--root', 'create', 'state', 'list');
  assert.deepEqual(missing, { status: 1, stdout: '', stderr: 'container does not exist: list\n' });
});

test('help, by any way', () => {
  const help = run('--help').stdout;
  assert.match(help, /Commands:\n {2}checkpoint/);
  for (const words of [['help'], [], ['-h']]) assert.equal(run(...words).stdout, help);
  const ofState = run('state', '--help').stdout;
  assert.match(ofState, /^Usage: hako-oci state CONTAINER/);
  assert.equal(run('help', 'state').stdout, ofState);
});

test('what is no command is said, with status 1', () => {
  assert.deepEqual(run('fly', 'state'), { status: 1, stdout: '', stderr: 'unknown command "fly": see hako-oci --help\n' });
});
