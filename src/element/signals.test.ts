/** Signals at every moment of a command: what was made is taken back, or the clearing up goes on; nothing stays behind. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import test, { after } from 'node:test';
import { needsRoot } from '../../test/support/needs.ts';
import { call } from '../kernel/call.ts';
import { AT_FDCWD, atFlags } from '../kernel/flags.ts';
import { step, type Procedure } from '../step/step.ts';
import { foreground } from './foreground.ts';
import { applied } from './interpret.ts';
import { holdingSignals } from './signals.ts';

const base = mkdtempSync(join(tmpdir(), 'hako-signals-test-'));
after(() => rmSync(base, { recursive: true, force: true }));

const makes = (path: string): Procedure =>
  step({
    id: 'test.make',
    what: 'Make it',
    calls: [call('mkdirat', [AT_FDCWD, path, 0o700])],
    shell: '',
    look: '',
    undo: [call('unlinkat', [AT_FDCWD, path, atFlags.AT_REMOVEDIR])],
  });

/** A step in whose time a signal comes, and is seen. */
const signalled = (name: NodeJS.Signals): Procedure => {
  const perform = async (): Promise<number> => {
    process.kill(process.pid, name);
    const seen = performance.now();
    while (performance.now() - seen < 20) await turn();
    return 0;
  };
  return step({ id: 'test.wait', what: 'Wait', calls: [call('getpid', [], { perform })], shell: '', look: '' });
};

test('one that comes between two steps is an error: those before are taken back, those after are not taken', async () => {
  const [first, second] = [join(base, 'first'), join(base, 'second')];
  for (const [name, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const procedure = function* (): Procedure {
      yield* makes(first);
      yield* signalled(name);
      yield* makes(second);
    };
    await assert.rejects(applied(procedure()), { name: 'ElementError', exitCode, message: new RegExp(name) });
    assert.deepEqual([existsSync(first), existsSync(second)], [false, false]);
    assert.equal(process.listenerCount(name), 0);
  }
});

test('what is held around several procedures ends with the first that is interrupted', async () => {
  const path = join(base, 'later');
  const both = holdingSignals(async () => {
    await applied(signalled('SIGTERM'));
    await applied(makes(path));
  });
  await assert.rejects(both, /interrupted by SIGTERM/);
  assert.equal(existsSync(path), false);
});

test('once the program in the foreground has ended, its clearing up is done to the end, and its exit code is told', { skip: needsRoot() }, async () => {
  const path = join(base, 'cleared');
  const procedure = function* (): Procedure<number> {
    const code = yield* foreground({ name: 'test', flags: 0, inside: [], args: ['true'], env: ['PATH=/usr/bin:/bin'], shell: '' });
    yield* signalled('SIGTERM');
    yield* makes(path);
    return code;
  };
  assert.equal(await applied(procedure()), 0);
  assert.ok(existsSync(path));
  const caught = /^SigCgt:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
  assert.equal(BigInt(`0x${caught}`) & 0b11n, 0b11n, 'SIGHUP and SIGINT do not end it before it has told the exit code');
});
