import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { LogOptions } from './engine.ts';
import { defaultLogLimits, logLimits, openLog, readLog, type LogLimits, type LogWriter } from './logs.ts';
import { parseMoment } from './time.ts';

const base = mkdtempSync(join(tmpdir(), 'hako-logs-'));
after(() => rmSync(base, { recursive: true }));
let count = 0;
const directory = (): string => join(base, String((count += 1)));
const fail = (message: string): never => assert.fail(message);
const all: LogOptions = { stdout: true, stderr: true, follow: false, timestamps: false };
const bytes = (text: string): Buffer => Buffer.from(text);

async function read(
  path: string,
  options: Partial<LogOptions> = {},
  writer?: LogWriter,
  limits: LogLimits = defaultLogLimits,
): Promise<{ stdout: string; stderr: string; order: string }> {
  const got = { stdout: '', stderr: '', order: '' };
  for await (const { stream, data } of readLog(path, limits, { ...all, ...options }, new AbortController().signal, writer)) {
    got[stream] += Buffer.from(data).toString();
    got.order += Buffer.from(data).toString();
  }
  return got;
}

describe('reading back', () => {
  test('gives the streams apart and in order, also what has no newline yet', async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    log.write('stdout', bytes('one\ntw'));
    log.write('stderr', bytes('oops\n'));
    log.write('stdout', bytes('o\nprompt> '));
    assert.deepEqual(await read(path), { stdout: 'one\ntwo\nprompt> ', stderr: 'oops\n', order: 'one\ntwoops\no\nprompt> ' });
    assert.equal((await read(path, { stderr: false })).order, 'one\ntwo\nprompt> ');
    assert.equal((await read(path, { stdout: false })).order, 'oops\n');
    log.close();
    assert.equal((await read(path)).order, 'one\ntwoops\no\nprompt> ');
  });

  test('gives nothing where nothing was written, and makes no file for it', async () => {
    const path = directory();
    openLog(path, defaultLogLimits, fail).close();
    assert.equal((await read(path)).order, '');
    assert.equal((await read(path, { tail: 5, follow: true })).order, '');
    assert.equal(existsSync(path), false);
  });

  test('puts the time of its beginning before each line, once, also where a line came in pieces', async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    log.write('stdout', bytes('a\nb\nlo'), 1_700_000_000_000_000_001n);
    log.write('stderr', bytes('e\n'), 1_700_000_001_000_000_000n);
    log.write('stdout', bytes('ng\nc'), 1_700_000_002_000_000_000n);
    const got = await read(path, { timestamps: true });
    assert.equal(
      got.stdout,
      '2023-11-14T22:13:20.000000001Z a\n2023-11-14T22:13:20.000000001Z b\n2023-11-14T22:13:20.000000001Z long\n2023-11-14T22:13:22.000000000Z c',
    );
    assert.equal(got.stderr, '2023-11-14T22:13:21.000000000Z e\n');
  });

  test('gives what lies between two times, lines whole', async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    for (let second = 1; second <= 5; second += 1) log.write('stdout', bytes(`end ${second - 1}\nline ${second} `), BigInt(second) * 1_000_000_000n);
    assert.equal((await read(path, { since: 2_000_000_000n, until: 4_000_000_000n })).order, 'line 2 end 2\nline 3 end 3\nline 4 ');
    assert.equal((await read(path, { since: 9_000_000_000n })).order, '');
  });

  test('survives chunks bigger than a record', async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    const big = `${'x'.repeat(700_000)}\n`;
    log.write('stdout', bytes(`first\n${big}last\n`));
    assert.equal((await read(path)).stdout, `first\n${big}last\n`);
    assert.equal((await read(path, { tail: 2 })).stdout, `${big}last\n`);
    assert.equal((await read(path, { timestamps: true })).stdout.match(/Z /g)?.length, 3);
  });
});

describe('the last lines', () => {
  test('agree with a plain count, whatever the chunks', async () => {
    const path = directory();
    const limits = { ...defaultLogLimits, maxSize: 4096, maxFile: 1000 };
    const log = openLog(path, limits, fail);
    const text = Array.from({ length: 800 }, (_, index) => `line ${index} ${'.'.repeat(index % 37)}\n`).join('');
    for (let at = 0, step = 1; at < text.length; at += step, step = ((step * 7 + 3) % 101) + 1) log.write('stdout', bytes(text.slice(at, at + step)));
    const lines = text.split(/(?<=\n)/);
    for (const tail of [0, 1, 2, 10, 399, 799, 800, 5000]) {
      assert.equal((await read(path, { tail }, log, limits)).order, tail === 0 ? '' : lines.slice(-tail).join(''), `tail ${tail}`);
    }
    log.close();
    assert.equal((await read(path, { tail: 700 })).order, lines.slice(-700).join(''));
  });

  test('count lines of both streams, or of the chosen one, and leave out the rest of an older line', async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    log.write('stdout', bytes('out 1\nout 2 beg'));
    log.write('stderr', bytes('err 1\nerr 2\n'));
    log.write('stdout', bytes('in\nout 3\n'));
    assert.deepEqual(await read(path, { tail: 2 }), { stdout: 'out 3\n', stderr: 'err 2\n', order: 'err 2\nout 3\n' });
    assert.equal((await read(path, { tail: 2, stderr: false })).order, 'out 2 begin\nout 3\n');
  });
});

