/** `hako doctor` against the kernel and other programs, as root and as nobody: what it says is there is there, and it leaves nothing. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { firstOf, needs, needsRoot } from './support/needs.ts';
import { capabilitiesIn } from '../src/kernel/capability.ts';
import { displayWidth } from '../src/cli/columns.ts';

interface Found {
  readonly id: string;
  readonly status: 'ok' | 'limited' | 'missing';
  readonly essential: boolean;
  readonly how: string;
  readonly reason?: string;
  readonly remedy?: string;
  readonly facts: Record<string, unknown>;
}

const main = join(import.meta.dirname, '../src/cli/main.ts');
const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** Runs the doctor, by other programs where `by` names them. */
function run(by: readonly string[], args: readonly string[] = []): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const [program = '', ...rest] = [...by, process.execPath, main, 'doctor', ...args];
  const env = { ...process.env, HAKO_ROOT: '/var/lib/hako', LANG: '', LC_ALL: '', LC_MESSAGES: '' };
  return new Promise((resolve) => {
    const child = execFile(program, rest, { env }, (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }));
  });
}

async function examine(by: readonly string[]): Promise<{ readonly code: number; readonly able: boolean; readonly of: (id: string) => Found }> {
  const { code, stdout, stderr } = await run(by, ['--format', 'json']);
  assert.equal(stderr, '');
  const { able, checks } = JSON.parse(stdout) as { able: boolean; checks: Found[] };
  assert.equal(code, able ? 0 : 1);
  assert.equal(able, !checks.some(({ essential, status }) => essential && status === 'missing'));
  for (const { id, status, reason, remedy } of checks) assert.ok(status === 'ok' || (reason && remedy), `${id} has a reason and a remedy`);
  return { code, able, of: (id) => checks.find((check) => check.id === id)! };
}

const text = (path: string): string => readFileSync(path, 'utf8').trim();
/** Whether a program succeeds, run as somebody. */
const succeeds = (by: readonly string[], ...args: readonly string[]): boolean => {
  const [program = '', ...rest] = [...by, ...args];
  return spawnSync(program, rest, { stdio: 'ignore' }).status === 0;
};

