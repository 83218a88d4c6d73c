/**
 * Containers of an ordinary user, whose runtime has no power over the machine: what it starts must be closed to those who are in its
 * user namespace already, though they are the same user; and nothing is given that the user has not.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { capabilityNames } from '../../src/kernel/capability.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';
import { needsPerl } from './inside.ts';

const repository = join(import.meta.dirname, '../..');
const program = join(repository, process.env.HAKO_TEST_ENTRY === 'dist' ? 'dist/hako-oci.js' : 'src/oci/main.ts');
/** A user that every machine has, and nobody is. */
const user = { uid: 65534, gid: 65534 };

const userNamespaces = (): string | false =>
  Number(readFileSync('/proc/sys/user/max_user_namespaces', 'utf8')) === 0 ? 'this machine gives ordinary users no user namespaces' : false;

/** Looks into every other process, until it is told that it is enough: a file appears. */
const spy = `
$| = 1; my (%seen, $looks); print "looking\\n";
until (-e "/tmp/enough") {
  opendir(my $proc, "/proc");
  for my $pid (grep { /^\\d+$/ && $_ != 1 && $_ != $$ } readdir $proc) {
    $looks++;
    next if (readlink("/proc/$pid/exe") // "") =~ /touch/;
    if (open(my $maps, "<", "/proc/$pid/maps")) { /(hako\\S*)/ and $seen{"memory $1"}++ while <$maps>; }
    opendir(my $fds, "/proc/$pid/fd") or next;
    for my $fd (readdir $fds) { my $to = readlink("/proc/$pid/fd/$fd") // next; $to =~ s/\\d+/N/g; $seen{$to}++ if $fd > 2 && $to =~ /^socket:|memfd|pidfd|cgroup|ns|hako/; }
  }
}
print $looks > 20 ? "looked\\n" : "seldom\\n"; print "$_\\n" for sort keys %seen;`;

interface Config {
  process: { args: readonly string[]; user: object; oomScoreAdj?: number };
  mounts: object[];
  linux: { namespaces: { type: string; path?: string }[]; uidMappings?: object; gidMappings?: object };
}

describe('what an ordinary user creates', { skip: firstOf(needsRoot(), needsPerl(), userNamespaces()) }, () => {
  let base: string;
  before(() => {
    base = mkdtempSync(join(tmpdir(), 'hako-test-rootless-'));
    mkdirSync(join(base, 'run'), { mode: 0o700 });
    for (const path of [base, join(base, 'run')]) chownSync(path, user.uid, user.gid);
  });
  after(() => {
    for (const id of ['spied', 'first', 'terminal']) hako('delete', '--force', id);
    rmSync(base, { recursive: true, force: true });
  });

  const options = () => ({ cwd: base, ...user, env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: join(base, 'run'), USER: 'nobody' } });
  /** Runs a command to its end. Its output goes to a file: a container keeps its caller's streams. */
  const hako = (...words: readonly string[]): { readonly status: number | null; readonly said: string } => {
    const out = openSync(join(base, 'out'), 'w+');
    const { status } = spawnSync(process.execPath, [program, ...words], { ...options(), stdio: ['ignore', out, out] });
    closeSync(out);
    return { status, said: readFileSync(join(base, 'out'), 'utf8') };
  };
  const must = (...words: readonly string[]): string => {
    const { status, said } = hako(...words);
    assert.equal(status, 0, `${words.join(' ')}: ${said}`);
    return said;
  };
  /** A bundle over the machine's own files, with all capabilities of its user namespace. */
  const bundle = (name: string, args: readonly string[], change: (config: Config) => void = () => {}): string => {
    const directory = join(base, name);
    mkdirSync(directory);
    chownSync(directory, user.uid, user.gid);
    must('spec', '--rootless', '--bundle', directory);
    const path = join(directory, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as Config;
    const all = capabilityNames.filter((capability) => capability !== undefined);
    Object.assign(config, { root: { path: '/', readonly: true } });
    Object.assign(config.process, { terminal: false, args, capabilities: { bounding: all, permitted: all, effective: all } });
    config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
    change(config);
    writeFileSync(path, JSON.stringify(config));
    return directory;
  };
  /** Starts the spy as the first process of a container. */
  const spyIn = async (name: string): Promise<{ readonly container: ChildProcess; readonly said: Promise<string> }> => {
    const container = spawn(process.execPath, [program, 'run', '--bundle', bundle(name, ['perl', '-e', spy]), name], {
      ...options(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    container.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    while (!text.includes('looking')) await once(container.stdout, 'data');
    return { container, said: once(container, 'close').then(() => text) };
  };

  test('further programs are not seen into by those who are there, whatever they may do in their user namespace', async () => {
    const { said } = await spyIn('spied');
    for (let i = 0; i < 6; i++) must('exec', 'spied', 'true');
    // With a score of its own, which a process writes to a file that is root's as soon as it has closed itself.
    const process = join(base, 'process.json');
    writeFileSync(
      process,
      JSON.stringify({ args: ['cat', '/proc/self/oom_score_adj'], cwd: '/', env: ['PATH=/usr/bin:/bin'], user: { uid: 0, gid: 0 }, oomScoreAdj: 300 }),
    );
    for (let i = 0; i < 3; i++) assert.equal(must('exec', '--process', process, 'spied'), '300\n');
    must('exec', 'spied', 'touch', '/tmp/enough');
    assert.equal(await said, 'looking\nlooked\n');
  });

  test('a further program has a terminal, which its runtime may take', () => {
    must('run', '--detach', '--bundle', bundle('terminal', ['sleep', '1000']), 'terminal');
    assert.match(must('exec', '--tty', 'terminal', 'tty'), /^\/dev\/pts\/\d+\r?\n$/);
    must('delete', '--force', 'terminal');
  });

  test('a container that joins another’s namespaces is not seen into by it', async () => {
    const { said } = await spyIn('first');
    const { pid } = JSON.parse(must('state', 'first')) as { pid: number };
    const joins = bundle('second', ['true'], ({ linux }) => {
      delete linux.uidMappings;
      delete linux.gidMappings;
      linux.namespaces = linux.namespaces.map((namespace) =>
        namespace.type === 'user' || namespace.type === 'pid' ? { type: namespace.type, path: `/proc/${pid}/ns/${namespace.type}` } : namespace,
      );
    });
    for (let i = 0; i < 6; i++) must('run', '--bundle', joins, `second-${i}`);
    must('exec', 'first', 'touch', '/tmp/enough');
    assert.equal(await said, 'looking\nlooked\n');
  });

  test('has no groups that the user cannot give, and says so', () => {
    const groups = bundle('groups', ['true'], ({ process }) => (process.user = { uid: 0, gid: 0, additionalGids: [0] }));
    const { status, said } = hako('run', '--bundle', groups, 'groups');
    assert.equal(status, 1);
    assert.match(said, /setgroups|group/);
  });

  test('cannot write to control files of the host, and not to files of the kernel', { skip: needs('unshare') }, () => {
    const script = `find /sys/fs/cgroup -type f -writable 2>/dev/null | head -3; for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_helper; do (echo "" >$f) 2>/dev/null && echo $f; done; echo end`;
    assert.equal(must('run', '--bundle', bundle('files', ['sh', '-c', script]), 'files'), 'end\n');
    assert.equal(existsSync(join(base, 'run/hako-oci/files')), false);
  });
});
