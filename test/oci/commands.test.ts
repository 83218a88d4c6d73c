/** The commands of hako-oci that look at a container, signal it and take it away: on a process with a cgroup and a state, made by hand. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { processStat } from '../../src/kernel/process-stat.ts';
import { needs } from '../support/needs.ts';
import { OciRuntime } from '../support/oci-runtime.ts';

const skip = process.getuid!() !== 0 && 'needs root';

describe('hako-oci', { skip }, () => {
  test('state and list show a container as the specification and runc have it', async () => {
    await using runtime = new OciRuntime();
    const child = runtime.spawn('sleep', '1000');
    await runtime.adopt('one', child, { annotations: { 'org.example.key': 'v' } });
    const state = JSON.parse(runtime.must('state', 'one')) as Record<string, unknown>;
    assert.deepEqual(state, {
      ociVersion: '1.2.0',
      id: 'one',
      pid: child.pid,
      status: 'running',
      bundle: runtime.base,
      rootfs: join(runtime.base, 'rootfs'),
      created: '2026-01-02T03:04:05.678Z',
      annotations: { 'org.example.key': 'v' },
      owner: 'root',
    });
    assert.deepEqual(JSON.parse(runtime.must('list', '--format', 'json')), [state]);
    assert.equal(runtime.must('list', '-q'), 'one\n');
    const [header, row] = runtime
      .must('list')
      .split('\n')
      .map((line) => line.split(/\s+/));
    assert.deepEqual(header, ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER']);
    assert.deepEqual(row, ['one', String(child.pid), 'running', runtime.base, '2026-01-02T03:04:05.678Z', 'root']);

    mkdirSync(join(runtime.root, 'half'));
    const listed = runtime.run('list', '-q');
    assert.equal(listed.stdout, 'one\n');
    assert.match(listed.stderr, /level=warning msg="the container half is being created/);

    child.kill('SIGKILL');
    await once(child, 'exit');
    const stopped = JSON.parse(runtime.must('state', 'one')) as Record<string, unknown>;
    assert.deepEqual([stopped['status'], stopped['pid']], ['stopped', 0]);
  });

  test('kill sends the signal, by name and by number, to the first process or to all', async () => {
    await using runtime = new OciRuntime();
    const script = 'trap "echo got 10" USR1; trap "exit 7" TERM; echo ready; while :; do read -r line; done';
    const child = runtime.spawn('sh', '-c', script);
    const said = async (): Promise<string> => String((await once(child.stdout!, 'data'))[0]);
    assert.equal(await said(), 'ready\n');
    const record = await runtime.adopt('one', child);
    for (const signal of ['SIGUSR1', 'USR1', 'usr1', '10']) {
      const answer = said();
      runtime.must('kill', 'one', signal);
      assert.equal(await answer, 'got 10\n', signal);
    }
    runtime.must('kill', 'one', '0');
    assert.match(runtime.run('kill', 'one', 'NOPE').stderr, /unknown signal "NOPE"/);
    const other = runtime.spawn('sleep', '1000');
    runtime.join(record, other.pid!);
    const ended = Promise.all([once(child, 'exit'), once(other, 'exit')]);
    runtime.must('kill', '--all', 'one');
    assert.deepEqual(await ended, [
      [7, null],
      [null, 'SIGTERM'],
    ]);
    assert.match(runtime.run('kill', 'one', 'KILL').stderr, /container not running/);
    assert.match(runtime.run('kill', 'nope').stderr, /container does not exist/);
  });

  test('a created container can be killed, and a paused one dies', async () => {
    await using runtime = new OciRuntime();
    const created = runtime.spawn('sleep', '1000');
    const record = await runtime.adopt('created', created);
    assert.equal(spawnSync('mkfifo', [join(runtime.root, 'created/start')]).status, 0);
    assert.equal((JSON.parse(runtime.must('state', 'created')) as { status: string }).status, 'created');
    runtime.must('pause', 'created');
    assert.equal((JSON.parse(runtime.must('state', 'created')) as { status: string }).status, 'paused');
    const ended = once(created, 'exit');
    runtime.must('kill', 'created', 'KILL');
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    runtime.must('delete', 'created');
    assert.deepEqual(runtime.cgroups(record), []);
  });

  test('pause stops all processes and resume lets them go on', async () => {
    await using runtime = new OciRuntime();
    const child = runtime.spawn('sh', '-c', 'while :; do read -r line </proc/self/stat; done');
    await runtime.adopt('one', child);
    assert.match(runtime.run('resume', 'one').stderr, /container not paused: one is running/);
    runtime.must('pause', 'one');
    const ticks = (): string => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ').slice(13, 15).join();
    const before = ticks();
    assert.equal((JSON.parse(runtime.must('state', 'one')) as { status: string }).status, 'paused');
    assert.equal(ticks(), before, 'it had no processor meanwhile');
    assert.match(runtime.run('pause', 'one').stderr, /container not running or created: one is paused/);
    runtime.must('resume', 'one');
    assert.equal((JSON.parse(runtime.must('state', 'one')) as { status: string }).status, 'running');
    assert.match(runtime.run('delete', 'one').stderr, /cannot delete container one that is not stopped: running/);
  });

  test('ps shows the processes of the cgroup and of those below it, and no others', { skip: needs('ps') }, async () => {
    await using runtime = new OciRuntime();
    const child = runtime.spawn('sleep', '1000');
    const record = await runtime.adopt('one', child);
    const deeper = runtime.spawn('sleep', '1001');
    for (const directory of runtime.cgroups(record)) {
      if (!directory.includes('unified') && directory.includes('cpuset')) continue; // a new cpuset has no processors
      mkdirSync(`${directory}/below`);
      writeFileSync(`${directory}/below/cgroup.procs`, String(deeper.pid));
    }
    const own = [child.pid!, deeper.pid!].toSorted((a, b) => a - b);
    assert.deepEqual(JSON.parse(runtime.must('ps', '--format', 'json', 'one')), own);
    const [header, ...rows] = runtime.must('ps', 'one').trim().split('\n');
    assert.match(header!, /^UID\s+PID/);
    assert.deepEqual(
      rows.map((row) => Number(row.split(/\s+/)[1])),
      own,
    );
    assert.match(
      runtime.must('ps', 'one', '-o', 'pid,args', '-e'),
      new RegExp(`^\\s*PID COMMAND\n\\s*${own[0]} sleep 100[01]\n\\s*${own[1]} sleep 100[01]\n$`),
    );
    assert.match(runtime.run('ps', 'one', '-o', 'args').stderr, /no column PID/);
    assert.match(runtime.run('ps', 'one', '--bogus').stderr, /ps --bogus failed/);
  });

  test('delete --force kills, and takes away cgroups with those below them, and the state', async () => {
    await using runtime = new OciRuntime();
    const child = runtime.spawn('sh', '-c', 'trap "" TERM INT; echo ready; exec sleep 1000');
    await once(child.stdout!, 'data');
    const record = await runtime.adopt('one', child);
    for (const directory of runtime.cgroups(record)) mkdirSync(`${directory}/made/by/the/container`, { recursive: true });
    runtime.must('pause', 'one');
    const ended = once(child, 'exit');
    runtime.must('delete', '--force', 'one');
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.deepEqual(runtime.cgroups(record), []);
    assert.deepEqual(readdirSync(runtime.root), []);
    assert.equal(runtime.run('delete', '--force', 'one').status, 0);
    assert.match(runtime.run('delete', 'one').stderr, /container does not exist: one/);
  });

  test('delete takes the processes along that outlived the first', async () => {
    await using runtime = new OciRuntime();
    const child = runtime.spawn('true');
    const [first, other] = [runtime.spawn('sleep', '1000'), runtime.spawn('sleep', '1000')];
    const record = await runtime.adopt('one', first, { namespaces: [] });
    runtime.join(record, other.pid!);
    first.kill('SIGKILL');
    await once(first, 'exit');
    const ended = once(other, 'exit');
    runtime.must('delete', 'one');
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.deepEqual(runtime.cgroups(record), []);
    assert.notEqual(child.pid, undefined);
  });

  test('a creation that died is told, and deleted with what it left', async () => {
    await using runtime = new OciRuntime();
    const child = runtime.spawn('sleep', '1000');
    const record = await runtime.adopt('half', child);
    const { process: _, ...without } = record;
    runtime.store.update(without);
    assert.equal((JSON.parse(runtime.must('state', 'half')) as { status: string }).status, 'creating');
    assert.match(runtime.run('delete', '--force', 'half').stderr, new RegExp(`the process ${process.pid} is creating it`));
    runtime.store.update({ ...without, creator: { pid: process.pid, startTime: '1' } });
    const ended = once(child, 'exit');
    runtime.must('delete', 'half');
    assert.deepEqual(await ended, [null, 'SIGKILL'], 'cloned, and not noted');
    assert.deepEqual(runtime.cgroups(record), []);
  });

  test('a damaged state goes with --force alone, and never a directory that is something else', async () => {
    await using runtime = new OciRuntime();
    mkdirSync(join(runtime.root, 'damaged'), { recursive: true });
    writeFileSync(join(runtime.root, 'damaged/state.json'), '{');
    assert.match(runtime.run('delete', 'damaged').stderr, /is no state of a container of hako-oci/);
    assert.equal(runtime.run('delete', '--force', 'damaged').status, 0);
    mkdirSync(join(runtime.root, 'home'));
    writeFileSync(join(runtime.root, 'home/diary'), '');
    assert.match(runtime.run('delete', '--force', 'home').stderr, /is no container's directory, since diary is in it/);
    assert.deepEqual(readdirSync(runtime.root), ['home']);
  });

  test('a state that names a process of somebody else’s with another start time signals nobody', async () => {
    await using runtime = new OciRuntime();
    const child = runtime.spawn('sleep', '1000');
    const record = await runtime.adopt('one', child);
    runtime.join(record, process.pid); // something must be in it, so that the cgroup stays
    for (const directory of runtime.cgroups(record)) writeFileSync(`${directory.slice(0, directory.lastIndexOf('/'))}/cgroup.procs`, String(process.pid));
    runtime.store.update({ ...record, process: { pid: child.pid!, startTime: '1' } });
    assert.match(runtime.run('kill', 'one', 'KILL').stderr, /container not running/);
    assert.equal(processStat(child.pid!)!.state, 'S');
  });
});

test('spec writes a configuration that hako-oci takes, once', async () => {
  await using runtime = new OciRuntime();
  const { validateConfig } = await import('../../src/oci/config/read.ts');
  for (const flags of [[], ['--rootless']]) {
    runtime.must('spec', ...flags);
    const config: unknown = JSON.parse(readFileSync(join(runtime.base, 'config.json'), 'utf8'));
    assert.deepEqual(validateConfig(config).warnings, []);
    assert.match(runtime.run('spec', '--bundle', runtime.base).stderr, /config.json exists: remove it first/);
    rmSync(join(runtime.base, 'config.json'));
  }
  assert.match(runtime.run('spec', '-b', join(runtime.base, 'nope')).stderr, /could not be written/);
});

test('the log is a file in the form that callers read, and errors are on standard error too', async () => {
  await using runtime = new OciRuntime();
  const log = join(runtime.base, 'log');
  const json = runtime.run('--log', log, '--log-format', 'json', 'state', 'a "b"');
  assert.equal(json.status, 1);
  const { time, ...record } = JSON.parse(readFileSync(log, 'utf8')) as Record<string, string>;
  assert.equal(record['level'], 'error');
  assert.equal(json.stderr, `${record['msg']}\n`);
  assert.match(time!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  runtime.run('--log', log, 'state', 'nope');
  assert.match(readFileSync(log, 'utf8').split('\n')[1]!, /^time="[^"]+" level=error msg="container does not exist: nope"$/);
  assert.equal(runtime.run('state', 'nope').stderr, 'container does not exist: nope\n');
  assert.match(runtime.run('--log', join(runtime.base, 'no/log'), 'list').stderr, /the log file .* cannot be written: no such file or directory/);
  assert.equal(existsSync(join(runtime.base, 'no')), false);
});

test('a command that warns and then fails leaves one document of JSON, which podman reads; one that does not fail, its warnings', async () => {
  await using runtime = new OciRuntime();
  const log = join(runtime.base, 'log');
  const create = (linux: object): Record<string, string>[] => {
    const sets = { bounding: ['CAP_OF_TOMORROW'], ambient: ['CAP_KILL'] };
    const process = { cwd: '/', args: ['program'], user: { uid: 0, gid: 0 }, capabilities: sets };
    mkdirSync(join(runtime.base, 'rootfs'), { recursive: true });
    writeFileSync(join(runtime.base, 'config.json'), JSON.stringify({ ociVersion: '1.2.0', process, root: { path: 'rootfs' }, linux }));
    rmSync(log, { force: true });
    assert.equal(runtime.run('--log', log, '--log-format', 'json', 'create', 'one').status, 1);
    return readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
  };
  const [record, ...others] = create({ namespaces: [{ type: 'mount' }], cgroupsPath: '/' });
  assert.deepEqual([record!['level'], others], ['error', []]);
  assert.match(record!['msg']!, /names the root of the cgroups/);
  assert.match(String(record!['warnings']), /CAP_OF_TOMORROW" was left out$/);
  mkdirSync(join(runtime.root, 'half'), { recursive: true });
  rmSync(log);
  runtime.must('--log', log, '--log-format', 'json', 'list');
  assert.match(readFileSync(log, 'utf8'), /^\{"level":"warning","msg":"the container half is being created/);
});

test('each command has help, and the version is in the form that callers read', async () => {
  await using runtime = new OciRuntime();
  const { helpText } = await import('../../src/oci/help.ts');
  const all = runtime.must('--help');
  for (const name of Object.keys((await import('../../src/oci/commands.ts')).commands)) {
    assert.match(all, new RegExp(`^  ${name} +\\S`, 'm'));
    assert.match(await helpText(name), new RegExp(`^Usage: hako-oci ${name}`));
  }
  assert.equal(runtime.must('kill', '--help'), await helpText('kill'));
  assert.match(runtime.must('--version'), /^hako-oci version \S+\n(commit: \S+\n)?spec: 1\.2\.0\n$/);
});
