import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { needs } from '../../test/support/needs.ts';
import { cloneFlags } from '../kernel/flags.ts';
import { explained } from './interpret.ts';
import { foreground, type ForegroundPlan } from './foreground.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to make namespaces';
const source = (name: string): string => JSON.stringify(join(import.meta.dirname, name));
/** A process that runs a program in the foreground, as a command does. */
const runner = (args: readonly string[], flags: number): string[] => [
  '--input-type=module',
  '-e',
  `import { applied } from ${source('interpret.ts')};
   import { foreground } from ${source('foreground.ts')};
   process.exit(await applied(foreground({ name: 'test', flags: ${flags}, inside: [], args: ${JSON.stringify(args)}, env: ['PATH=/usr/bin:/bin'], shell: '' })));`,
];

test('a program in the foreground has our streams, session, directory and exit code, and the namespaces asked for', { skip: unable }, () => {
  const shell = 'cat; echo err >&2; readlink /proc/self/ns/uts; cut -d" " -f6 /proc/self/stat; pwd; ls /proc/$$/fd | tr "\\n" " "; exit 7';
  const { status, stdout, stderr } = spawnSync(process.execPath, runner(['sh', '-c', shell], cloneFlags.CLONE_NEWUTS), {
    input: 'in\n',
    encoding: 'utf8',
    cwd: '/usr',
  });
  const [input, uts, session, directory, descriptors] = stdout.split('\n');
  assert.deepEqual([status, stderr, input, directory, descriptors], [7, 'err\n', 'in', '/usr', '0 1 2 ']);
  assert.notEqual(uts, readlinkSync('/proc/self/ns/uts'));
  assert.equal(session, readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')[3]);
});

test('a signal that ends it is told as a shell tells it; one that ends us is passed on', { skip: unable }, async () => {
  assert.equal(spawnSync(process.execPath, runner(['sh', '-c', 'kill -9 $$'], 0)).status, 137);
  const child = spawn(process.execPath, runner(['sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'], 0), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [3, null]);
});

test('its monitor ends with it, also when nobody is there to be told', { skip: unable }, async () => {
  const child = spawn(process.execPath, runner(['sh', '-c', 'echo $$; exec sleep 60'], 0), { stdio: ['ignore', 'pipe', 'inherit'] });
  const program = Number(String(await once(child.stdout, 'data')));
  const status = (pid: number): string[] => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const monitor = Number(status(program)[1]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  process.kill(program, 'SIGKILL');
  const isThere = (): boolean => {
    try {
      return status(monitor)[0] !== 'Z';
    } catch {
      return false;
    }
  };
  for (let tries = 0; isThere() && tries < 250; tries++) await setTimeout(20);
  assert.equal(isThere(), false);
});

test("a terminal's keys are for it: hako waits on", { skip: unable || needs('script') }, async () => {
  const node = [process.execPath, ...runner(['sh', '-c', 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.05; done'], cloneFlags.CLONE_NEWUTS)];
  const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
  // script(1) gives it a terminal; what is written to it comes as keys: 3 is ctrl-C. Not below $SHELL, which the key is for, too, and may end.
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', `exec ${node.map(quote).join(' ')}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (!seen.includes('ready') && (seen + text).includes('ready')) child.stdin.write('\x03');
    seen += text;
  });
  const ended = await once(child, 'close');
  assert.match(seen, /^ready\r\n(\^C)?caught\r\n$/);
  assert.deepEqual(ended, [5, null], seen);
});

test('it is explained without a call being made', () => {
  const plan: ForegroundPlan = { name: 'x', flags: cloneFlags.CLONE_NEWUTS, inside: [], args: ['true'], env: [], shell: 'unshare --uts true' };
  const steps = explained(foreground(plan));
  assert.deepEqual(
    steps.map(({ id }) => id),
    ['process.streams', 'process.clone', 'process.started', 'process.end'],
  );
  assert.deepEqual(steps[1]!.inside.at(-1)?.id, 'process.exec');
});

test('a program that is not there is exit code 127, with one sentence', { skip: unable }, () => {
  const { status, stderr } = spawnSync(process.execPath, runner(['no-such-program'], 0), { encoding: 'utf8' });
  assert.notEqual(status, 0);
  assert.match(stderr, /executable file not found in \$PATH/);
});
