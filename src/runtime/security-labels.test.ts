/** Labels of security modules: what is refused where there are none, and that a kernel without them stops a start with a sentence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelSteps, refusedLabels } from './security-labels.ts';

const none = { apparmor: false, selinux: false };
const both = { apparmor: true, selinux: true };

test('a label that this machine cannot give is refused by the name of its field', () => {
  const asked = { apparmorProfile: 'web', selinuxLabel: 'a:b:c:s0', mountLabel: 'a:b:c:s0' };
  assert.match(refusedLabels({ apparmorProfile: asked.apparmorProfile }, none)!, /^process\.apparmorProfile asks for "web", but AppArmor is not enabled/);
  assert.match(refusedLabels({ selinuxLabel: asked.selinuxLabel }, none)!, /^process\.selinuxLabel asks for .* SELinux is not enabled/);
  assert.match(refusedLabels({ mountLabel: asked.mountLabel }, none)!, /^linux\.mountLabel asks for/);
  assert.equal(refusedLabels(asked, both), undefined);
});

test('what asks for no confinement is had everywhere', () => {
  for (const asked of [{}, { apparmorProfile: '', selinuxLabel: '', mountLabel: '' }, { apparmorProfile: 'unconfined' }]) {
    assert.equal(refusedLabels(asked, none), undefined);
    assert.deepEqual(labelSteps(asked, none), []);
  }
  assert.equal(labelSteps({ apparmorProfile: 'unconfined' }, both).length, 1, 'where there is AppArmor, it is said');
});

test('each module has a step of its own, with the words that it reads', () => {
  const written = labelSteps({ apparmorProfile: 'web', selinuxLabel: 'a:b:c:s0' }, both).map(({ id, calls }) => [id, (calls[1]!.args[1] as Buffer).toString()]);
  assert.deepEqual(written, [
    ['process.apparmor', 'exec web'],
    ['process.selinux', 'a:b:c:s0'],
  ]);
});
