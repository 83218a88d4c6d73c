import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { architecture, type Architecture } from '../syscalls.ts';
import { initArguments, initProgram } from './init-elf.ts';

function inPath(...names: string[]): string | undefined {
  const isExecutable = (path: string): boolean => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return names.flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, name))).find(isExecutable);
}

const directory = mkdtempSync(join(tmpdir(), 'hako-init-'));
after(() => rmSync(directory, { recursive: true }));
const emulator = inPath('qemu-aarch64', 'qemu-aarch64-static');

for (const machine of ['x64', 'arm64'] satisfies Architecture[]) {
  const native = machine === architecture;
  const skip = !native && (machine === 'x64' ? 'x86-64 programs do not run here' : !emulator && 'qemu-aarch64 (package qemu-user) is not installed');
  describe(`the init for ${machine}`, { skip }, () => {
    const file = join(directory, `init-${machine}`);
    writeFileSync(file, initProgram(machine), { mode: 0o755 });
    const [program = '', ...first] = native ? [file] : [emulator!, file];
    /** The words that run a shell script under the init. */
    const words = (script: string): string[] => [program, ...first, ...initArguments(['/bin/sh'], ['sh', '-c', script]).slice(1)];
    const run = (...args: string[]) => spawnSync(program, [...first, ...args], { encoding: 'utf8' });
    const start = (script: string, before: string[] = []): { child: ChildProcessByStdio<null, Readable, null>; lines: AsyncIterator<string> } => {
      const [command = '', ...args] = [...before, ...words(script)];
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
    };
    const line = async (lines: AsyncIterator<string>): Promise<string> => (await lines.next()).value as string;

    test('ends as the command ends', () => {
      assert.equal(run('/bin/sh', '--', 'sh', '-c', 'exit 7').status, 7);
      assert.equal(run('/bin/sh', '--', 'sh', '-c', 'kill -KILL $$').status, 128 + 9);
      assert.equal(run('/bin/sh', '--', 'sh', '-c', 'kill -SEGV $$').status, 128 + 11);
    });

    test('gives the command its arguments and environment', () => {
      const { stdout } = spawnSync(program, [...first, ...initArguments(['/bin/sh'], ['name', '-c', 'echo "$0|$1|$2|$X"', 'a', 'b c', '--']).slice(1)], {
        encoding: 'utf8',
        env: { X: 'y' },
      });
      assert.equal(stdout, 'a|b c|--|y\n');
    });

    test('tries candidates in order; says what failed', () => {
      assert.equal(run('/nope/sh', '/etc/passwd/sh', '/bin/sh', '--', 'sh', '-c', 'exit 3').status, 3);
      const missing = run('/nope', '--', 'x');
      assert.deepEqual([missing.status, missing.stderr], [127, 'init: the command was not found\n']);
      const refused = run('/etc/passwd', '/nope', '--', 'x');
      assert.deepEqual([refused.status, refused.stderr], [126, 'init: the command cannot be executed\n']);
      assert.equal(run('no', 'separator').status, 127);
    });

    test('the command has no signal blocked, and no other changed', () => {
      const mask = (status: string, name: string): string => new RegExp(`${name}:\\s*(\\w+)`).exec(status)![1]!;
      const { stdout } = run('/bin/cat', '--', 'cat', '/proc/self/status');
      assert.equal(mask(stdout, 'SigBlk'), '0000000000000000');
      if (native) assert.equal(mask(stdout, 'SigIgn'), mask(spawnSync('/bin/cat', ['/proc/self/status'], { encoding: 'utf8' }).stdout, 'SigIgn'));
    });

    test('an ignored SIGCHLD does not lose the status', { skip: !inPath('perl') && 'perl is missing' }, () => {
      const { status } = spawnSync('perl', ['-e', '$SIG{CHLD} = "IGNORE"; exec @ARGV', ...words('exit 7')]);
      assert.equal(status, 7);
    });

    test('passes signals on to the command', async () => {
      const names = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM', 'CONT', 'WINCH'] as const;
      const traps = names.map((name) => `trap 'echo ${name}' ${name}`).join('; ');
      const { child, lines } = start(`${traps}; trap 'kill -KILL $!; exit 5' ALRM; sleep 1000 & echo ready; while :; do wait $!; done`);
      assert.equal(await line(lines), 'ready');
      for (const name of names) {
        child.kill(`SIG${name}`);
        assert.equal(await line(lines), name);
      }
      child.kill('SIGALRM');
      assert.deepEqual(await once(child, 'exit'), [5, null]);
    });

    test('ends with 128+n when the signal that was passed on ends the command', async () => {
      const { child, lines } = start('echo ready; exec sleep 1000');
      assert.equal(await line(lines), 'ready');
      child.kill('SIGTERM');
      assert.deepEqual(await once(child, 'exit'), [128 + 15, null]);
    });

    const unshare = inPath('unshare');
    const noNamespace = (process.getuid?.() !== 0 && 'only root can make a PID namespace') || (!unshare && 'unshare is missing');
    test('as process 1: takes signals, reaps orphans, and takes the namespace with it', { skip: noNamespace }, async () => {
      const script = `trap 'echo terminated; kill -KILL $!' TERM
        (sh -c 'exec sleep 0.01' & echo $! > "${directory}/orphan")
        orphan=$(cat "${directory}/orphan")
        tries=0
        while [ -e /proc/$orphan ] && [ $tries -lt 500 ]; do sleep 0.01; tries=$((tries + 1)); done
        if [ -e /proc/$orphan ]; then echo zombie; else echo reaped; fi
        sleep 1000 & echo $!
        wait $!
        exit 4`;
      const { child, lines } = start(script, [unshare!, '--pid', '--fork', '--mount-proc', '--kill-child']);
      assert.equal(await line(lines), 'reaped');
      await line(lines);
      const init = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
      process.kill(init, 'SIGTERM');
      assert.equal(await line(lines), 'terminated');
      assert.deepEqual(await once(child, 'exit'), [4, null]);
      assert.throws(() => process.kill(init, 0), { code: 'ESRCH' });
    });

    const scriptProgram = inPath('script');
    test('the command is in the foreground of its terminal', { skip: !scriptProgram && 'script is missing' }, () => {
      const show = 'read -r stat < /proc/self/stat; set -- $stat; [ $5 = $8 ] && echo foreground || echo background; exit 6';
      const { stdout, status } = spawnSync(
        scriptProgram!,
        [
          '-qec',
          words(show)
            .map((word) => `'${word}'`)
            .join(' '),
          '/dev/null',
        ],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
      );
      assert.match(stdout, /^foreground/);
      assert.equal(status, 6);
    });
  });
}
