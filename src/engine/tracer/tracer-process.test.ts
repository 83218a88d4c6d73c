import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TracerProcess } from './tracer-process.ts';

const job = { kind: 'filters', process: { pid: 1, startTime: '0' } } as const;

test('a tracer that cannot be started, ends early, says nonsense or answers without end gives no answer, and why', async () => {
  const endless = 'const line = `${JSON.stringify("x".repeat(1 << 20))}\\n`; for (;;) require("node:fs").writeSync(1, line);';
  const cases: [command: string[], end: RegExp][] = [
    [['/nonexistent/tracer'], /ENOENT/],
    [['/bin/false'], /^it ended with code 1$/],
    [['/bin/sh', '-c', 'kill -9 $$'], /^it ended with SIGKILL$/],
    [['/bin/echo', 'no JSON'], /JSON/],
    [[process.execPath, '-e', endless], /answers without end/],
  ];
  for (const [command, end] of cases) {
    const tracer = new TracerProcess<unknown>(job, command);
    // It may be gone by now, and what is sent to it lost.
    tracer.say({});
    let answer: unknown;
    do answer = await tracer.next();
    while (answer !== undefined);
    assert.match(tracer.end ?? '', end, command.join(' ').slice(0, 40));
    tracer.kill();
  }
});

test('answers are given out in order, whether somebody waits for them or not', async () => {
  const tracer = new TracerProcess<number>(job, ['/bin/sh', '-c', 'echo 1; echo 2; read order; echo 3']);
  assert.deepEqual([await tracer.next(), await tracer.next(), await tracer.next(), await tracer.next()], [1, 2, 3, undefined]);
});
