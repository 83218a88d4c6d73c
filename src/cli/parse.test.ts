/** The parser on a small table with every kind of flag, row by row; the messages are Docker's. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { defineCommand, UsageError } from './command.ts';
import { parse } from './parse.ts';

const flags = {
  all: { kind: 'bool', short: 'a', help: '' },
  cpus: { kind: 'decimal', help: '' },
  env: { kind: 'list', short: 'e', help: '' },
  explain: { kind: 'optional', alone: 'text', help: '' },
  interactive: { kind: 'bool', short: 'i', help: '' },
  last: { kind: 'int', short: 'n', help: '' },
  memory: { kind: 'bytes', short: 'm', help: '' },
  'memory-swap': { kind: 'bytes', unlimited: true, help: '' },
  net: { kind: 'string', help: '', aliasOf: 'network' },
  network: { kind: 'string', help: '' },
  proxy: { kind: 'bool', help: '', default: true },
  publish: { kind: 'list', short: 'p', help: '' },
  timeout: { kind: 'duration', help: '' },
  tty: { kind: 'bool', short: 't', help: '' },
} as const;

const mixed = defineCommand({ usage: [], count: [0, Infinity], flags, run: async () => {} });
const ownsRest = defineCommand({ ...mixed, ownsRest: true });

const parsed = (words: string, command = mixed) => {
  const result = parse(command, words.split(' ').filter(Boolean), 'thing');
  assert.ok(!result.help);
  return result;
};

const accepted: readonly (readonly [words: string, flags: object, args: readonly string[]])[] = [
  ['', {}, []],
  ['-it a', { interactive: true, tty: true }, ['a']],
  ['a -it', { interactive: true, tty: true }, ['a']],
  ['-p8080:80 -p 90 --publish=91 --publish 92', { publish: ['8080:80', '90', '91', '92'] }, []],
  ['-p=80', { publish: ['80'] }, []],
  ['-itp80 x', { interactive: true, tty: true, publish: ['80'] }, ['x']],
  ['-ite A=1', { interactive: true, tty: true, env: ['A=1'] }, []],
  ['--env A=1=2 -e=B', { env: ['A=1=2', 'B'] }, []],
  ['--net host', { network: 'host' }, []],
  ['-m 1.5g --memory-swap -1', { memory: 1.5 * 2 ** 30, 'memory-swap': -1 }, []],
  ['--memory 64KiB', { memory: 65536 }, []],
  ['--cpus .5', { cpus: 0.5 }, []],
  ['--timeout 1m30.5s', { timeout: 90.5e9 }, []],
  ['-n-1', { last: -1 }, []],
  ['--explain a', { explain: 'text' }, ['a']],
  ['--explain=json a', { explain: 'json' }, ['a']],
  ['--proxy=false --all=T', { proxy: false, all: true }, []],
  ['-a=false', { all: false }, []],
  ['-t=false -i', { tty: false, interactive: true }, []],
  ['-- -it', {}, ['-it']],
  ['a - b', {}, ['a', '-', 'b']],
];

for (const [words, expected, args] of accepted) {
  test(`accepts '${words}'`, () => {
    const result = parsed(words);
    const unset = { publish: [], env: [], all: false, interactive: false, tty: false, proxy: true };
    const set = Object.fromEntries(Object.entries(result.flags).filter(([, value]) => value !== undefined));
    assert.deepEqual(set, { ...unset, ...expected });
    assert.deepEqual(result.args, args);
    assert.deepEqual([...result.given].toSorted(), Object.keys(expected).toSorted());
  });
}

const refused: readonly (readonly [words: string, message: string | RegExp])[] = [
  ['--bogus', 'unknown flag: --bogus'],
  ['--bogus=1', 'unknown flag: --bogus'],
  ['--constructor', 'unknown flag: --constructor'],
  ['-az', "unknown shorthand flag: 'z' in -az"],
  ['--network', 'flag needs an argument: --network'],
  ['-ip', "flag needs an argument: 'p' in -ip"],
  ['-m x', /^invalid argument "x" for "-m, --memory" flag: invalid size: 'x'/],
  ['-m -1', /^invalid argument "-1" for "-m, --memory" flag/],
  ['-n 1.5', /^invalid argument "1.5" for "-n, --last" flag/],
  ['-n 99999999999999999999', /^invalid argument/],
  ['--timeout 5', /^invalid argument "5" for "--timeout" flag: invalid duration/],
  ['--all=maybe', /^invalid argument "maybe" for "-a, --all" flag/],
];

for (const [words, message] of refused) {
  test(`refuses '${words}'`, () => {
    assert.throws(
      () => parsed(words),
      (error: unknown) => {
        assert.ok(error instanceof UsageError);
        assert.equal(error.exitCode, 125);
        if (typeof message === 'string') assert.equal(error.message, message);
        else assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('flags end at the first argument where the rest belongs to a command', () => {
  assert.deepEqual(parsed('-i image sh -c -it', ownsRest).args, ['image', 'sh', '-c', '-it']);
  assert.deepEqual(parsed('-- image --', ownsRest).args, ['image', '--']);
  assert.equal(parsed('image -t', ownsRest).flags.tty, false);
});

test('asks for help by --help anywhere among the flags, and by -h where it is no flag', () => {
  assert.equal(parse(mixed, ['a', '--help'], 'thing').help, true);
  assert.equal(parse(mixed, ['-h'], 'thing').help, true);
  assert.equal(parse(ownsRest, ['image', '--help'], 'thing').help, false);
});

test('a wrong number of arguments has exit code 1, as with Docker', () => {
  const counts: [[number, number], string[], string][] = [
    [[1, Infinity], [], "'hako thing' requires at least 1 argument"],
    [[2, 2], ['a'], "'hako thing' requires 2 arguments"],
    [[0, 0], ['a'], "'hako thing' accepts no arguments"],
    [[0, 1], ['a', 'b'], "'hako thing' accepts at most 1 argument"],
  ];
  for (const [count, words, message] of counts) {
    assert.throws(() => parse({ ...mixed, count }, words, 'thing'), { message, exitCode: 1 });
  }
});
