/** An ordinary user looks into a network namespace of theirs, which only the user namespace that owns it lets them enter. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { main } from '../support/net-lab.ts';
import { nobody, unableRootless } from '../support/rootless.ts';

test("an ordinary user's own network namespace is listed, and another user's is not", { skip: unableRootless() }, async () => {
  const { uid, gid } = nobody;
  const hold = (options: object, ...flags: string[]) =>
    spawn('unshare', [...flags, '--net', 'sh', '-c', 'echo ready; exec sleep infinity'], { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  const own = hold({ uid, gid }, '--user', '--map-root-user');
  const roots = hold({});
  try {
    await Promise.all([once(own.stdout, 'data'), once(roots.stdout, 'data')]);
    const list = (pid: number) => spawnSync(process.execPath, [main, 'net', 'ls', '--ns', String(pid), 'links', '--quiet'], { uid, gid, encoding: 'utf8' });
    const mine = list(own.pid!);
    assert.equal(mine.stderr, '');
    assert.equal(mine.stdout.trim(), 'lo');
    assert.notEqual(list(roots.pid!).status, 0);
  } finally {
    for (const held of [own, roots]) {
      held.kill('SIGKILL');
      await once(held, 'exit');
    }
  }
});
