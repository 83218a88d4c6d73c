/** `hako run`, as a script sees it: exit codes, streams, signals, and what the flags make of the process. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { after, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { needsRoot } from '../support/needs.ts';

describe('run', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
  });
  after(() => engine?.close());

  const codes: readonly (readonly [what: string, code: number, ...args: string[]])[] = [
    ['the command succeeds', 0, 'base', 'true'],
    ['the command fails', 42, 'base', 'sh', '-c', 'exit 42'],
    ['a signal ends the command', 137, '--pid', 'host', 'base', 'sh', '-c', 'kill -9 $$'],
    ['there is no such command', 127, 'base', 'no-such-command'],
    ['there is no such file', 127, 'base', '/no/such/file'],
    ['the command is a directory', 126, 'base', '/etc'],
    ['the command is no program', 126, 'base', '/etc/passwd'],
    ['there is no such image', 125, 'no-such-image', 'true'],
    ['there is no such flag', 125, '--no-such-flag', 'base', 'true'],
    ['a flag has no such value', 125, '--memory', 'much', 'base', 'true'],
  ];
  for (const [what, code, ...args] of codes) {
    for (const terminal of [false, true]) {
      test(`ends with ${code} when ${what}${terminal ? ', in a terminal' : ''}`, async () => {
        const outcome = await engine.hako(['run', '--rm', '--network', 'none', ...(terminal ? ['-t'] : []), ...args]);
        assert.equal(outcome.code, code, outcome.stderr);
      });
    }
  }

  test('keeps the two streams apart, and bytes as they are', async () => {
    const { stdout, stderr } = await engine.hako(['run', '--rm', 'base', 'sh', '-c', String.raw`printf 'a\000b\r\n'; printf 'error' >&2`]);
    assert.equal(stdout, 'a\0b\r\n');
    assert.equal(stderr, 'error');
  });

  test('-i passes the input, to its end', async () => {
    const input = Buffer.alloc(3_000_000, 'all that is written is read\n');
    const { stdout } = await engine.hako(['run', '--rm', '-i', 'base', 'cat'], { input });
    assert.ok(stdout === input.toString());
    assert.equal((await engine.hako(['run', '--rm', 'base', 'cat'], { input: 'not asked for' })).stdout, '');
  });

  test('passes signals on, and ends as the command does', async () => {
    for (const [signal, code] of [
      ['SIGTERM', 3],
      ['SIGINT', 4],
      ['SIGHUP', 5],
    ] as const) {
      const child = engine.spawnHako([
        'run',
        '--rm',
        'base',
        'sh',
        '-c',
        'trap "exit 3" TERM; trap "exit 4" INT; trap "exit 5" HUP; echo ready; while :; do sleep 0.05; done',
      ]);
      await once(child.stdout!, 'data');
      child.kill(signal);
      assert.deepEqual(await once(child, 'exit'), [code, null], signal);
    }
  });

  test('-d prints the id and comes back, --cidfile and --name name it', async () => {
    const id = await engine.must('run', '-d', '--name', 'behind', 'base', 'sleep', 'infinity');
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(await engine.must('inspect', '--format', '{{.Id}} {{.Name}}', 'behind'), `${id} /behind`);
    const again = await engine.hako(['run', '-d', '--name', 'behind', 'base', 'true']);
    assert.equal(again.code, 125);
    assert.match(again.stderr, /behind.*in use/);
    await engine.must('rm', '-f', id.slice(0, 12));
  });

  test('--rm removes the container, whose name is free again', async () => {
    for (let times = 0; times < 2; times++) await engine.must('run', '--rm', '--name', 'short', 'base', 'true');
    assert.equal(await engine.must('ps', '-aq', '--filter', 'name=short'), '');
  });

  const settings: readonly (readonly [flags: readonly string[], script: string, expected: string])[] = [
    [['--env', 'A=1', '-e', 'B=x y', '--env', 'PATH=/usr/bin:/bin'], 'echo "$A $B $PATH"', '1 x y /usr/bin:/bin'],
    [['--workdir', '/made/for/it'], 'pwd', '/made/for/it'],
    [['--user', '1234:5678'], 'echo $(id -u) $(id -g)', '1234 5678'],
    [['--user', 'nobody'], 'id -un', 'nobody'],
    [['--user', '1000', '--group-add', '44', '--group-add', '45'], 'id -G', '0 44 45'],
    [['--hostname', 'ship'], 'hostname; cat /etc/hostname', 'ship\nship'],
    // /var/run is a link to /run.
    [['--tmpfs', '/run', '--tmpfs', '/var/run/lock'], 'touch /run/lock/x && ls /var/run/lock', 'x'],
    [['--read-only', '--tmpfs', '/scratch'], 'touch /x 2>/dev/null || echo read-only; touch /scratch/x && echo written', 'read-only\nwritten'],
    [['--ulimit', 'nofile=100:200'], 'ulimit -Sn; ulimit -Hn', '100\n200'],
    [['--cap-drop', 'ALL'], 'grep CapEff /proc/self/status | tr -d "\\t"', 'CapEff:0000000000000000'],
    [['--sysctl', 'net.ipv4.ip_unprivileged_port_start=7'], 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start', '7'],
    [['--shm-size', '2m'], 'df -B1 --output=size /dev/shm | tail -1', '2097152'],
    [['--entrypoint', '/bin/echo'], 'words', '-c words'],
    [['--oom-score-adj', '300'], 'cat /proc/self/oom_score_adj', '300'],
    [['--add-host', 'harbour:10.1.2.3'], 'grep harbour /etc/hosts | tr "\\t" " "', '10.1.2.3 harbour'],
  ];
  for (const [flags, script, expected] of settings) {
    test(`${flags.join(' ')} is what the process sees`, async () => {
      const command = flags[0] === '--entrypoint' ? ['-c', script] : ['sh', '-c', script];
      assert.equal((await engine.must('run', '--rm', ...flags, 'base', ...command)).trim(), expected);
    });
  }

  test('--init reaps what nobody waits for; without it, zombies stay', async () => {
    // timeout(1), as the first process, waits for its own child only.
    const script = "sh -c 'sleep 0.05 & exec true'; sleep 0.4; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
    assert.equal(await engine.must('run', '--rm', '--init', 'base', 'timeout', '9', 'sh', '-c', script), '0');
    assert.equal(await engine.must('run', '--rm', 'base', 'timeout', '9', 'sh', '-c', script), '1');
    assert.equal((await engine.hako(['run', '--rm', '--init', 'base', 'sh', '-c', 'exit 9'])).code, 9);
    assert.equal((await engine.hako(['run', '--rm', '--init', 'base', 'no-such-command'])).code, 127);
  });

  test('--stop-signal is what stop sends', async () => {
    await engine.must('run', '-d', '--name', 'usr', '--stop-signal', 'SIGUSR1', 'base', 'sh', '-c', 'trap "exit 11" USR1; while :; do sleep 0.05; done');
    await engine.must('stop', 'usr');
    assert.equal(await engine.must('inspect', '--format', '{{.State.ExitCode}}', 'usr'), '11');
    await engine.must('rm', 'usr');
  });

  test('thirty at a time all run, each with its own output', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        engine.hako(['run', '--rm', '--network', i % 2 ? 'none' : 'bridge', 'base', 'sh', '-c', `echo number ${i}; exit ${i}`]),
      ),
    );
    assert.deepEqual(
      outcomes.map(({ code, stdout, stderr }) => [code, stdout, stderr]),
      outcomes.map((_, i) => [i, `number ${i}\n`, '']),
    );
  });
});