async function compare(by: readonly string[]): Promise<void> {
  const { of } = await examine(by);

  const status = spawnSync(by[0] ?? 'cat', [...by.slice(1), ...(by.length ? ['cat'] : []), '/proc/self/status'], { encoding: 'utf8' }).stdout;
  const effective = capabilitiesIn(BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(status)![1]}`));
  assert.deepEqual(of('capabilities').facts['effective'], effective);
  assert.equal(of('capabilities').facts['CAP_SYS_RESOURCE'], effective.includes('CAP_SYS_RESOURCE'));

  const places = of('cgroups').facts['hierarchies'] as { version: number; mountPoint: string; controllers: string[] }[];
  for (const { version, mountPoint, controllers } of places) {
    if (version === 2) assert.equal(text(`${mountPoint}/cgroup.controllers`), controllers.join(' '));
    else
      assert.ok(
        text('/proc/self/mountinfo')
          .split('\n')
          .some((line) => line.includes(` ${mountPoint} `) && controllers.every((name) => line.includes(name))),
      );
  }
  const sysctls = of('user-namespaces').facts['sysctls'] as Record<string, string | undefined>;
  for (const key of ['kernel.unprivileged_userns_clone', 'user.max_user_namespaces', 'kernel.apparmor_restrict_unprivileged_userns']) {
    const path = `/proc/sys/${key.replaceAll('.', '/')}`;
    assert.equal(sysctls[key], existsSync(path) ? text(path) : undefined, key);
  }
  const { directory, freeInodes } = of('room').facts as { directory: string; freeInodes: number | null };
  assert.equal(
    directory,
    ['/var/lib/hako', dirname('/var/lib/hako')].find((path) => existsSync(path)),
  );
  assert.equal(freeInodes === null, statfsSync(directory).files === 0);
  assert.equal(of('ip_forward').status === 'ok', text('/proc/sys/net/ipv4/ip_forward') === '1');
  assert.equal(of('kvm').facts['present'], existsSync('/dev/kvm'));
  const yama = '/proc/sys/kernel/yama/ptrace_scope';
  assert.equal(of('security-modules').facts['kernel.yama.ptrace_scope'], existsSync(yama) ? text(yama) : null);

  // What it tried is what other programs get, in a user namespace of the same user.
  const inUser = [...by, 'unshare', '--user', '--map-root-user', '--mount', '--net'];
  assert.equal(of('user-namespaces').facts['self'] === 'ok', succeeds(inUser, 'true'));
  assert.equal(of('time-namespaces').status === 'ok', succeeds(inUser, 'unshare', '--time', 'true'));
  const overlay = 'mount -t tmpfs none /mnt && cd /mnt && mkdir l u w m && mount -t overlay none -o userxattr,lowerdir=l,upperdir=u,workdir=w m';
  assert.equal(of('overlay-userxattr').status === 'ok', succeeds(inUser, 'sh', '-c', overlay));
  assert.equal(of('bridge').status === 'ok', succeeds(inUser, 'ip', 'link', 'add', 'b0', 'type', 'bridge'));
  assert.equal(of('veth').status === 'ok', succeeds(inUser, 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'));
  assert.equal(of('nf_tables').status === 'ok', succeeds(inUser, 'nft', 'add table ip t; add chain ip t c { type filter hook forward priority 0; }'));
  const nat = 'add table ip t; add chain ip t c { type nat hook postrouting priority 100; }; add rule ip t c masquerade';
  assert.equal(of('nat').status === 'ok', succeeds(inUser, 'nft', nat));
}

/** Whether nobody can reach Node and the source. */
const reachable = (): boolean => [process.execPath, main].every((path) => succeeds(nobody, 'test', '-r', path));
const needed = firstOf(needsRoot(), needs('unshare', 'ip', 'nft'));

test('what it says is what the kernel has, for root', { skip: needed }, () => compare([]));

test('what it says is what the kernel has, for nobody', { skip: needed || (!reachable() && 'nobody can not read this directory') }, () => compare(nobody));

test('what is missing is told with errno and remedy, and by exit code 1 where it is essential', { skip: needed }, async () => {
  // Limits of a user namespace's own: those of the machine stay.
  const limits = 'for kind in user net; do echo 0 > /proc/sys/user/max_${kind}_namespaces; done; exec "$@"';
  const { code, of } = await examine(['unshare', '--user', '--map-root-user', 'sh', '-c', limits, 'sh']);
  assert.equal(code, 1);
  assert.deepEqual([of('user-namespaces').status, of('user-namespaces').facts['self']], ['missing', 'ENOSPC']);
  assert.match(of('user-namespaces').remedy!, /sysctl -w user\.max_user_namespaces=/);
  assert.match(of('overlay-userxattr').reason!, /unshare\(CLONE_NEWUSER\): ENOSPC/);
  for (const id of ['bridge', 'veth', 'nf_tables', 'nat']) assert.match(of(id).reason!, /unshare\(.*CLONE_NEWNET.*\): ENOSPC/);
});

test('without a procfs it is what is told, by the doctor and by what reads the kernel', { skip: needed }, async () => {
  const without = ['unshare', '-m', 'sh', '-c', 'umount -l /proc; exec "$@"', 'sh'];
  const { able, of } = await examine(without);
  assert.deepEqual([able, of('procfs').status, of('procfs').remedy], [false, 'missing', 'mount -t proc proc /proc']);
  const { status, stdout, stderr } = spawnSync('unshare', [...without.slice(1), process.execPath, main, 'ns', 'ls'], { encoding: 'utf8' });
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^hako: no procfs is mounted at \/proc, .*: mount one with: mount -t proc proc \/proc\n$/);
});

test('nothing is left behind, where every mount would travel', { skip: needed }, async () => {
  // In namespaces that no other test shares.
  const look = 'look() { cat /proc/self/mountinfo; ip -o link; nft list ruleset; }; before=$(look); "$@" && test "$(look)" = "$before" && echo same';
  const { stdout } = await run(['unshare', '--mount', '--net', 'sh', '-c', `mount --make-rprivate / && mount --make-rshared / && ${look}`, 'sh']);
  assert.match(stdout, /\nsame\n$/);
});

test('80 columns, in both languages; what was only read says so', async () => {
  const [en, ja] = await Promise.all([run([], ['--lang', 'en']), run([], ['--lang', 'ja'])]);
  for (const line of `${en.stdout}${ja.stdout}`.split('\n')) assert.ok(displayWidth(line) <= 80, line);
  assert.match(en.stdout, /\(read only\)/);
  assert.match(ja.stdout, /\(読んだだけ\)/);
  const { code, stderr } = await run([], ['--format', 'yaml']);
  assert.equal(code, 125);
  assert.match(stderr, /it must be json/);
});
