import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '../call.ts';
import { performNow } from '../perform.ts';
import { accessMask, assembleDeviceFilter, type DeviceFilterRule } from './device-filter.ts';
import { canLoadDeviceFilter, loadDeviceFilter } from './program.ts';

interface Request {
  readonly type: 1 | 2;
  readonly access: number;
  readonly major: number;
  readonly minor: number;
}

/** What the rules mean, said plainly: each letter of the access is decided by the last rule that speaks of it. */
function allowed(rules: readonly DeviceFilterRule[], { type, access, major, minor }: Request): boolean {
  const speaks = (r: DeviceFilterRule, bit: number): boolean =>
    (accessMask(r.access) & bit) !== 0 &&
    (r.type === undefined || r.type === 'a' || r.type === (type === 1 ? 'b' : 'c')) &&
    (r.major === undefined || r.major === major) &&
    (r.minor === undefined || r.minor === minor);
  return [1, 2, 4].filter((bit) => access & bit).every((bit) => rules.findLast((r) => speaks(r, bit))?.allow ?? false);
}

/** Runs the instructions that the assembler uses, as the kernel would. */
function evaluate(program: Uint8Array, { type, access, major, minor }: Request): number {
  const context = new Map([
    [0, ((access << 16) | type) >>> 0],
    [4, major],
    [8, minor],
  ]);
  const view = new DataView(program.buffer);
  const r: number[] = [];
  for (let pc = 0, steps = 0; steps < 10_000; pc++, steps++) {
    const [code, registers, offset, value] = [
      view.getUint8(pc * 8),
      view.getUint8(pc * 8 + 1),
      view.getInt16(pc * 8 + 2, true),
      view.getInt32(pc * 8 + 4, true),
    ];
    const to = registers & 15;
    const from = registers >> 4;
    if (code === 0x61) r[to] = context.get(offset)!;
    else if (code === 0xb7) r[to] = value;
    else if (code === 0xbf) r[to] = r[from]!;
    else if (code === 0x54) r[to] = (r[to]! & value) >>> 0;
    else if (code === 0x74) r[to] = r[to]! >>> value;
    else if (code === 0x15) pc += r[to] === value ? offset : 0;
    else if (code === 0x55) pc += r[to] !== value ? offset : 0;
    else if (code === 0x95) return r[0]!;
    else throw new Error(`instruction ${code.toString(16)} is unknown`);
  }
  throw new Error('it does not end');
}

/** Numbers that look random and are the same in each run. */
function* numbers(seed: number): Generator<number, never, unknown> {
  for (;;) yield (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8;
}

const random = numbers(42);
const pick = <T>(values: readonly T[]): T => values[random.next().value % values.length]!;

function someRules(): DeviceFilterRule[] {
  return Array.from({ length: random.next().value % 6 }, () => {
    const type = pick(['a', 'b', 'c', undefined] as const),
      major = pick([undefined, 1, 2]),
      minor = pick([undefined, 3, 4]),
      access = pick(['r', 'w', 'm', 'rw', 'rwm', '', undefined]);
    return { allow: pick([true, false]), ...(type && { type }), ...(major && { major }), ...(minor && { minor }), ...(access !== undefined && { access }) };
  });
}

test('the program decides as the rules say', () => {
  const answers = [0, 0];
  for (let i = 0; i < 400; i++) {
    const rules = someRules();
    const program = assembleDeviceFilter(rules);
    for (const type of [1, 2] as const)
      for (const access of [1, 2, 4, 6, 7])
        for (const major of [1, 2, 9])
          for (const minor of [3, 4]) {
            const request = { type, access, major, minor };
            const answer = evaluate(program, request);
            assert.equal(answer, allowed(rules, request) ? 1 : 0, `${JSON.stringify(rules)} ${JSON.stringify(request)}`);
            answers[answer]!++;
          }
  }
  assert.ok(
    answers.every((count) => count > 1000),
    `denied and allowed: ${answers.join(', ')}`,
  );
});

test('the kernel accepts every program', { skip: canLoadDeviceFilter() ? false : 'eBPF programs can not be loaded here (needs root)' }, () => {
  for (const rules of [
    [],
    ...Array.from({ length: 20 }, someRules),
    Array.from({ length: 200 }, (_, i) => ({ allow: i % 2 === 0, type: 'c' as const, major: i, minor: 255, access: 'rw' })),
  ]) {
    const program = performNow(loadDeviceFilter(assembleDeviceFilter(rules)));
    assert.ok(program >= 0, `${program}: ${JSON.stringify(rules)}`);
    performNow(call('close', [program]));
  }
});

test('letters that are no access are refused', () => {
  assert.throws(() => assembleDeviceFilter([{ allow: true, access: 'rx' }]), /"rx" is not a device access/);
});
