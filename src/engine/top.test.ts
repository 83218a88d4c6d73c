import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { processes } from '../runtime/cgroup/cgroup.ts';
import { createCgroup } from '../runtime/cgroup/create.ts';
import { firstLine, run, start, testPath, unable } from '../runtime/cgroup/fixture.ts';
import { detectCgroups } from '../runtime/cgroup/detect.ts';
import { EngineError } from './engine.ts';
import { parseArguments, processTable } from './top.ts';

const titles = (text: string): string =>
  parseArguments(text)
    .map((c) => c.title)
    .join(' ');

test('the usual options of ps give its columns', () => {
  const full = 'UID PID PPID C STIME TTY TIME CMD';
  const user = 'USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND';
  const expected: Record<string, string> = {
    '': full,
    '-ef': full,
    '-e -f': full,
    '-Afww': full,
    aux: user,
    '-aux': user,
    auxww: user,
    u: user,
    ax: 'PID TTY STAT TIME COMMAND',
    '-e': 'PID TTY TIME CMD',
    '-ej': 'PID PGID SID TTY TIME CMD',
    '-o pid,comm': 'PID COMMAND',
    '-eo pid,args': 'PID COMMAND',
    '-opid -o user': 'PID USER',
    'o pid,%cpu': 'PID %CPU',
    'axo pid,stat': 'PID STAT',
    '--format=pid,cmd': 'PID CMD',
    '--format pid': 'PID',
    '-o pid=Process': 'PID'.replace('PID', 'Process'),
    '-o pid,user=who': 'PID who',
  };
  for (const [text, columns] of Object.entries(expected)) assert.equal(titles(text), columns, text);
});

test('what ps would do that is not done here is refused, with what is known', () => {
  for (const text of ['-Z', '--forest', '-o', '-o nothing', '-o pid,', 'auxe', '--', '-p 1', '-o __proto__']) {
    assert.throws(
      () => parseArguments(text),
      (e: unknown) => e instanceof EngineError && e.status === 400 && /use|needs/.test(e.message),
      text,
    );
  }
});

/** Waits for what no event tells of. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await setTimeout(5);
}

test('the processes of a cgroup are listed as ps prints them', { skip: unable }, async (t) => {
  const layout = detectCgroups();
  const cgroup = await run(createCgroup(layout, testPath(t, layout)));
  const child = start(cgroup, `sh -c 'sleep 1000; :' "$(printf 'a\\033[31mb')" & echo ready; wait`);
  await firstLine(child);
  await until(() => processTable(() => processes(cgroup), '-o comm').Processes.some(([name]) => name === 'sleep'));

  const table = processTable(() => processes(cgroup), '');
  const column = (name: string): string[] => table.Processes.map((row) => row[table.Titles.indexOf(name)] ?? '');
  assert.equal(table.Processes.length, 3);
  assert.equal(column('PID')[0], String(child.pid));
  assert.equal(column('PPID')[0], String(process.pid));
  assert.equal(column('PPID')[1], String(child.pid));
  assert.deepEqual(column('UID'), ['root', 'root', 'root']);
  assert.equal(column('CMD')[2], 'sleep 1000');
  assert.equal(column('CMD')[1], 'sh -c sleep 1000; : a?[31mb'); // no control characters

  if (spawnSync('ps', ['--version']).error) return t.diagnostic('not compared with ps(1), which is not installed');
  for (const options of ['-ef', 'aux', '-eo pid,ppid,pgid,sid,user,uid,group,gid,comm,vsz,rss,s,stat,time,start_time,ni,nlwp,etime,args']) {
    const ours = processTable(() => processes(cgroup), options);
    const lines = execFileSync('ps', [...options.split(' '), '-ww'].filter((o) => options !== 'aux' || o !== '-ww').concat(options === 'aux' ? ['ww'] : []), {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    }).split('\n');
    assert.equal(lines[0]?.trim().replace(/ +/g, ' '), ours.Titles.join(' '), options);
    for (const row of ours.Processes) {
      const pid = row[ours.Titles.indexOf('PID')];
      const theirs = lines.find((l) => l.trim().split(/ +/)[ours.Titles.indexOf('PID')] === pid);
      const moving = new Set(['C', '%CPU', 'ELAPSED']); // what may have changed in between
      const compare = (cells: readonly string[]): string =>
        cells
          .filter((_, i) => !moving.has(ours.Titles[i] ?? ''))
          .join(' ')
          .replace(/ +/g, ' ');
      const words = theirs?.trim().split(/ +/) ?? [];
      // The last column is the rest of the line.
      assert.equal(compare([...words.slice(0, ours.Titles.length - 1), words.slice(ours.Titles.length - 1).join(' ')]), compare(row));
    }
  }
});
