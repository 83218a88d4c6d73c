import assert from 'node:assert/strict';
import test from 'node:test';
import type { Flags } from './command.ts';
import { checkCount, readWords } from './command-line.ts';
import { globalFlags } from './settings.ts';

const flags = {
  bundle: { kind: 'string', short: 'b', help: '' },
  detach: { kind: 'bool', short: 'd', help: '' },
  env: { kind: 'list', short: 'e', help: '' },
  'preserve-fds': { kind: 'int', help: '' },
} as const satisfies Flags;

const read = (words: string, ownsRest = false) => readWords(flags, words.split(' ').filter(Boolean), ownsRest);
const none = { bundle: undefined, detach: false, env: [], 'preserve-fds': undefined };

test('each spelling that Go’s flag package takes', () => {
  for (const words of ['--bundle /b id', '--bundle=/b id', '-bundle /b id', '-bundle=/b id', '-b /b id', '-b=/b id', '--b /b id', 'id --bundle /b'])
    assert.deepEqual(read(words), { help: false, flags: { ...none, bundle: '/b' }, args: ['id'] }, words);
  assert.deepEqual(read('-d -e A=1 --env B=-x=y --preserve-fds -1 x'), {
    help: false,
    flags: { ...none, detach: true, env: ['A=1', 'B=-x=y'], 'preserve-fds': -1 },
    args: ['x'],
  });
  assert.equal((read('--detach=false x') as { flags: { detach: boolean } }).flags.detach, false);
  assert.deepEqual(read('--bundle= - -- -d'), { help: false, flags: { ...none, bundle: '' }, args: ['-', '-d'] });
});

test('what follows the container is the program’s', () => {
  assert.deepEqual(read('-d id ls -la --bundle', true), { help: false, flags: { ...none, detach: true }, args: ['id', 'ls', '-la', '--bundle'] });
  assert.deepEqual(read('id -- ls', true), { help: false, flags: none, args: ['id', '--', 'ls'] });
});

test('the flags of all commands come before the command', () => {
  const words = ['--root', '/r', '--log=/l', '--log-format', 'json', '--systemd-cgroup', 'create', '--bundle', '/b', 'id'];
  const got = readWords(globalFlags, words, true);
  assert.ok(!got.help);
  assert.deepEqual([got.flags.root, got.flags.log, got.flags['log-format'], got.flags['systemd-cgroup']], ['/r', '/l', 'json', true]);
  assert.deepEqual(got.args, ['create', '--bundle', '/b', 'id']);
});

test('mistakes are told', () => {
  const fails = (words: string, message: RegExp): void => assert.throws(() => read(words), { name: 'OciError', message });
  fails('--nope x', /^flag provided but not defined: --nope$/);
  fails('--nope=1', /^flag provided but not defined: --nope$/);
  fails('-dt', /not defined: -dt/);
  fails('--constructor', /not defined/);
  fails('---bundle', /bad flag syntax/);
  fails('--=x', /bad flag syntax/);
  fails('x --bundle', /^flag needs an argument: --bundle$/);
  fails('--detach=maybe', /use true or false/);
  fails('--preserve-fds 1.5', /use a whole number/);
  fails('--preserve-fds=9007199254740993', /use a whole number/);
  assert.throws(() => checkCount('state', [1, 1], 0), /"state" requires exactly 1 argument, and there are 0/);
  assert.throws(() => checkCount('kill', [1, 2], 3), /at most 2 arguments/);
});

test('help is a wish like any other, unless it is the program’s', () => {
  for (const words of ['--help', '-h', 'x --help']) assert.deepEqual(read(words), { help: true });
  assert.equal(read('x --help', true).help, false);
});
