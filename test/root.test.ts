/** `hako root`: what chroot and pivot_root leave in reach, on the real kernel; roots, mounts and propagation as they are shown and set. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { firstOf, needs, needsRoot } from './support/needs.ts';
import { buildBaseRootfs } from '../src/image/base/base-image.ts';
import { applied, explained } from '../src/element/interpret.ts';
import { tryOut } from '../src/element/root/compare.ts';
import { readPropagation, setPropagation } from '../src/element/root/propagation.ts';
import { viewRoot, type MountNode } from '../src/element/root/show.ts';

const main = join(import.meta.dirname, '../src/cli/main.ts');

describe('another root', { skip: firstOf(needsRoot(), needs('unshare')) }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-root-test-'));
  const root = join(directory, 'root');
  before(async () => {
    mkdirSync(root);
    await buildBaseRootfs(root);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const hako = (...args: readonly string[]) =>
    spawnSync(process.execPath, [main, 'root', ...args], {
      encoding: 'utf8',
      env: { ...process.env, HAKO_RUN: join(directory, 'no-engine'), PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });

  test('out of a chroot leads the classic way; out of a pivoted root it does not', async () => {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    assert.deepEqual(await applied(tryOut('chroot', { directory: root })), { way: 'chroot', escaped: true });
    assert.deepEqual(await applied(tryOut('pivot', { directory: root })), { way: 'pivot', escaped: false });
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), mounts, 'the host has the mounts that it had');
  });

  test('also where the directory is empty, which is left empty', async () => {
    const empty = join(directory, 'empty');
    mkdirSync(empty);
    assert.equal((await applied(tryOut('chroot', { directory: empty }))).escaped, true);
    assert.equal((await applied(tryOut('pivot', { directory: empty }))).escaped, false);
    assert.deepEqual(readdirSync(empty), []);
    const calls = explained(tryOut('pivot', { directory: empty }))
      .at(-1)!
      .inside.at(-1)!.calls;
    assert.match(JSON.stringify(calls[0]), /mkdirat/);
    assert.deepEqual(readdirSync(empty), [], 'an explanation makes nothing');
  });

  test('layers are stacked for it, and nothing stays mounted', async () => {
    const [upper, work, target] = ['upper', 'work', 'target'].map((name) => join(directory, name)) as [string, string, string];
    for (const path of [upper, work, target]) mkdirSync(path);
    const layers = { lower: [root], upper, work, target };
    assert.equal((await applied(tryOut('pivot', { layers }))).escaped, false);
    assert.equal((await applied(tryOut('chroot', { layers }))).escaped, true);
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(target));
  });

  for (const way of ['--chroot', '--pivot'])
    test(`run ${way}: the command sees the new root, its exit code comes back, and the host is as before`, () => {
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
      const { status, stdout, stderr } = hako('run', way, '--proc', root, 'sh', '-c', 'ls /; pwd; cut -d" " -f5 /proc/self/mountinfo; exit 9');
      assert.deepEqual([status, stderr], [9, '']);
      const lines = stdout.trim().split('\n');
      assert.deepEqual(lines.slice(0, lines.indexOf('/')), readdirSync(root).toSorted());
      // After a pivot the root is a mount and all there is; after a chroot only what lies below it has names.
      assert.deepEqual(lines.slice(lines.indexOf('/') + 1), ['/', '/proc']);
      assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), mounts);
    });

  test('a plain chroot makes no mount namespace, and is told as one by show', async () => {
    const child = spawn(process.execPath, [main, 'root', 'run', '--chroot', root, 'sh', '-c', 'echo $$; exec sleep 100'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(String((await once(child.stdout, 'data'))[0]));
    assert.equal(readlinkSync(`/proc/${pid}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'));
    const view = viewRoot(pid);
    assert.deepEqual([view.root, view.changedRoot], [root, true]);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });

  test('show: root, directory, mounts and how they travel, with peers in other namespaces', async () => {
    const inner = 'mount --make-slave /mnt; echo $$; cat';
    const script = `mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && mount --make-shared /mnt && unshare --mount --propagation unchanged sh -c '${inner}'`;
    const child = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/usr' });
    const pid = Number(String((await once(child.stdout, 'data'))[0]));
    const all = (nodes: readonly MountNode[]): MountNode[] => nodes.flatMap((node) => [node, ...all(node.below)]);
    const view = viewRoot(pid);
    assert.deepEqual([view.root, view.directory, view.changedRoot], ['/', '/usr', false]);
    const { type, propagation } = all(view.mounts).find(({ path }) => path === '/mnt')!;
    assert.deepEqual([type, propagation.mode, propagation.peers], ['tmpfs', 'slave', [`${child.pid}:/mnt`]]);
    const shared = all(viewRoot(child.pid!).mounts).find(({ path }) => path === '/mnt')!.propagation;
    assert.deepEqual([shared.mode, shared.group], ['shared', propagation.master]);
    assert.equal(all(view.mounts).length, readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n').length);
    child.stdin.end();
    await once(child, 'exit');
  });

  test("propagation is set in a process's mount namespace, as the kernel shows, and shown again", async () => {
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt; echo ready; cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const pid = child.pid!;
    const tags = (): string => / \/mnt (?:\S+) (.*?)- tmpfs/.exec(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))![1]!.trim();
    assert.equal(readPropagation('/mnt', pid).mode, 'private');
    for (const [mode, expected] of [
      ['shared', /^shared:\d+$/],
      ['private', /^$/],
      ['unbindable', /^unbindable$/],
    ] as const) {
      await applied(setPropagation('/mnt', mode, { pid, recursive: false }));
      assert.match(tags(), expected);
      assert.equal(readPropagation('/mnt', pid).mode, mode);
    }
    child.stdin.end();
    await once(child, 'exit');
    assert.deepEqual(
      explained(setPropagation('/', 'shared', { recursive: false })).map(({ calls }) => calls),
      [['mount(NULL, "/", NULL, MS_SHARED, NULL)']],
    );
  });

  for (const [args, code, reason] of [
    [['run', '/no/such/directory', 'true'], 125, /\/no\/such\/directory can't be a root: stat of it failed \(ENOENT\)/],
    [['run', main, 'true'], 125, /can't be a root: it is no directory/],
    [['run', '--chroot', '--pivot', '/', 'true'], 125, /cannot specify both --chroot and --pivot/],
    [['show', '999999999'], 1, /there is no process 999999999/],
    [['propagation', '/usr/bin'], 1, /\/usr\/bin is no mount point: it lies on the one at \/; make it one with: mount --bind/],
    [['propagation', '/', 'public'], 125, /unknown mode "public": it must be private, shared, slave, unbindable/],
    [['run', directory, 'no-such-program'], 127, /executable file not found in \$PATH/],
  ] as const)
    test(`bad input is one sentence: ${args.slice(0, 2).join(' ').replace(directory, 'DIRECTORY')}`, () => {
      const { status, stderr } = hako(...args);
      assert.equal(status, code, stderr);
      assert.match(stderr, reason);
      assert.ok(!/\n\s+at /.test(stderr), stderr);
    });
});
