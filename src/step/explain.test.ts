import assert from 'node:assert/strict';
import test from 'node:test';
import { call, result, Unknown, type Known } from '../kernel/call.ts';
import { AT_FDCWD, openFlags } from '../kernel/flags.ts';
import { explain } from './explain.ts';
import { step, type Procedure } from './step.ts';

test('a procedure is walked without a call being made; what only the kernel can tell has a name', () => {
  const forbidden = (): never => assert.fail('a call was made');
  const open = call('openat', [AT_FDCWD, '/etc', openFlags.O_DIRECTORY, 0], { label: 'dir', perform: forbidden });
  const [first, second, ...rest] = explain(
    (function* (): Procedure {
      const fd = yield* step<Known>({
        id: 'open.etc',
        what: 'Open /etc',
        calls: [open],
        shell: 'cd /etc',
        look: 'pwd',
        undo: [call('close', [result(open)])],
        result: forbidden,
        unknown: new Unknown('ETC'),
      });
      yield* step({ id: 'make.x', what: 'Make x', calls: [call('mkdirat', [fd, 'x', 0o700])], shell: `mkdir ${fd}/x`, look: 'ls' });
    })(),
  );
  assert.deepEqual(rest, []);
  assert.deepEqual(first, {
    id: 'open.etc',
    what: 'Open /etc',
    shell: 'cd /etc',
    calls: ['openat(AT_FDCWD, "/etc", O_DIRECTORY, 0)'],
    look: 'pwd',
    undo: ['close(dir)'],
    undone: '',
    inside: [],
  });
  assert.deepEqual([second?.calls, second?.shell], [['mkdirat($ETC, "x", 0700)'], 'mkdir $ETC/x']);
});

test('a value that a later call uses is named in the call that gives it', () => {
  const open = call('openat', [AT_FDCWD, 'f', openFlags.O_WRONLY, 0]);
  const [explained] = explain(
    step({ id: 'a.b', what: 'Write', calls: [open, call('write', [result(open), 'x', 1]), call('close', [result(open)])], shell: '', look: '' }),
  );
  assert.deepEqual(explained?.calls, ['fd1 = openat(AT_FDCWD, "f", O_WRONLY, 0)', 'write(fd1, "x", 1)', 'close(fd1)']);
});

test('steps that another process does are shown inside', () => {
  const inner = { id: 'in.side', what: 'Be called x', calls: [call('sethostname', ['x', 1])], shell: 'hostname x', look: 'hostname' };
  const [explained] = explain(step({ id: 'out.side', what: 'Start', calls: [], shell: 'unshare', look: 'ps', inside: [inner] }));
  assert.deepEqual(
    explained?.inside.map((s) => [s.id, s.calls]),
    [['in.side', ['sethostname("x", 1)']]],
  );
});
