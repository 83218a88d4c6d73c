import assert from 'node:assert/strict';
import test from 'node:test';
import { call, result, type Call } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { AT_FDCWD, atFlags } from '../kernel/flags.ts';
import { apply, StepError, type Kernel } from './apply.ts';
import { recorder } from './record.ts';
import { step, type Procedure, type Step } from './step.ts';

const make = (name: string): Call => call('mkdirat', [AT_FDCWD, name, 0o755]);
const remove = (name: string): Call => call('unlinkat', [AT_FDCWD, name, atFlags.AT_REMOVEDIR]);
type Plain = Omit<Step, 'result' | 'unknown'>;
/** A step that makes a directory, and has everything that can follow. */
const directory = (name: string, more: Partial<Plain> = {}): Plain => ({
  id: `make.${name}`,
  what: `Make ${name}`,
  calls: [make(name)],
  shell: `mkdir ${name}`,
  look: `ls -d ${name}`,
  undo: [remove(name)],
  ...more,
});

/** A recorder that fails the calls whose text contains one of the keys. */
function failing(failures: Readonly<Record<string, number>>): ReturnType<typeof recorder> {
  return recorder((c) => 0 - (Object.entries(failures).find(([text]) => c.args.includes(text))?.[1] ?? 0));
}
/** `mkdirat a`, `unlinkat b`, … */
const made = ({ calls }: { readonly calls: readonly Call[] }): string[] => calls.map((c) => `${c.name} ${c.args[1] as string}`);

test('steps run in order and the procedure gets what its calls returned', async () => {
  const kernel = recorder((_, index) => index + 10);
  const value = await apply(
    (function* (): Procedure<number> {
      const first = yield* step<number>({ ...directory('a'), result: (returned) => returned[0]! });
      const second = yield* step<number>({ ...directory('b'), calls: [make('b'), make('c')], result: (returned) => returned[1]! });
      return first * 100 + second;
    })(),
    { kernel },
  );
  assert.equal(value, 1012);
  assert.deepEqual(made(kernel), ['mkdirat a', 'mkdirat b', 'mkdirat c']);
});

test('a later call is given what an earlier one returned, also one of an earlier step', async () => {
  const open = call('openat', [AT_FDCWD, '/', 0, 0]);
  const seen: number[] = [];
  const kernel: Kernel = { call: (c, resolve) => (c === open ? 7 : (seen.push(resolve(result(open))), 0)) };
  await apply(
    (function* (): Procedure {
      yield* step({ ...directory('a'), calls: [open, call('close', [result(open)])] });
      yield* step({ ...directory('b'), calls: [call('close', [result(open)])] });
    })(),
    { kernel },
  );
  assert.deepEqual(seen, [7, 7]);
});

test('when a step fails, those before it are undone in reverse order, and the error says which call failed on what', async () => {
  const kernel = failing({ c: errno.ENOSPC });
  const failure = await apply(
    (function* (): Procedure {
      yield* step(directory('a'));
      yield* step(directory('b'));
      yield* step(directory('c', { undo: [] }));
      yield* step(directory('d'));
    })(),
    { kernel },
  ).catch((error: unknown) => error);
  assert.ok(failure instanceof StepError);
  assert.deepEqual([failure.step, failure.errno, failure.code, failure.look], ['make.c', errno.ENOSPC, 'ENOSPC', 'ls -d c']);
  assert.match(failure.message, /^make c: mkdirat\(AT_FDCWD, "c", 0755\) failed: .*\(ENOSPC\) \[step make\.c\]$/);
  assert.deepEqual(made(kernel), ['mkdirat a', 'mkdirat b', 'mkdirat c', 'unlinkat b', 'unlinkat a']);
  assert.deepEqual(failure.undoFailures, []);
});

test('the step that failed is undone too, as far as it had come', async () => {
  const open = call('openat', [AT_FDCWD, 'x', 0, 0]);
  const kernel = recorder((c) => (c.args.includes('c') ? -errno.EACCES : 5));
  await assert.rejects(
    apply(step({ ...directory('c'), calls: [make('b'), make('c'), open], undo: [remove('b'), call('close', [result(open)])] }), { kernel }),
    (error) => error instanceof StepError && error.code === 'EACCES',
  );
  // What was never opened is not closed.
  assert.deepEqual(made(kernel), ['mkdirat b', 'mkdirat c', 'unlinkat b']);
});

