import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { firstOf, needs, needsController } from '../../test/support/needs.ts';
import { FakeEngine, runHako, type Ended } from './engine-fixture.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to make cgroups';
const base = mkdtempSync(join(tmpdir(), 'hako-cgroup-cli-'));
const name = `hako-test-cli-${process.pid}`;
const id = 'c0ffee'.repeat(11).slice(0, 64);
/** No engine is there, and none is started. */
const hako = (...args: string[]): Promise<Ended> => runHako(['cgroup', ...args], { HAKO_RUN: base });
after(async () => {
  await hako('remove', '--force', name);
  rmSync(base, { recursive: true, force: true });
});

test(
  'make, set, run, show, remove: from the shell as a person types it',
  { skip: firstOf(unable, needsController('cpu'), needsController('pids')) },
  async () => {
    assert.deepEqual(await hako('make', name), { code: 0, stdout: `/${name}\n`, stderr: '' });
    assert.deepEqual(await hako('set', name, '--cpus', '0.3', '--pids-limit', '50'), { code: 0, stdout: '', stderr: '' });
    const { stdout, code } = await hako('run', name, '--', 'sh', '-c', 'cat /proc/self/cgroup; exit 7');
    assert.equal(code, 7);
    assert.equal(
      stdout.split('\n').filter((line) => line.endsWith(`:/${name}`)).length,
      stdout
        .trim()
        .split('\n')
        .filter((line) => !/name=/.test(line)).length,
      stdout,
    );
    const shown = await hako('show', name);
    assert.match(shown.stdout, /at most 30 ms in each 100 ms: 0\.3/);
    for (const line of shown.stdout.split('\n')) assert.ok(line.length <= 80 || /^\S|^ {2}\S+$/.test(line), line);
    const view = JSON.parse((await hako('show', '--format', 'json', name)).stdout) as {
      path: string;
      controllers: { controller: string; figures: { file: string; value: string }[] }[];
    };
    assert.equal(view.path, `/${name}`);
    assert.equal(view.controllers.find(({ controller }) => controller === 'pids')!.figures.find(({ file }) => file === 'pids.max')!.value, '50');
    assert.ok((await hako('ls', '-q')).stdout.split('\n').includes(`/${name}`));
    assert.deepEqual(await hako('freeze', name), { code: 0, stdout: `${name}\n`, stderr: '' });
    assert.match((await hako('run', name, '--', 'true')).stderr, /is frozen, so nothing would run in it/);
    assert.equal((await hako('thaw', name)).code, 0);
    assert.deepEqual(await hako('remove', name), { code: 0, stdout: `${name}\n`, stderr: '' });
    assert.equal((await hako('run', '--rm', '--pids-limit', '20', name, '--', 'grep', '-q', name, '/proc/self/cgroup')).code, 0);
    assert.match((await hako('show', name)).stderr, /there is no cgroup/);
  },
);

