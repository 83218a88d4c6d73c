/** `hako overlay mount` and `umount`, with and without privilege, as the kernel's mount table and the layers show it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { performNow } from '../src/kernel/perform.ts';
import { planMount, wholeMountStep } from '../src/element/overlay/mount.ts';
import { findProgram, needsRoot } from './support/needs.ts';

const skip = needsRoot();
const client = join(import.meta.dirname, '../src/cli/main.ts');

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Directories `a`, `b` with a file each, and empty ones; in a mount namespace of the test's own, what it mounts goes with it. */
function place(t: TestContext): { readonly root: string; readonly hako: (args: readonly string[], after?: string) => Ended } {
  const root = mkdtempSync(join(tmpdir(), 'hako-overlay-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  chmodSync(root, 0o755);
  execFileSync('sh', ['-ec', 'mkdir a b upper work target; echo a > a/a; echo b > b/b; echo low > b/a'], { cwd: root });
  const script = `node=$1 client=$2 after=$3; shift 3; "$node" "$client" "$@"; status=$?; eval "$after"; exit $status`;
  const hako = (args: readonly string[], after = ''): Ended =>
    spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', process.execPath, client, after, ...args], { cwd: root, encoding: 'utf8' });
  return { root, hako };
}

test('layers are mounted where all see them, and unmounted', { skip }, (t) => {
  const { root, hako } = place(t);
  const told = `cat target/a target/b; grep ' ${root}/target ' /proc/self/mountinfo; echo x > target/new || :; "$node" "$client" overlay umount target; ls target; grep -c ' ${root}/target ' /proc/self/mountinfo`;
  const { status, stdout } = hako(['overlay', 'mount', '--lower', 'a', '--lower', 'b', '--upper', 'upper', '--work', 'work', 'target'], told);
  assert.equal(status, 0);
  const [a, b, mount, ...rest] = stdout.trim().split('\n');
  assert.deepEqual([a, b, rest], ['a', 'b', ['0']]);
  assert.match(mount!, / rw.* - overlay overlay rw,.*upperdir=.*\/upper/);
  assert.equal(readFileSync(join(root, 'upper/new'), 'utf8'), 'x\n');
});

test('without a writable layer, or read-only, nothing can be written to it', { skip }, (t) => {
  const { hako } = place(t);
  const write = 'touch target/x; echo $?';
  assert.deepEqual(hako(['overlay', 'mount', '--lower', 'a', '--lower', 'b', 'target'], write).stdout, '1\n');
  const both = ['overlay', 'mount', '--read-only', '--lower', 'a', '--upper', 'upper', '--work', 'work', 'target'];
  assert.deepEqual(hako(both, write).stdout, '1\n');
});

test('for a command it is in a mount namespace of its own, and its exit code is ours', { skip }, (t) => {
  const { root, hako } = place(t);
  const args = ['overlay', 'mount', '-l', 'a', '-l', 'b', '-u', 'upper', '-w', 'work', 'target', '--', 'sh', '-c', 'cat target/a; rm target/a; exit 7'];
  const { status, stdout } = hako(args, 'ls target; grep -c overlay.*/target /proc/self/mountinfo');
  assert.deepEqual([status, stdout], [7, 'a\n0\n']);
  assert.match(execFileSync('ls', ['-l', join(root, 'upper')], { encoding: 'utf8' }), /^c.* 0, +0 .* a$/m);
});

test('who has no privilege gets a user namespace, and the marks in user.overlay', { skip: skip || (!findProgram('setpriv') && 'needs setpriv') }, (t) => {
  const { root } = place(t);
  execFileSync('sh', ['-ec', 'mkdir a/d; touch a/d/old; chown -R 12345:12345 .'], { cwd: root });
  const as = ['--reuid', '12345', '--regid', '12345', '--clear-groups', process.execPath, client, 'overlay', 'mount', '-l', 'a', '-l', 'b'];
  const script = 'rm target/a; rm -r target/d; mkdir target/d; cat /proc/self/uid_map; grep "/target " /proc/self/mountinfo';
  const { status, stdout, stderr } = spawnSync('setpriv', [...as, '-u', 'upper', '-w', 'work', 'target', '--', 'sh', '-c', script], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^ +0 +12345 +1$/m);
  assert.match(stdout, /,userxattr$/m);
  const ls = spawnSync(process.execPath, [client, 'overlay', 'ls', '--userxattr', '--format', 'json', './upper@1'], { cwd: root, encoding: 'utf8' });
  const listed = ls.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; type: string; opaque?: boolean });
  assert.deepEqual(
    listed.map(({ path, type, opaque }) => [path, type, opaque]),
    [
      ['/a', 'whiteout', undefined],
      ['/d', 'directory', true],
    ],
  );
  const here = spawnSync('setpriv', [...as, 'target'], { cwd: root, encoding: 'utf8' });
  assert.deepEqual(
    [here.status, here.stderr],
    [1, 'hako: to mount here needs CAP_SYS_ADMIN: be root, or give a command (-- COMMAND), which gets the mount in a mount and a user namespace of its own\n'],
  );
});