test('what undoes a call is made only if that call succeeded', async () => {
  const calls = ['a', 'b', 'c'].map(make);
  const undo = calls.map((undoes, i) => ({ ...remove('abc'[i]!), undoes }));
  const kernel = failing({ b: errno.EEXIST });
  await assert.rejects(apply(step({ ...directory('x'), calls, undo }), { kernel }), /"b".*EEXIST/);
  assert.deepEqual(made(kernel), ['mkdirat a', 'mkdirat b', 'unlinkat a']);
});

test('an undo that fails does not keep the others from being tried, and is told', async () => {
  const kernel = recorder((c) => (c.args.includes('c') ? -errno.EIO : c.name === 'unlinkat' && c.args.includes('b') ? -errno.EBUSY : 0));
  const failure = await apply(
    (function* (): Procedure {
      yield* step(directory('a'));
      yield* step(directory('b'));
      yield* step(directory('c', { undo: [] }));
    })(),
    { kernel },
  ).catch((error: unknown) => error);
  assert.ok(failure instanceof StepError);
  assert.deepEqual(made(kernel).slice(3), ['unlinkat b', 'unlinkat a']);
  assert.equal(failure.undoFailures.length, 1);
  assert.match(failure.undoFailures[0]!, /"b".*EBUSY/);
});

test('a procedure may catch a failure and go another way; then nothing is undone', async () => {
  const kernel = failing({ new: errno.ENOSYS });
  const way = await apply(
    (function* (): Procedure<string> {
      yield* step(directory('a'));
      try {
        yield* step(directory('new', { undo: [] }));
        return 'new';
      } catch (error) {
        assert.ok(error instanceof StepError && error.code === 'ENOSYS');
        yield* step(directory('old'));
        return 'old';
      }
    })(),
    { kernel },
  );
  assert.equal(way, 'old');
  assert.deepEqual(made(kernel), ['mkdirat a', 'mkdirat new', 'mkdirat old']);
});

test('what a call throws comes to the procedure, too', async () => {
  const kernel = {
    call: (): number => {
      throw new Error('not this way');
    },
  };
  const way = await apply(
    (function* (): Procedure<string> {
      try {
        yield* step(directory('new', { undo: [] }));
        return 'new';
      } catch (error) {
        return String(error);
      }
    })(),
    { kernel },
  );
  assert.equal(way, 'Error: not this way');
});

test('what the procedure itself throws undoes its steps too', async () => {
  const kernel = failing({});
  await assert.rejects(
    apply(
      (function* (): Procedure {
        yield* step(directory('a'));
        throw new RangeError('no');
      })(),
      { kernel },
    ),
    RangeError,
  );
  assert.deepEqual(made(kernel), ['mkdirat a', 'unlinkat a']);
});

test('`finally` runs at the end, in reverse order: after success, and after the undoing', async () => {
  const steps = function* (): Procedure {
    yield* step(directory('a', { finally: [remove('finally-a')] }));
    yield* step(directory('b', { finally: [remove('finally-b')] }));
  };
  const well = failing({});
  await apply(steps(), { kernel: well });
  assert.deepEqual(made(well), ['mkdirat a', 'mkdirat b', 'unlinkat finally-b', 'unlinkat finally-a']);
  const ill = failing({ b: errno.EPERM });
  await assert.rejects(apply(steps(), { kernel: ill }));
  assert.deepEqual(made(ill), ['mkdirat a', 'mkdirat b', 'unlinkat b', 'unlinkat a', 'unlinkat finally-b', 'unlinkat finally-a']);
});

test('an errno that a call accepts is an answer', async () => {
  const kernel = failing({ a: errno.EEXIST });
  const returned = await apply(step<number>({ ...directory('a'), calls: [{ ...make('a'), accept: [errno.EEXIST] }], result: (values) => values[0]! }), {
    kernel,
  });
  assert.equal(returned, -errno.EEXIST);
});

test('a call that waits is awaited before the next is made', async () => {
  const order: string[] = [];
  const kernel: Kernel = {
    call: (c) => (c.args.includes('slow') ? new Promise((resolve) => setImmediate(() => (order.push('slow'), resolve(0)))) : (order.push('quick'), 0)),
  };
  await apply(step({ ...directory('a'), calls: [make('slow'), make('quick')] }), { kernel });
  assert.deepEqual(order, ['slow', 'quick']);
});

test('onStep is told of each step that was done, with what its calls returned', async () => {
  const told: [string, readonly number[]][] = [];
  const steps = (function* (): Procedure {
    yield* step(directory('a'));
    yield* step(directory('b'));
  })();
  await assert.rejects(apply(steps, { kernel: failing({ b: errno.EPERM }), onStep: (s, returned) => told.push([s.id, returned]) }));
  assert.deepEqual(told, [['make.a', [0]]]);
});