test('top: JSON lines, a table where there is no terminal, names of containers from the engine', { skip: unable }, async () => {
  await hako('make', `${name}/${id}`);
  const engine = await new FakeEngine({ answers: { 'GET /containers/json': () => [{ Id: id, Names: ['/web'] }] } }).start();
  try {
    const line = (await engine.hako(['cgroup', 'top', '--once', '-i', '100ms', '--format', 'json', name])).stdout;
    const interval = JSON.parse(line) as { seconds: number; machine: { processors: number }; rows: { path: string; container?: string }[] };
    assert.ok(interval.seconds >= 0.1 && interval.machine.processors > 0);
    assert.deepEqual(
      interval.rows.map(({ path, container }) => [path, container]),
      [
        [`/${name}`, undefined],
        [`/${name}/${id}`, 'web'],
      ],
    );
    const table = (await engine.hako(['cgroup', 'top', '--once', '-i', '100ms', '--sort', 'name', name])).stdout;
    assert.match(table, /^CGROUP +CPU%.*\n\/hako-test-cli-.*\nweb +/);
    assert.ok(!table.includes('\x1b'));
    assert.match((await engine.hako(['cgroup', 'ls', name])).stdout, /web/);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
  assert.match((await hako('top', '--explain-columns')).stdout, /^STOP% +of its periods/m);
  assert.ok((await hako('remove', '--force', name)).code === 0 && !existsSync(`/sys/fs/cgroup/unified/${name}`));
});

test('top on a terminal: drawn over itself on a screen of its own, ended by a key, and the terminal is given back', { skip: unable || needs('script') }, () => {
  const command = [process.execPath, join(import.meta.dirname, 'main.ts'), 'cgroup', 'top'].map((word) => `'${word}'`).join(' ');
  const { status, stdout } = spawnSync(
    'script',
    ['--quiet', '--return', '--flush', '--command', `stty rows 24 cols 80; ${command}; echo "ended $?"; stty -a`, '/dev/null'],
    {
      input: 'nq',
      encoding: 'utf8',
      env: { ...process.env, HAKO_RUN: base },
      timeout: 60_000,
    },
  );
  assert.equal(status, 0, stdout);
  const plain = stdout.replaceAll('\x1b', '^'); // escapes as a person sees them
  const [before, screen, afterwards] = plain.split(/\^\[\?1049[hl]/);
  assert.ok(screen !== undefined && afterwards !== undefined, stdout);
  assert.ok(!before!.includes('^[?2026h'));
  assert.match(screen, /\^\[\?2026h\^\[Hhako cgroup top · .* by name · every 1 s\^\[K/);
  assert.ok(!screen.includes('^[2J', 20), 'the screen is cleared once, not for each drawing');
  assert.match(afterwards, /ended 0/);
  assert.match(afterwards, / icanon .*| echo /);
});

test('bad input is one clear sentence', { skip: unable }, async () => {
  const own = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .map((line) => line.split(':')[2])
    .find((path) => path && path !== '/');
  for (const [args, code, sentence] of [
    [['make', '/'], 1, /^"\/" is the root/],
    [['make', '../etc'], 1, /^"\/\.\.\/etc" is not a cgroup path/],
    [['make', name, '--controllers', 'gpu'], 1, /^this machine has no gpu cgroup controller; it has /],
    [['make', name, '--cpus', '0.000001'], 125, /^--cpus 0\.000001 is too little/],
    [['set', 'no-such-group', '--cpus', '1'], 1, /^there is no cgroup \/no-such-group in any hierarchy: make it with/],
    [['set', 'no-such-group'], 125, /^nothing to set/],
    [['set', 'no-such-group', 'cpu.shares'], 125, /^"cpu\.shares" is not of the form FILE=VALUE/],
    [['show', 'cgroup.procs'], 1, /^there is no cgroup \/cgroup\.procs in any hierarchy/],
    [['ls', 'no-such-group'], 1, /^there is no cgroup \/no-such-group/],
    [['remove', 'system.slice'], 1, /^\/system\.slice is kept by the service manager/],
    [['move', name, 'abc'], 125, /^"abc" is not a process id/],
    [['run', name, '--'], 125, /^no command given/],
    [['run', '--cpus', '1', name, 'true'], 125, /^--cpus is for a cgroup made by --rm/],
    [['top', '--sort', 'colour'], 125, /^invalid argument "colour" for "--sort" flag: it must be one of cpu/],
    [['top', '--once', 'no-such-group'], 1, /^there is no cgroup/],
    ...(own ? ([[['kill', own], 1, /is the machine's own/]] as const) : []),
  ] as const) {
    const { code: got, stdout, stderr } = await hako(...args);
    assert.deepEqual([got, stdout], [code, ''], `${args.join(' ')}: ${stderr}`);
    assert.match(stderr.replace(/^hako: /, ''), sentence);
    assert.ok(stderr.trim().split('\n').length <= 2, stderr);
  }
});
