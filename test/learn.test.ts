/** `hako learn`, as a learner uses it: through the command line, in both languages, and through what goes wrong. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { displayWidth } from '../src/cli/columns.ts';
import { entries } from '../src/course/catalogue.ts';
import { findSyscall } from '../src/kernel/syscalls.ts';
import { needsRoot } from './support/needs.ts';

const root = join(import.meta.dirname, '..');
const program = join(root, process.env.HAKO_TEST_ENTRY === 'dist' ? 'dist/hako.js' : 'src/cli/main.ts');

describe('hako learn', { skip: needsRoot() }, () => {
  let directory: string;
  let env: NodeJS.ProcessEnv;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'hako-learn-'));
    env = {
      ...process.env,
      HAKO_RUN: join(directory, 'run'),
      HAKO_ROOT: join(directory, 'root'),
      HAKO_LAB: `l${process.pid}`,
      LANG: 'C',
      LC_ALL: '',
      LC_MESSAGES: '',
      COLUMNS: '80',
    };
  });
  after(() => {
    hako('lab', 'stop');
    rmSync(directory, { recursive: true, force: true });
  });
  const hako = (...words: string[]): { code: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    });
    return { code: status, out: stdout, err: stderr };
  };
  const progress = (): string => join(directory, 'root/learn/progress.json');

  test('says where to begin', () => {
    const { code, err } = hako('learn');
    assert.equal(code, 1);
    assert.match(err, /has not been begun[\s\S]*hako learn start/);
    assert.match(hako('learn', '--lang', 'ja').err, /まだコースを始めていない/);
  });

  test('a name that is none is one sentence, whichever command of the lab is given it', () => {
    for (const command of ['start', 'stop', 'reset', 'status', 'shell'])
      for (const name of ['../x', '', 'a\nb', 'x'.repeat(33)]) {
        const { code, out, err } = hako('lab', command, '--name', name);
        assert.deepEqual({ code, out }, { code: 1, out: '' });
        assert.match(err, /^hako: invalid lab name ".*": it becomes a hostname: .*\n$/, command);
      }
  });

  test('lists every exercise, in both languages, within 80 columns', () => {
    const [en, ja] = [hako('learn', 'list'), hako('learn', 'list', '--lang', 'ja')];
    for (const { id, lessons } of entries()) {
      assert.ok(en.out.includes(`${id.padEnd(5)} ${lessons.en.title}`), id);
      assert.ok(ja.out.includes(lessons.ja.title), id);
    }
    assert.deepEqual(
      [...en.out.split('\n'), ...ja.out.split('\n')].filter((line) => displayWidth(line) > 80),
      [],
    );
  });

  test('an exercise from its beginning to its end', () => {
    const begun = hako('learn', 'start', '2.2');
    assert.equal(begun.code, 0, begun.err);
    assert.match(begun.out, /A name of its own/);
    const not = hako('learn', 'check');
    assert.equal(not.code, 1);
    assert.match(not.out, /· A process of yours is in a UTS namespace of its own \(not yet\)[\s\S]*found: /);
    assert.match(hako('learn', 'hint').out, /Hint 1 of 2[\s\S]*One more/);
    assert.match(hako('learn', 'hint', '--lang', 'ja').out, /ヒント 2 \/ 2/);
    assert.match(hako('learn', 'solution').err, /Not there yet/);
    hako('lab', 'shell', 'sh', '-c', 'unshare -u sh -c "hostname $(cat /root/name); exec sleep 1000" >/dev/null 2>&1 &');
    const done = hako('learn', 'check');
    assert.equal(done.code, 0, done.out);
    assert.match(done.out, /true now[\s\S]*Exercise 2\.2 is done/);
    assert.match(hako('learn', 'solution').out, /By hand[\s\S]*unshare -u[\s\S]*hako ns run --uts/);
    assert.match(hako('learn', 'explain', '--answers').out, /Side by side[\s\S]*sethostname[\s\S]*With Docker/);
    assert.match(hako('learn', 'list').out, /✓ 2\.2/);
    assert.match(hako('learn', 'progress').out, /1 of \d+ exercises done/);
  });

  test('every lesson is shown within 80 columns in both languages', () => {
    for (const lang of ['en', 'ja']) {
      const { out } = hako('learn', 'show', '--lang', lang);
      assert.deepEqual(
        out.split('\n').filter((line) => displayWidth(line) > 80 && !line.startsWith('    ')),
        [],
      );
    }
  });

  test('a lab that has ended costs no progress, and the way back is named', () => {
    const { pid } = JSON.parse(hako('lab', 'status', '--format', 'json').out) as { pid: number };
    process.kill(pid, 'SIGKILL');
    const lost = hako('learn', 'check');
    assert.equal(lost.code, 1);
    assert.match(lost.err, /has ended[\s\S]*hako learn reset/);
    assert.equal(hako('learn', 'reset').code, 0);
    assert.equal(hako('learn', 'check').code, 1);
    assert.match(hako('learn', 'list').out, /✓ 2\.2/);
  });

  test('a damaged file of progress is set aside, and said', () => {
    writeFileSync(progress(), '{"version":1,"exercises":[');
    const { err } = hako('learn', 'list');
    assert.match(err, /could not be read and was moved to .*damaged/);
    assert.ok(readdirSync(join(progress(), '..')).some((name) => name.includes('damaged')));
  });

  test('what a newer version has noted is kept', () => {
    writeFileSync(progress(), JSON.stringify({ version: 1, exercises: { '2.2': { stars: 5 } }, friends: ['one'] }));
    hako('learn', 'start', '2.2');
    const kept = JSON.parse(readFileSync(progress(), 'utf8')) as { friends: unknown; exercises: Record<string, { stars: number }> };
    assert.deepEqual(kept.friends, ['one']);
    assert.equal(kept.exercises['2.2']!.stars, 5);
  });

  test('mistakes are answered with one sentence', () => {
    assert.match(hako('learn', 'start', '99.1').err, /there is no exercise 99\.1[\s\S]*hako learn list/);
    assert.match(hako('learn', 'show', '--lang', 'fr').err, /must be en or ja/);
    assert.match(hako('learn', 'reset', '--all').err, /forgets all progress/);
    assert.equal(hako('learn', 'reset', '--all', '--force').code, 0);
    assert.match(hako('learn', 'check').err, /has not been begun/);
  });
});

test('each system call that a lesson names is one', () => {
  // Some that the engine itself never makes.
  const others = new Set(['clone', 'fork', 'mkdir', 'readlink', 'stat']);
  for (const { id, lessons } of entries())
    for (const { calls } of lessons.en.ways)
      for (const [, name] of calls.matchAll(/`([a-z_0-9]+)`/g)) assert.ok(findSyscall(name!) || others.has(name!), `${id}: ${name}`);
});
