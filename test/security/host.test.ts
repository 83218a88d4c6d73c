/** The engine's own things on the host: sockets, directories, processes, and the pids that it signals. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { processesOf } from '../support/inventory.ts';
import { needsRoot } from '../support/needs.ts';

describe('the engine on its host', { skip: needsRoot() }, () => {
  let engine: TestEngine;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    await engine.must('run', '-d', '--name', 'idle', '--env', 'PASSWORD=hidden', 'base', 'sleep', '1000');
  });
  after(() => engine?.close());

  const readStatus = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');
  const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
  const pids = (name: RegExp): number[] =>
    processesOf(engine)
      .filter((process) => name.test(process.name))
      .map(({ pid }) => pid);

  test('has its directories closed to everyone else', () => {
    assert.equal(modeOf(engine.root), '711');
    assert.equal(modeOf(engine.run), '711');
    for (const directory of [engine.root, engine.run]) {
      const entries = readdirSync(directory, { withFileTypes: true });
      assert.ok(entries.length > 0);
      for (const entry of entries) {
        const mode = modeOf(join(directory, entry.name));
        assert.match(mode, entry.isDirectory() ? /^700$/ : /^6[06]0$/, `${entry.name} has mode ${mode}`);
      }
    }
  });

  test('has no socket that is not a file with a mode', async () => {
    const unixSockets = readFileSync(`/proc/${engine.pid}/net/unix`, 'utf8').trim().split('\n').slice(1);
    const owned = new Set<string>();
    for (const pid of [engine.pid, ...pids(/monitor/)]) {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) owned.add(readlinkSync(`/proc/${pid}/fd/${fd}`));
    }
    const paths = unixSockets
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , , , , inode]) => owned.has(`socket:[${inode}]`))
      .map((parts) => parts[7] ?? '');
    assert.ok(paths.includes(join(engine.run, 'hako.sock')));
    for (const path of paths) assert.match(path, new RegExp(`^$|^${engine.run}/`));
    assert.equal(modeOf(join(engine.run, 'hako.sock')), '660');
    const { stdout } = await engine.hako(['run', '--rm', '--network', 'host', 'base', 'cat', '/proc/net/unix']);
    assert.doesNotMatch(stdout, /@.*hako/);
  });

  test('is not in any container’s control group, nor are the monitors', () => {
    for (const pid of [engine.pid, ...pids(/monitor/)]) assert.doesNotMatch(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(engine.cgroup));
  });

  test('a container among the host’s processes sees into neither engine nor monitors', async () => {
    const monitors = pids(/monitor/);
    assert.ok(monitors.length > 0);
    const script =
      'for p; do for f in exe cwd root fd/0; do readlink /proc/$p/$f 2>/dev/null && echo "$p $f"; done; for f in environ mem maps; do head -c1 /proc/$p/$f >/dev/null 2>&1 && [ -n "$(head -c1 /proc/$p/$f 2>/dev/null)" ] && echo "$p $f"; done; [ -d /proc/$p ] && echo seen; done; true';
    const { stdout } = await engine.hako(['run', '--rm', '--pid', 'host', 'base', 'sh', '-c', script, 'sh', ...[engine.pid, ...monitors].map(String)]);
    assert.equal(stdout, 'seen\n'.repeat(1 + monitors.length));
  });

  test('shows no container’s environment or command to others by its processes', () => {
    for (const pid of [engine.pid, ...pids(/monitor/)]) {
      for (const file of ['cmdline', 'environ']) assert.doesNotMatch(readFileSync(`/proc/${pid}/${file}`, 'latin1'), /hidden|sleep/);
    }
  });

  test('gives a container nothing of another’s environment', async () => {
    assert.doesNotMatch(await engine.must('run', '--rm', 'base', 'env'), /hidden|HAKO/);
    assert.doesNotMatch(
      await engine.must('run', '--rm', '--pid', 'container:idle', '--user', '1000', 'base', 'sh', '-c', 'cat /proc/*/environ 2>/dev/null; true'),
      /hidden/,
    );
  });

  test('never signals a process that has got the pid of one that ended', async () => {
    const id = await engine.must('run', '-d', 'base', 'sleep', '1000');
    const innocent = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(innocent, 'spawn');
    await engine.kill();
    // As after a long time without an engine: container and monitor have ended, and another has their pids.
    const path = join(engine.run, 'containers', id, 'running.json');
    const text = readFileSync(path, 'utf8');
    const recorded = [...text.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid));
    assert.ok(recorded.length >= 2);
    // One after the other: the monitor collects the container's process.
    for (const pid of recorded) {
      process.kill(pid, 'SIGKILL');
      while (existsSync(`/proc/${pid}/fd`) && !/^State:\s+Z/m.test(readStatus(pid))) await setTimeout(10);
    }
    writeFileSync(path, text.replaceAll(/"pid":\d+/g, `"pid":${innocent.pid}`));
    await engine.start();
    await engine.hako(['kill', id]);
    await engine.hako(['stop', '-t', '0', id]);
    await engine.must('rm', '-f', id);
    assert.equal(innocent.exitCode ?? innocent.signalCode, null, 'it lives');
    innocent.kill();
    await once(innocent, 'exit');
  });
});
