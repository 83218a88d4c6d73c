/** A container's life after `create`: what each command does to it, and that the kernel, not only the engine, shows it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { cgroupFile, cpuLimit, memoryLimit } from '../support/cgroup-file.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { cgroupDirectories } from '../support/inventory.ts';
import { needsRoot } from '../support/needs.ts';

describe('a container', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
  });
  after(() => engine?.close());

  const show = (name: string, format: string): Promise<string> => engine.must('inspect', '--format', format, name);
  const pid = async (name: string): Promise<number> => Number(await show(name, '{{.State.Pid}}'));
  const sleeper = (name: string, ...flags: readonly string[]): Promise<string> =>
    engine.must('run', '-d', '--name', name, '--network', 'none', ...flags, 'base', 'sleep', 'infinity');

  async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if (await holds()) return;
      await setTimeout(40);
    }
    assert.fail(`it did not happen that ${what}`);
  }

  test('is created, started with its output, and started again', async () => {
    const id = await engine.must('create', '--name', 'made', 'base', 'sh', '-c', 'echo once more; exit 3');
    assert.equal(await show('made', '{{.State.Status}} {{.State.Pid}}'), 'created 0');
    for (let times = 0; times < 2; times++)
      assert.deepEqual(await engine.hako(['start', '-a', id]), { code: 3, signal: null, stdout: 'once more\n', stderr: '' });
    assert.equal(await engine.must('logs', 'made'), 'once more\nonce more');
    assert.equal(await show('made', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 3');
    await engine.must('rm', 'made');
  });

  test('that is paused does not run, as its processor time shows', async () => {
    await engine.must('run', '-d', '--name', 'busy', '--network', 'none', 'base', 'sh', '-c', 'while :; do :; done');
    const process = await pid('busy');
    await engine.must('pause', 'busy');
    assert.equal(await show('busy', '{{.State.Status}} {{.State.Paused}}'), 'paused true');
    const before = ticks(process);
    await setTimeout(200);
    assert.equal(ticks(process), before);
    assert.match((await engine.hako(['exec', 'busy', 'true'])).stderr, /paused/);
    await engine.must('unpause', 'busy');
    await until(async () => ticks(process) > before, 'it went on');
    await engine.must('pause', 'busy');
    await engine.must('stop', '-t', '1', 'busy');
    assert.equal(await show('busy', '{{.State.ExitCode}}'), '137');
    await engine.must('rm', 'busy');
  });

  test('is stopped by its signal, and by SIGKILL when it does not heed it', async () => {
    await engine.must('run', '-d', '--name', 'polite', 'base', 'sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done');
    await engine.must('run', '-d', '--name', 'deaf', 'base', 'sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done');
    await engine.must('stop', '-t', '1', 'polite', 'deaf');
    assert.deepEqual([await show('polite', '{{.State.ExitCode}}'), await show('deaf', '{{.State.ExitCode}}')], ['0', '137']);
    assert.equal(await engine.must('stop', 'polite'), 'polite', 'stopping what is stopped is no error');
    await engine.must('start', 'deaf');
    await engine.must('kill', '-s', 'KILL', 'deaf');
    assert.equal(await engine.must('wait', 'deaf'), '137');
    assert.equal((await engine.hako(['kill', 'deaf'])).code, 1);
    await engine.must('rm', 'polite', 'deaf');
  });

  test('runs more processes, with their own codes and settings', async () => {
    await sleeper('host', '--env', 'A=container');
    const exec = (...args: readonly string[]): Promise<{ code: number | null; stdout: string }> => engine.hako(['exec', ...args]);
    assert.equal((await exec('host', 'sh', '-c', 'exit 12')).code, 12);
    assert.equal((await exec('host', 'no-such-command')).code, 127);
    assert.equal((await exec('host', '/etc')).code, 126);
    assert.equal(
      (await exec('-u', '7:8', '-w', '/tmp', '-e', 'B=own', 'host', 'sh', '-c', 'echo $(id -u) $(id -g) $PWD $A $B')).stdout,
      '7 8 /tmp container own\n',
    );
    assert.equal((await engine.hako(['exec', '-i', 'host', 'cat'], { input: 'through' })).stdout, 'through');
    await engine.must('exec', '-d', 'host', 'sh', '-c', 'echo done >/tmp/mark');
    await until(async () => (await exec('host', 'cat', '/tmp/mark')).stdout === 'done\n', 'the detached process ran');
    assert.equal((await exec('host', 'ps', '-o', 'pid=', '-p', '1')).stdout.trim(), '1');
    await engine.must('rm', '-f', 'host');
    assert.equal((await exec('host', 'true')).code, 1);
  });

  test('is listed by state, name, label and format', async () => {
    await sleeper('runs', '--label', 'kind=a');
    await engine.must('create', '--name', 'waits', '--label', 'kind=b', 'base', 'true');
    await engine.hako(['run', '--name', 'failed', 'base', 'sh', '-c', 'exit 5']);
    const names = async (...args: readonly string[]): Promise<string[]> =>
      (await engine.must('ps', '--format', '{{.Names}}', ...args)).split('\n').filter(Boolean).toSorted();
    assert.deepEqual(await names(), ['runs']);
    assert.deepEqual(await names('-a'), ['failed', 'runs', 'waits']);
    assert.deepEqual(await names('-a', '-f', 'status=created'), ['waits']);
    assert.deepEqual(await names('-a', '-f', 'exited=5'), ['failed']);
    assert.deepEqual(await names('-a', '-f', 'label=kind=b'), ['waits']);
    assert.deepEqual(await names('-a', '-f', 'label=kind', '-f', 'name=run'), ['runs']);
    assert.deepEqual(await names('-n', '1'), ['failed']);
    assert.match(
      await engine.must('ps', '-a', '--filter', 'name=failed'),
      /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n[0-9a-f]{12} +base +"sh -c 'exit 5'" .* Exited \(5\) .* failed$/,
    );
    assert.equal(JSON.parse(await engine.must('ps', '--format', 'json')).Names, 'runs');
    await engine.must('rename', 'waits', 'renamed');
    assert.deepEqual(await names('-a', '-f', 'status=created'), ['renamed']);
    assert.notEqual((await engine.hako(['rename', 'renamed', 'runs'])).code, 0);
    assert.equal((await engine.hako(['rm', 'runs'])).code, 1, 'what runs is not removed without force');
    await engine.must('rm', '-f', 'runs', 'renamed', 'failed');
  });

  test('has its logs followed until it ends', async () => {
    await engine.must(
      'run',
      '-d',
      '--name',
      'talker',
      '--network',
      'none',
      'base',
      'sh',
      '-c',
      'for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done; echo last >&2',
    );
    const { code, stdout, stderr } = await engine.hako(['logs', '--follow', 'talker']);
    assert.deepEqual([code, stdout, stderr], [0, 'line 1\nline 2\nline 3\nline 4\nline 5\n', 'last\n']);
    assert.equal((await engine.hako(['logs', '-n', '2', 'talker'])).stdout, 'line 5\n');
    assert.match((await engine.hako(['logs', '--timestamps', 'talker'])).stdout, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 1\n/);
    await engine.must('rm', 'talker');
  });

  test('shows its processes and what it uses', async () => {
    await engine.must('run', '-d', '--name', 'shown', '--memory', '64m', 'base', 'sh', '-c', 'sleep 1000 & wait');
    assert.match(await engine.must('top', 'shown'), /^UID +PID +PPID .*CMD\n(.*sh -c.*\n.*sleep 1000|.*sleep 1000.*\n.*sh -c.*)$/);
    const stats = JSON.parse(await engine.must('stats', '--no-stream', '--format', 'json', 'shown')) as Record<string, string>;
    assert.equal(stats['Name'], 'shown');
    assert.match(stats['MemUsage']!, /^[\d.]+\wi?B \/ 64MiB$/);
    assert.equal(stats['PIDs'], '2');
    await engine.must('rm', '-f', 'shown');
  });

  test('gets new limits while it runs, which the kernel shows', async () => {
    await sleeper('limited', '--memory', '64m', '--cpus', '0.5');
    const process = await pid('limited');
    assert.deepEqual([memoryLimit(process), cpuLimit(process)], [64 * 2 ** 20, 0.5]);
    await engine.must('update', '--memory', '96m', '--memory-swap', '128m', '--cpus', '0.75', '--pids-limit', '60', 'limited');
    assert.deepEqual([memoryLimit(process), cpuLimit(process), pidsLimit(process)], [96 * 2 ** 20, 0.75, '60']);
    const id = await show('limited', '{{.Id}}');
    const cgroups = (): string[] => cgroupDirectories(engine).filter((path) => path.endsWith(id));
    assert.ok(cgroups().length > 0);
    await engine.must('stop', '-t', '0', 'limited');
    assert.deepEqual(cgroups(), [], 'those that the update made go, too');
    await engine.must('restart', '-t', '0', 'limited');
    const next = await pid('limited');
    assert.deepEqual([memoryLimit(next), cpuLimit(next), pidsLimit(next)], [96 * 2 ** 20, 0.75, '60']);
    await engine.must('rm', '-f', 'limited');
  });

  test('is killed for memory beyond its limit, and says so', async () => {
    const { code } = await engine.hako([
      'run',
      '--name',
      'hungry',
      '--memory',
      '16m',
      '--memory-swap',
      '16m',
      'base',
      'sh',
      '-c',
      'head -c 64m /dev/zero | tail',
    ]);
    assert.ok(code === 137 || code === 1, String(code));
    await engine.hako(['run', '--name', 'eater', '--memory', '16m', '--memory-swap', '16m', 'base', 'tail', '/dev/zero']);
    assert.equal(await show('eater', '{{.State.ExitCode}} {{.State.OOMKilled}}'), '137 true');
    await engine.must('rm', 'hungry', 'eater');
  });

  test('comes back by its restart policy, unless its user stopped it', async () => {
    await engine.must('run', '-d', '--name', 'thrice', '--restart', 'on-failure:2', 'base', 'sh', '-c', 'echo run; exit 1');
    await until(async () => (await show('thrice', '{{.RestartCount}} {{.State.Status}}')) === '2 exited', 'it was started twice more');
    assert.equal(await engine.must('logs', 'thrice'), 'run\nrun\nrun');
    await sleeper('always', '--restart', 'always');
    const first = await pid('always');
    process.kill(first, 'SIGKILL');
    await until(async () => !['0', String(first)].includes(String(await pid('always'))), 'it came back');
    await engine.must('stop', '-t', '0', 'always');
    await setTimeout(300);
    assert.equal(await show('always', '{{.State.Status}}'), 'exited');
    await engine.must('rm', 'thrice', 'always');
  });

  test('is healthy or not, as its check says', async () => {
    await sleeper('unseen', '--health-cmd', 'true', '--health-interval', '1h');
    assert.equal(await show('unseen', '{{.State.Health.Status}}'), 'starting');
    await engine.must('rm', '-f', 'unseen');
    await sleeper('patient', '--health-cmd', 'test -e /well', '--health-interval', '100ms', '--health-retries', '2');
    await until(async () => (await show('patient', '{{.State.Health.Status}}')) === 'unhealthy', 'it became unhealthy');
    await engine.must('exec', 'patient', 'touch', '/well');
    await until(async () => (await show('patient', '{{.State.Health.Status}}')) === 'healthy', 'it became healthy');
    assert.match(await engine.must('ps', '--filter', 'health=healthy', '--format', '{{.Status}}'), /\(healthy\)$/);
    await engine.must('rm', '-f', 'patient');
  });

  test('that many commands work on at once ends in one state', async () => {
    await sleeper('contested', '--stop-signal', 'KILL');
    const commands = ['stop', 'start', 'restart', 'pause', 'unpause', 'kill', 'stop', 'start', 'inspect', 'logs', 'top', 'start'];
    const outcomes = await Promise.all(commands.map((command) => engine.hako([command, 'contested'])));
    for (const { stderr } of outcomes) assert.doesNotMatch(stderr, /\n\s+at |undefined|internal/i);
    assert.ok(['running', 'exited', 'paused'].includes(await show('contested', '{{.State.Status}}')));
    const removed = await Promise.all([1, 2, 3].map(() => engine.hako(['rm', '-f', 'contested'])));
    assert.ok(removed.some(({ code }) => code === 0));
    assert.equal(await engine.must('ps', '-aq'), '');
  });
});

/** The processor time a process has used, in the kernel's clock ticks: proc_pid_stat(5). */
function ticks(process: number): number {
  const fields = readFileSync(`/proc/${process}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

const pidsLimit = (process: number): string => cgroupFile(process, 'pids', ['pids.max', 'pids.max']).text;
