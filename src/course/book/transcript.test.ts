import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { scrubOf } from './scrub.ts';
import { cut, cutter, marked, shortened, transcript } from './transcript.ts';

/** Without its rc files: Node's standard input is a socket, and a bash that no other shell has started takes that for a remote one, bash(1) "rshd". */
const bash = (lines: string, input = '', ...flags: string[]): string =>
  spawnSync('bash', ['--norc', ...flags, '-c', lines], { input, encoding: 'utf8' }).stdout;
const pieces = (script: string): string[] => cut(script, bash(cutter, `${script}\n`));
const shown = (script: string): (readonly [string, string])[] => {
  const all = pieces(script);
  return transcript(all, bash(marked(all, 'abc'), '', '-eu'), 'abc').map(({ command, output }) => [command, output] as const);
};

test('a script is cut where a command line is whole', () => {
  const whole = [
    "# why\n\n# and why\necho 'a\n\nb'",
    'for n in 1 2; do\n  echo $n # not yet\ndone',
    'first() { echo "$1"; }',
    'cat <<EOF\nfor x in; do\nEOF',
    'printf %s \\\n  a |\n  cat',
    'if true\nthen echo b\nelse echo c; fi & wait',
    'echo end',
  ];
  assert.deepEqual(pieces(whole.join('\n')), whole);
});

test('each command line has its own output, of both streams, as one shell gives it', () => {
  assert.deepEqual(shown('x=1\necho "$x"; printf no-newline\necho oops >&2\ncat <<EOF\n$x\nEOF\nset -- a b\necho $#'), [
    ['x=1', ''],
    ['echo "$x"; printf no-newline', '1\nno-newline'],
    ['echo oops >&2', 'oops\n'],
    ['cat <<EOF\n$x\nEOF', '1\n'],
    ['set -- a b', ''],
    ['echo $#', '2\n'],
  ]);
});

test('what a script did not come to is not shown, and errors are those of a shell that is typed into', () => {
  assert.deepEqual(shown('echo a\nno-such-program-here\necho b'), [
    ['echo a', 'a\n'],
    ['no-such-program-here', 'bash: no-such-program-here: command not found\n'],
  ]);
});

test('what the shell put into a line is shown, and nothing of it comes into the outputs', () => {
  const script = [
    'x=$(echo "it\'s"; echo two)',
    'echo "$x" | cat',
    '# why\necho "$((1 + 1))" $x',
    'for n in $x; do',
    '  echo $n',
    'done',
    'echo no',
    'cat <<< $x 2>&1 >/dev/null',
    'test -e /proc/self/fd/99 || echo closed',
  ].join('\n');
  const all = pieces(script);
  const lines = transcript(all, bash(marked(all, 'abc'), '', '-eu'), 'abc');
  assert.deepEqual(
    lines.map(({ expanded, output }) => [expanded, output]),
    [
      [["x='it'\\''s\ntwo'"], ''],
      [["echo 'it'\\''s\ntwo'"], "it's\ntwo\n"],
      [["echo 2 'it'\\''s' two"], "2 it's two\n"],
      [[], "it's\ntwo\n"],
      [[], 'no\n'],
      [[], ''],
      [[], 'closed\n'],
    ],
  );
});

test('a long output loses its middle, and says so', () => {
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`);
  const short = shortened(`${lines.join('\n')}\n`, (n) => `[${n}]`).split('\n');
  assert.deepEqual([short[0], short[39], short[40], short[41], short.at(-1)], ['line 0', 'line 39', '[150]', 'line 190', 'line 199']);
  assert.equal(
    shortened('a\nb\n', () => 'never'),
    'a\nb',
  );
});

test('names of the machine and orders to a terminal are taken out, and nothing else', () => {
  const scrub = scrubOf(
    [
      ['/srv/clone', '/opt/hako'],
      ['book-7', 'lab'],
    ],
    [
      ['vm.example', 'machine'],
      ['vm', 'machine'],
    ],
  );
  assert.equal(scrub('vm.example root@vm:~ vm. vmstat /srv/clone/hako'), 'machine root@machine:~ machine. vmstat /opt/hako/hako');
  assert.equal(scrub('/hako-lab-book-7 book-71 /proc/sys/vm vm.swappiness'), '/hako-lab-lab book-71 /proc/sys/vm vm.swappiness');
  assert.equal(scrub('\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07x'), 'red\nx');
});
