import assert from 'node:assert/strict';
import test from 'node:test';
import { inRoot } from './shell.ts';
import type { Step } from './step.ts';
import { typed, withValues } from './typed.ts';

const step = (over: Partial<Step<unknown>>): Step<unknown> => ({ id: 'area.action', what: '', calls: [], shell: '', look: '', goal: () => [], ...over });
const at = { pid: 4711, root: '/run/hako/it’s here', inside: true };

test('what a process is to do is typed in its namespaces, as one word', () => {
  const { shell, look } = typed(step({ shell: `printf %s it >/proc/sys/kernel/hostname`, look: 'cat /proc/$PID/mountinfo' }), at);
  assert.equal(shell, `nsenter -t 4711 -a sh -c 'printf %s it >/proc/sys/kernel/hostname'`);
  assert.equal(look, 'cat /proc/4711/mountinfo');
});

test('what the engine is to do, and what has lines of its own for a person, is typed outside', () => {
  assert.equal(typed(step({ shell: 'mkdir /a' }), { ...at, inside: false }).shell, 'mkdir /a');
  assert.equal(typed(step({ shell: 'echo 0 >/tasks', hand: 'echo $PID >/tasks' }), at).shell, 'echo 4711 >/tasks');
});

test('variables are what they stand for, and paths stay one word each', () => {
  assert.equal(withValues(`\${host}mount "$ROOT" ${inRoot('/proc')}`, { ...at, root: '/r' }), 'mount /r /r/proc');
  assert.equal(withValues(`mkdir -p ${inRoot(`/it's a "b"`)}`, { ...at, root: '/r' }), `mkdir -p /r'/it'\\''s a "b"'`);
  assert.equal(withValues(inRoot('/proc'), { root: '/r', inside: false }), inRoot('/proc'), 'before the root is attached');
});