describe('following', () => {
  test('goes on across rotations, loses nothing while it keeps up, and ends when the log is closed', { timeout: 20_000 }, async () => {
    const path = directory();
    const limits = { ...defaultLogLimits, maxSize: 8192, maxFile: 3 };
    const log = openLog(path, limits, fail);
    log.write('stdout', bytes('before\n'));
    let got = '';
    let seen = Promise.withResolvers<void>();
    const reader = (async () => {
      for await (const { data } of readLog(path, limits, { ...all, follow: true }, new AbortController().signal, log)) {
        got += Buffer.from(data).toString();
        if (got.endsWith('!\n')) seen.resolve();
      }
    })();
    let expected = 'before\n';
    for (let round = 0; round < 30; round += 1) {
      seen = Promise.withResolvers();
      for (let line = 0; line < 20; line += 1) {
        const text = `round ${round} line ${line} ${'x'.repeat(90)}${line === 19 ? '!' : ''}\n`;
        expected += text;
        log.write('stdout', bytes(text));
      }
      await seen.promise;
    }
    log.close();
    await reader;
    assert.equal(got, expected);
  });

  test('ends when the client goes, at once', { timeout: 5000 }, async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    log.write('stdout', bytes('hello\n'));
    const abort = new AbortController();
    for await (const chunk of readLog(path, defaultLogLimits, { ...all, follow: true }, abort.signal, log)) {
      assert.equal(Buffer.from(chunk.data).toString(), 'hello\n');
      setImmediate(() => abort.abort());
    }
    log.close();
  });

  test('starts before the first line, and of a stopped container ends at its end', { timeout: 5000 }, async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    const reading = read(path, { follow: true, tail: 3 }, log);
    await new Promise(setImmediate);
    log.write('stderr', bytes('late\n'));
    log.close();
    assert.equal((await reading).stderr, 'late\n');
    assert.equal((await read(path, { follow: true })).stderr, 'late\n');
  });

  test('ends at `until`', { timeout: 5000 }, async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    log.write('stdout', bytes('x\n'));
    assert.equal((await read(path, { follow: true, until: parseMoment('0', 'until') }, log)).order, '');
    assert.equal((await read(path, { follow: true, until: BigInt(Date.now() + 50) * 1_000_000n }, log)).order, 'x\n');
    log.close();
  });
});

describe('the disk', () => {
  test('holds max-file files of max-size, the newest output', async () => {
    const path = directory();
    const { limits } = logLimits({ Type: 'json-file', Config: { 'max-size': '8k', 'max-file': '2' } });
    const log = openLog(path, limits, fail);
    for (let line = 0; line < 1000; line += 1) log.write('stdout', bytes(`line ${line} ${'x'.repeat(50)}\n`));
    log.close();
    const { order } = await read(path);
    assert.ok(order.endsWith(`line 999 ${'x'.repeat(50)}\n`));
    assert.ok(order.length < 16_384 && order.length > 4096, String(order.length));
  });

  test('of an engine that was killed in the middle of a write loses only that write', async () => {
    for (const cut of [1, 7, 20, 30]) {
      const path = directory();
      const log = openLog(path, defaultLogLimits, fail);
      log.write('stdout', bytes('kept\n'));
      log.write('stdout', bytes('torn in two\n'));
      log.close();
      const file = join(path, 'log.1');
      truncateSync(file, statSync(file).size - cut);
      assert.equal((await read(path)).order, 'kept\n', 'without a writer');
      assert.equal((await read(path, { tail: 1 })).order, 'kept\n');
      const again = openLog(path, defaultLogLimits, fail);
      again.write('stdout', bytes('after\n'));
      assert.equal((await read(path, {}, again)).order, 'kept\nafter\n');
      again.close();
    }
  });

  test('with foreign bytes in a log does not make the reader hang', { timeout: 5000 }, async () => {
    const path = directory();
    const log = openLog(path, defaultLogLimits, fail);
    log.write('stdout', bytes('kept\n'));
    appendFileSync(join(path, 'log.1'), 'garbage');
    assert.equal((await read(path, {}, log)).order, 'kept\n');
    log.close();
    assert.equal((await read(path)).order, 'kept\n');
    assert.match(readFileSync(join(path, 'log.1'), 'latin1'), /garbage$/);
  });

  test('that takes nothing is told once, and output after it is kept', () => {
    const path = directory();
    const messages: string[] = [];
    const log = openLog(join('/dev/null', path), defaultLogLimits, (message) => messages.push(message));
    log.write('stdout', bytes('x\n'));
    log.write('stdout', bytes('y\n'));
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', /^Output is lost: writing the log .* failed: /);
  });
});

describe('log options', () => {
  test('that are wrong are told in a sentence', () => {
    assert.throws(() => logLimits({ Type: 'syslog' }), /log driver 'syslog' does not exist/);
    assert.throws(() => logLimits({ Config: { 'max-size': '10 apples' } }), /max-size=10 apples/);
    assert.throws(() => logLimits({ Config: { 'max-file': '0' } }), /max-file=0/);
    assert.throws(() => logLimits({ Config: { nonsense: '0' } }), /option 'nonsense' is unknown/);
  });

  test('of Docker that do nothing here are warnings', () => {
    const { limits, warnings } = logLimits({ Type: 'local', Config: { compress: 'true', 'max-size': '10m', 'max-file': '3' } });
    assert.deepEqual([limits.maxSize, limits.maxFile, warnings.length], [10 * 1024 * 1024, 3, 1]);
  });

  test("driver 'none' keeps nothing and says so", () => {
    const { limits } = logLimits({ Type: 'none' });
    openLog(directory(), limits, fail).write('stdout', bytes('x'));
    assert.throws(() => readLog(base, limits, all, new AbortController().signal), /log driver is 'none'/);
  });
});
