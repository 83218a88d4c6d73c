/** Groups of resctrl in a tree of files that stands for it: this machine's processors need not have it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { perform } from '../kernel/perform.ts';
import { enterGroupStep, makeGroup, removeGroup, type ResctrlGroup } from '../runtime/resctrl.ts';
import type { IntelRdt } from '../runtime/spec.ts';
import { apply, type Kernel } from '../step/apply.ts';
import { step } from '../step/step.ts';
import { groupOf } from './intel-rdt.ts';

interface Fake {
  readonly root: string;
  readonly kernel: Kernel;
  readonly group: (intelRdt: IntelRdt) => ResctrlGroup | undefined;
  readonly text: (path: string) => string;
}

/** A resctrl with one group, `there`. A new group has its files at once, and is removed with them. */
function fakeResctrl(t: TestContext, features = 'llc_occupancy\nmbm_total_bytes\n'): Fake {
  const root = mkdtempSync(join(tmpdir(), 'hako-resctrl-'));
  t.after(() => rmSync(root, { recursive: true }));
  const fill = (directory: string): void => {
    for (const [name, text] of [
      ['schemata', '    MB:0=100;1= 70\n    L3:0=7ff;1=01f\n'],
      ['tasks', ''],
    ] as const)
      writeFileSync(join(directory, name), text);
  };
  mkdirSync(join(root, 'there'));
  fill(join(root, 'there'));
  mkdirSync(join(root, 'info/L3_MON'), { recursive: true });
  writeFileSync(join(root, 'info/L3_MON/mon_features'), features);
  writeFileSync(join(root, 'info/last_cmd_status'), 'Mask f0f has non-consecutive 1-bits\n');
  const kernel: Kernel = {
    call(made, resolve) {
      const path = made.args[1] as string;
      if (made.name === 'unlinkat' && existsSync(path)) for (const name of ['schemata', 'tasks']) rmSync(join(path, name));
      const returned = perform(made, resolve);
      if (made.name === 'mkdirat' && returned === 0) fill(path);
      return returned;
    },
  };
  return { root, kernel, group: (intelRdt) => groupOf(intelRdt, 'box', () => root), text: (path) => readFileSync(join(root, path), 'utf8') };
}

test('a container has a group of its own, which goes with it', async (t) => {
  const { root, kernel, group, text } = fakeResctrl(t);
  const own = group({ l3CacheSchema: 'L3:0=f\nMB:0=10', memBwSchema: 'MB:0=20', enableCMT: true, enableMBM: true })!;
  assert.deepEqual([own.directory, own.isOwn], [join(root, 'box'), true]);
  await apply(makeGroup(own), { kernel });
  assert.equal(text('box/schemata').slice(0, 15), 'L3:0=f\nMB:0=20\n'.slice(0, 15));
  await apply(step(enterGroupStep(own.directory)), { kernel });
  assert.equal(text('box/tasks'), '0');
  await apply(removeGroup(own.directory), { kernel });
  assert.equal(existsSync(own.directory), false);
  await apply(removeGroup(own.directory), { kernel }); // gone already: no failure
});

test('a group that is named is made with its shares, or has them already, and is shared', async (t) => {
  const { root, kernel, group, text } = fakeResctrl(t);
  const before = text('there/schemata');
  for (const same of [{}, { l3CacheSchema: 'L3:1=1f' }, { l3CacheSchema: 'L3: 0=7FF; 1=1f', memBwSchema: 'MB:0=100;1=70' }]) {
    const there = group({ closID: 'there', ...same })!;
    assert.deepEqual([there.isNew, there.isOwn], [false, false]);
    await apply(makeGroup(there), { kernel });
    assert.equal(text('there/schemata'), before);
  }
  for (const other of [{ l3CacheSchema: 'L3:0=7f0' }, { memBwSchema: 'MB:1=80' }, { l3CacheSchema: 'L2:0=f' }, { l3CacheSchema: 'L3:2=1f' }])
    assert.throws(() => group({ closID: 'there', ...other }), /the group .*there is there already, and has other shares than (L|MB)/);
  assert.throws(() => group({ closID: 'new' }), /linux\.intelRdt\.closID: there is no group/);
  const made = group({ closID: 'new', memBwSchema: 'MB:0=20' })!;
  await apply(makeGroup(made), { kernel });
  assert.deepEqual([existsSync(join(root, 'new')), made.isOwn, text('new/schemata').startsWith('MB:0=20\n')], [true, false, true]);
});

test('what the kernel refuses is told in its words, and the group is taken back', async (t) => {
  const { root, kernel, group } = fakeResctrl(t);
  const refusing: Kernel = { call: (made, resolve) => (made.name === 'write' ? -22 : kernel.call(made, resolve)) };
  await assert.rejects(apply(makeGroup(group({ l3CacheSchema: 'L3:0=f0f' })!), { kernel: refusing }), /EINVAL.*Mask f0f has non-consecutive 1-bits/);
  assert.equal(existsSync(join(root, 'box')), false);
});

test('what this machine does not have is refused, whatever is asked', (t) => {
  const { group } = fakeResctrl(t, '');
  assert.throws(() => group({ enableCMT: true }), /linux\.intelRdt\.enableCMT: this machine/);
  assert.throws(() => group({ enableMBM: true }), /linux\.intelRdt\.enableMBM: this machine/);
  assert.equal(group({ enableCMT: false })?.isNew, true);
  assert.throws(() => groupOf({}, 'box', () => undefined), /linux\.intelRdt: Intel RDT is not enabled on this machine/);
  assert.equal(
    groupOf(undefined, 'box', () => undefined),
    undefined,
  );
});