test('explained, nothing is mounted and no process started', { skip }, (t) => {
  const { root, hako } = place(t);
  const mount = ['overlay', 'mount', '--lower', 'a', '--lower', 'b', '--explain=json'];
  const here = hako([...mount, 'target'], 'grep -c overlay.*/target /proc/self/mountinfo');
  const [text, count] = [here.stdout.trim().split('\n').slice(0, -1).join('\n'), here.stdout.trim().split('\n').at(-1)];
  const steps = JSON.parse(text) as { id: string; shell: string; calls: string[] }[];
  assert.deepEqual([steps.map(({ id }) => id), count], [['mount.overlay', 'mount.attach'], '0']);
  assert.equal(steps[0]!.shell, `mount -t overlay overlay -o lowerdir=${root}/a:${root}/b,redirect_dir=off,metacopy=off ${root}/target`);
  const command = JSON.parse(hako([...mount, '--userns', 'target', '--', 'true']).stdout) as { id: string; inside: { id: string }[] }[];
  assert.ok(command.some(({ id }) => id === 'user.uid-map'));
  assert.deepEqual(
    command
      .find(({ id }) => id === 'process.clone')!
      .inside.map(({ id }) => id)
      .filter((id) => id.startsWith('mount.')),
    ['mount.propagation', 'mount.overlay', 'mount.attach'],
  );
});

test('before Linux 6.5 one call of mount(2) does it in a new process', { skip }, (t) => {
  const { root } = place(t);
  const at = (name: string): string => join(root, name);
  const plan = planMount({
    lower: [at('a'), at('b')],
    upper: at('upper'),
    work: at('work'),
    target: at('target'),
    readOnly: false,
    options: [],
    userNamespace: false,
  });
  const [mount] = wholeMountStep(plan).calls;
  assert.equal(performNow(mount!), 0);
  try {
    assert.deepEqual(readdirSync(at('target')), ['a', 'b']);
  } finally {
    execFileSync('umount', [at('target')]);
  }
});

test('what cannot be is refused with one sentence', { skip }, (t) => {
  const { root, hako } = place(t);
  const refused = (...args: string[]): string => {
    const { status, stderr } = hako(['overlay', ...args]);
    assert.notEqual(status, 0);
    return stderr.replaceAll(root, '').trim();
  };
  assert.equal(
    refused('mount', '-l', 'a', 'target'),
    'hako: an overlay without a writable layer needs two layers at least: give --lower a second time, or --upper and --work',
  );
  assert.match(refused('mount', '-l', 'a', '-u', 'upper', 'target'), /^hako: a writable layer needs both --upper and --work: /);
  assert.match(refused('mount', '-l', 'a', '-u', 'upper', '-w', 'upper', 'target'), /must be beside each other/);
  assert.match(refused('mount', '-l', 'a', '-u', 'upper', '-w', '/dev/shm', 'target'), /must be on the file system of --upper/);
  assert.equal(refused('mount', '-l', 'no', '-l', 'a', 'target'), 'hako: the layer no: no such file or directory (ENOENT)');
  assert.equal(refused('mount', '-l', 'a/a', '-l', 'a', 'target'), 'hako: the layer a/a is not a directory');
  assert.match(refused('mount', '-l', 'a', '-l', 'a/../a', '-o', 'nonsense=1', 'target'), /nonsense.* failed: invalid argument \(EINVAL\)/);
  assert.match(refused('umount', '/proc'), /\/proc is a mount of proc, not of an overlay/);
  assert.match(refused('umount', 'target'), /nothing is mounted at target/);
  const busy = hako(
    ['overlay', 'mount', '-l', 'a', '-l', 'b', 'target'],
    'cd target; "$node" "$client" overlay umount .; cd ..; "$node" "$client" overlay umount target',
  );
  assert.match(busy.stderr, /^hako: unmount .* failed: resource busy or locked \(EBUSY\): a process works in it .*\n$/);
});
