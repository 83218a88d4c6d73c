/** The inventory sees each kind of object that an engine could leave, and the sweep takes it away. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { cgroupDirectories, difference, inventory, type Scope } from './inventory.ts';
import { firstOf, needs, needsRoot } from './needs.ts';
import { leftovers, sweep } from './sweep.ts';

test('a difference counts lines that occur several times', () => {
  assert.deepEqual(difference(['a', 'b', 'b'], ['b', 'c']), ['+ c', '- a', '- b']);
  assert.deepEqual(difference(['a', 'b'], ['b', 'a']), []);
});

test('a mount, a cgroup, a process, a file and a link are seen, and swept', { skip: firstOf(needsRoot(), needs('ip', 'unshare')) }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-inventory-'));
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo up; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(holder.stdout, 'data');
  const scope: Scope = { directory, bridge: 'hako-inv0', cgroup: `hako-inventory-${process.pid}`, networkOf: holder.pid! };
  try {
    const before = inventory(scope);

    mkdirSync(join(directory, 'mounted'));
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', 'none', join(directory, 'mounted')]).status, 0);
    const freezer = ['/sys/fs/cgroup/freezer', '/sys/fs/cgroup'].map((h) => join(h, scope.cgroup)).find(canMake)!;
    mkdirSync(join(freezer, 'container'));
    const child = spawn('sleep', ['60'], { cwd: directory, stdio: 'ignore' });
    await once(child, 'spawn');
    writeFileSync(join(freezer, 'container/cgroup.procs'), String(child.pid));
    spawnSync('nsenter', [`--net=/proc/${holder.pid}/ns/net`, 'ip', 'link', 'add', scope.bridge, 'type', 'bridge']);

    assert.deepEqual(difference(before, inventory(scope)), [
      `+ cgroup ${freezer}`,
      `+ cgroup ${freezer}/container`,
      '+ file mounted',
      '+ link hako-inv0',
      `+ mount ${directory}/mounted`,
      '+ process sleep',
    ]);
    assert.deepEqual(leftovers(scope), [`mount ${directory}/mounted`, `process ${child.pid} sleep`, `cgroup ${freezer}/container`]);

    await sweep(scope);
    assert.deepEqual(leftovers(scope), []);
    assert.deepEqual(cgroupDirectories(scope), []);
  } finally {
    await sweep(scope);
    holder.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});

function canMake(cgroup: string): boolean {
  try {
    mkdirSync(cgroup);
    return true;
  } catch {
    return false;
  }
}
