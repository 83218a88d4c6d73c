/**
 * Bad input and bad luck: what hako-oci is given that cannot be, and a machine that is short of what it needs. Each is one sentence and the
 * right exit status, and nothing is left: no process, cgroup, mount or state.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach, before, describe } from 'node:test';
import type { Json } from '../support/full-config.ts';
import { cgroupDirectories, mounts, processesOf } from '../support/inventory.ts';
import { needsRoot } from '../support/needs.ts';
import { bundleConfig, makeBundle, writeConfig } from '../support/oci-bundle.ts';
import { sweep } from '../support/sweep.ts';

const repository = join(import.meta.dirname, '../..');
const program = join(repository, process.env.HAKO_TEST_ENTRY === 'dist' ? 'dist/hako-oci.js' : 'src/oci/main.ts');
const node = [process.execPath, '--single-threaded', program];

type Config = ReturnType<typeof bundleConfig>;
/** What is asked, and what comes of it. */
type Case = readonly [name: string, change: ((config: Config) => void) | string | Buffer, code: number, says: RegExp, words?: readonly string[]];

describe('hako-oci refuses, or fails, and leaves nothing', { skip: needsRoot() }, () => {
  let base: string;
  let bundle: string;
  let root: string;
  let scope: { directory: string; bridge: string; cgroup: string };
  const at = (name: string): string => join(base, name);
  const config = (args?: readonly string[]): Config => bundleConfig(`/${scope.cgroup}/one`, args);

  before(() => {
    base = mkdtempSync(join(tmpdir(), 'hako-bad-'));
    bundle = at('bundle');
    root = at('root');
    mkdirSync(bundle);
    makeBundle(bundle);
    scope = { directory: base, bridge: '', cgroup: `hako-test-bad-${process.pid}` };
  });
  afterEach(() => {
    const states = existsSync(root) ? readdirSync(root) : [];
    const cgroups = cgroupDirectories(scope).filter((path) => !path.endsWith(scope.cgroup));
    const others = [...mounts(scope), ...processesOf(scope)];
    // Of a test that has failed, not to be found by the next.
    if (states.length > 0) hakoOci(['delete', '--force', 'one']);
    assert.deepEqual({ states, cgroups, others }, { states: [], cgroups: [], others: [] });
  });
  after(async () => {
    await sweep({ ...scope, networkOf: process.pid });
    rmSync(base, { recursive: true, force: true });
  });

  /** Its output goes to a file: a container that it makes holds it open. */
  function hakoOci(words: readonly string[], through: readonly string[] = []): { code: number | null; said: string } {
    const file = at('said');
    const fd = openSync(file, 'w');
    const [command, ...args] = [...through, ...node, '--root', root, ...words];
    const { status } = spawnSync(command!, args, { stdio: ['ignore', fd, fd], timeout: 30_000, cwd: base });
    closeSync(fd);
    return { code: status, said: readFileSync(file, 'utf8') };
  }
  const must = (...words: readonly string[]): void => assert.deepEqual(hakoOci(words), { code: 0, said: '' });
  const begin = (...words: readonly string[]): ChildProcess => spawn(node[0]!, [...node.slice(1), '--root', root, ...words], { stdio: 'ignore', cwd: base });

  function refuses([name, change, code, says, words = ['create', '-b', bundle, 'one']]: Case): void {
    if (typeof change === 'function') {
      const changed = config();
      change(changed);
      writeConfig(bundle, changed);
    } else writeFileSync(join(bundle, 'config.json'), change);
    const { code: status, said } = hakoOci(words);
    assert.match(said, says, name);
    assert.equal(status, code, `${name}: ${said}`);
    assert.ok(said.length < 9000 && !said.includes('internal error'), `${name}: ${said}`);
  }
  const set =
    (path: string, value: Json) =>
    (c: Config): void => {
      const keys = path.split('.');
      const parent = keys.slice(0, -1).reduce((part: Record<string, Json>, key) => part[key] as Record<string, Json>, c);
      parent[keys.at(-1)!] = value;
    };
  const mount =
    (...entry: Json[]) =>
    (c: Config): void =>
      void c.mounts.push(...(entry as Config['mounts']));

  test('a configuration that cannot be', () => {
    const whole = JSON.stringify(config());
    const cases: Case[] = [
      ['truncated', whole.slice(0, 100), 1, /config\.json is not valid JSON/],
      ['empty', '', 1, /not valid JSON/],
      ['huge', Buffer.alloc((16 << 20) + 1, ' '), 1, /has 16777217 bytes; at most/],
      ['not UTF-8', Buffer.from([0x7b, 0xff]), 1, /is not UTF-8/],
      ['null', 'null', 1, /must be an object/],
      [
        'of wrong types',
        (c) => Object.assign(c, { process: 'x', mounts: {}, root: [], linux: 3 }),
        1,
        /process must be an object.*root must be.*mounts must be.*linux must be/,
      ],
      ['a NUL in a path', set('root.path', 'a\0b'), 1, /root\.path must not contain a NUL/],
      ['a root that is a file', set('root.path', 'config.json'), 1, /invalid rootfs .*it is not a directory/],
      ['a root that is not there', set('root.path', 'nowhere'), 1, /invalid rootfs .*no such file/],
      ['no root', set('root.path', ''), 1, /root\.path must not be empty/],
      ['no program', set('process.args', []), 1, /process\.args must not be empty/],
      ['an empty program', set('process.args', ['']), 1, /executable file not found in \$PATH/],
      ['a program that is not there', set('process.args', ['nowhere']), 127, /exec: "nowhere": executable file not found in \$PATH/],
      ['a program that is a directory', set('process.args', ['/usr']), 126, /permission denied/],
      ['an argument that is too long', set('process.args', ['true', 'x'.repeat(1 << 20)]), 126, /argument list too long/, ['run', '-b', bundle, 'one']],
      ['a variable without a value', set('process.env', ['NAME']), 1, /process\.env\[0\] must have the form/],
      ['a directory of a file', set('process.cwd', '/usr/bin/env'), 1, /not a directory/],
      ['a relative directory', set('process.cwd', 'tmp'), 1, /process\.cwd must be an absolute path/],
      ['no user', set('process.user.uid', -1), 1, /process\.user\.uid must be an integer/],
      [
        'too many groups',
        set(
          'process.user.additionalGids',
          Array.from({ length: 65537 }, (_, i) => i),
        ),
        1,
        /at most 65536 entries/,
      ],
      ['a long hostname', set('hostname', 'h'.repeat(65)), 1, /at most 64 bytes/],
      ['a hostname of two lines', set('hostname', 'a\nb'), 1, /control characters/],
      ['a source that is not there', mount({ destination: '/x', type: 'bind', source: '/nowhere', options: ['bind'] }), 1, /nowhere.*no such file/],
      ['a file system that is none', mount({ destination: '/x', type: 'nofs', source: 'x' }), 1, /nofs.*no such device/],
      ['an option that is none', mount({ destination: '/tmp', type: 'tmpfs', source: 'x', options: ['no=thing'] }), 1, /Unknown parameter 'no'/],
      ['too many mounts', mount(...Array.from({ length: 8000 }, () => ({ destination: '/tmp', type: 'tmpfs', source: 'x' }))), 1, /argument list too long/],
    ];
    for (const one of cases) refuses(one);
  });

  test('a name, a bundle or a file that cannot be', async () => {
    mkdirSync(at('directory'), { recursive: true });
    mkdirSync(at('odd'));
    spawnSync('mkfifo', [at('odd/config.json')]);
    const create = (...words: string[]): string[] => ['create', '-b', bundle, ...words];
    const fine = (): void => {};
    const terminal = set('process.terminal', true);
    const closing = createServer((socket) => socket.destroy()).listen(at('closing'));
    await once(closing, 'listening');
    const cases: Case[] = [
      ...['', 'a/b', 'a\nb', '.', '..', '~a', 'a b', 'é'].map((id): Case => [`id ${id}`, fine, 1, /invalid container ID/, create('--', id)]),
      ['a long id', fine, 1, /256 characters/, create('x'.repeat(256))],
      ['no bundle', fine, 1, /config\.json cannot be opened: no such file/, ['create', '-b', at('nowhere'), 'one']],
      ['a FIFO', fine, 1, /is not a regular file/, ['create', '-b', at('odd'), 'one']],
      ['a pid file in no directory', fine, 1, /the pid file .* cannot be written: no such file/, create('--pid-file', at('nowhere/pid'), 'one')],
      ['a pid file that is a directory', fine, 1, /the pid file .* cannot be written/, create('--pid-file', at('directory'), 'one')],
      ['descriptors that are not open', fine, 1, /the descriptor 3 is not open/, create('--preserve-fds', '2', 'one')],
      ['no console socket', terminal, 1, /cannot allocate tty/, create('one')],
      ['a console socket without a terminal', fine, 1, /cannot use console socket/, create('--console-socket', at('closing'), 'one')],
      ['a console socket that is not there', terminal, 1, /console socket .* cannot be used: no such file/, create('--console-socket', at('nowhere'), 'one')],
      ['a console socket that is a file', terminal, 1, /nobody listens on it/, create('--console-socket', join(bundle, 'config.json'), 'one')],
      ['a pidfd socket that is not there', fine, 1, /pidfd socket .* cannot be used/, create('--pidfd-socket', at('nowhere'), 'one')],
      ['a log that is a directory', fine, 1, /log file .* cannot be written/, ['--log', base, ...create('one')]],
      ['a root that is a file', fine, 1, /could not make the directory/, ['--root', join(bundle, 'config.json'), ...create('one')]],
    ];
    for (const one of cases) refuses(one);
    closing.close();
  });

  test('an id that a container has is taken, whatever else it has', () => {
    writeConfig(bundle, config(['sleep', '60']));
    must('create', '-b', bundle, 'one');
    for (const command of ['create', 'run']) {
      const { code, said } = hakoOci([command, '-b', bundle, 'one']);
      assert.match(said, /^container with given ID already exists: one\n$/);
      assert.equal(code, 1);
    }
    assert.match(hakoOci(['state', 'one']).said, /"status": "created"/);
    must('delete', '--force', 'one');
  });

  test('bundles of any name are taken', () => {
    for (const name of [' a space', 'two\nlines', 'ünï', `a:b,c=d\\e'"`]) {
      const other = at(name);
      mkdirSync(other);
      makeBundle(other);
      writeConfig(other, config(['sh', '-c', 'echo "$V"; exit 3']));
      const named = config(['sh', '-c', 'echo "$V"; exit 3']);
      named.process['env'] = ['PATH=/bin', 'V=two\nlines'];
      writeConfig(other, named);
      assert.deepEqual(hakoOci(['run', '-b', other, 'one']), { code: 3, said: 'two\nlines\n' });
    }
  });

  test('a machine that is short of something', () => {
    writeConfig(bundle, config(['true']));
    const run = ['run', '-b', bundle, 'one'];
    const inside = (setup: string): string[] => ['unshare', '--mount', 'sh', '-c', `${setup}\nexec "$@"`, 'sh'];
    const tiny = (options: string): string[] => inside(`mkdir -p "${root}" && mount -t tmpfs -o ${options} none "${root}"`);
    const left = `; ls "${root}"`;
    const cases: [string, string[], RegExp][] = [
      ['a root that is read-only', tiny('ro'), /read-only file system/],
      ...[1, 2, 3, 4, 5].map((n): [string, string[], RegExp] => [`a root of ${n} inodes`, tiny(`nr_inodes=${n}`), /no space left on device/]),
      ['a root that is full', tiny('size=4k'), /no space left on device/],
      ['no /proc', inside('mount -t tmpfs none /proc'), /mount a proc\(5\) at \/proc/],
      ['no cgroups', inside('for d in /sys/fs/cgroup/* /sys/fs/cgroup; do umount -l "$d" 2>/dev/null; done; true'), /no cgroup file system is mounted/],
      ['few descriptors', ['sh', '-c', 'ulimit -n 26; exec "$@"', 'sh'], /too many open files/],
    ];
    for (const [name, through, says] of cases) {
      const wrapped = name.includes('root')
        ? [...through.slice(0, -2), `${through.at(-2)!.replace('exec "$@"', '"$@"; code=$?')}${left}; exit $code`, 'sh']
        : through;
      const { code, said } = hakoOci(run, wrapped);
      assert.match(said, says, name);
      assert.equal(code, 1, name);
      assert.equal(said.trim().split('\n').length, 1, `${name}: ${said}`);
    }
    rmSync(root, { recursive: true, force: true });
    // Closed streams, no variables, a directory that is gone: all the same.
    for (const script of ['exec "$@" <&- >&- 2>&-', 'exec env -i "$@"', 'mkdir -p gone && cd gone && rmdir ../gone && exec "$@"'])
      assert.equal(hakoOci(run, ['sh', '-c', script, 'sh']).code, 0, script);
  });

  test('hooks that cannot be run', () => {
    const hook =
      (kind: string, entry: Json) =>
      (c: Config): void =>
        void Object.assign(c, { hooks: { [kind]: [entry] }, process: { ...c.process, args: ['true'] } });
    const run = ['run', '-b', bundle, 'one'];
    for (const kind of ['prestart', 'createRuntime', 'createContainer', 'startContainer'])
      refuses([kind, hook(kind, { path: '/nowhere' }), 1, new RegExp(`error running ${kind} hook #0 \\(/nowhere\\)`), run]);
    for (const kind of ['poststart', 'poststop']) refuses([kind, hook(kind, { path: '/nowhere' }), 0, new RegExp(`warning.*error running ${kind} hook`), run]);
    refuses(['not executable', hook('createRuntime', { path: '/etc/passwd' }), 1, /createRuntime hook #0.*permission denied/, run]);
    refuses(['hanging', hook('createRuntime', { path: '/bin/sleep', args: ['sleep', '1000'], timeout: 1 }), 1, /took longer than its timeout of 1 s/, run]);
  });

  test('a bundle that vanishes, and a process id that is now another’s', () => {
    const other = at('vanishing');
    cpSync(bundle, other, { recursive: true, verbatimSymlinks: true });
    writeConfig(other, config());
    must('create', '-b', other, 'one');
    renameSync(other, at('elsewhere'));
    must('start', 'one');
    must('exec', 'one', 'true');
    const path = join(root, 'one/state.json');
    const record = JSON.parse(readFileSync(path, 'utf8')) as { process: object };
    const ours = spawn('sleep', ['1000'], { stdio: 'ignore' });
    writeFileSync(path, JSON.stringify({ ...record, process: { pid: ours.pid, startTime: '1' } }));
    assert.match(hakoOci(['kill', 'one', 'KILL']).said, /container not running/);
    assert.match(hakoOci(['exec', 'one', 'true']).said, /container not running/);
    must('delete', '--force', 'one');
    assert.equal(ours.exitCode ?? ours.signalCode, null);
    ours.kill('SIGKILL');
  });

  test('of many who create, start or delete one container at once, one does', async () => {
    writeConfig(bundle, config());
    const many = async (...words: string[]): Promise<number> => {
      const codes = await Promise.all(Array.from({ length: 8 }, async () => (await once(begin(...words), 'exit'))[0] as number));
      return codes.filter((code) => code === 0).length;
    };
    assert.equal(await many('create', '-b', bundle, 'one'), 1);
    assert.equal(await many('start', 'one'), 1);
    assert.equal(await many('delete', '--force', 'one'), 8, 'force is content with what is gone');
  });

  for (const manager of ['cgroupfs', 'disabled'])
    test(`killed at any moment, delete --force finds all of it (cgroups: ${manager})`, async () => {
      for (let i = 0; i < 8; i++) {
        const changed = config();
        if (i % 2 && manager === 'cgroupfs') changed.linux['namespaces'] = [{ type: 'mount' }];
        writeConfig(bundle, changed);
        const words = ['--cgroup-manager', manager];
        // `run` passes on what it can catch, and a first process need not heed it.
        const command = i % 3 ? 'create' : 'run';
        const child = begin(...words, command, '-b', bundle, 'one');
        const timer = setTimeout(() => child.kill(command === 'create' && i % 2 ? 'SIGTERM' : 'SIGKILL'), 40 + 18 * i);
        await once(child, 'exit');
        clearTimeout(timer);
        assert.equal(hakoOci([...words, 'delete', '--force', 'one']).code, 0);
      }
      // What its creator has left waiting sees it go, and goes too.
      for (let tries = 0; processesOf(scope).length > 0 && tries < 100; tries++) await new Promise((resolve) => void setTimeout(resolve, 20));
    });
});
