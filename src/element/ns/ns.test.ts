import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, describe } from 'node:test';
import { firstOf, needs, needsRoot } from '../../../test/support/needs.ts';
import { compare } from './compare.ts';
import { show } from './show.ts';
import { survey } from './survey.ts';
import { tree, type Branch } from './tree.ts';

const main = join(import.meta.dirname, '../../cli/main.ts');
const types = ['user', 'mnt', 'pid', 'uts', 'ipc', 'net', 'cgroup', 'time'] as const;

describe('hako ns', { skip: firstOf(needsRoot(), needs('unshare')) }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-ns-'));
  const started: ChildProcess[] = [];
  after(() => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const env = { ...process.env, HAKO_RUN: join(directory, 'no-engine'), SHELL: '/bin/sh' };
  const hako = (...args: readonly string[]) => spawnSync(process.execPath, [main, 'ns', ...args], { encoding: 'utf8', env });
  /** Own of its namespaces, told by the process itself. */
  const own = (text: string): string[] => {
    const links = text.trim().split('\n').slice(-types.length);
    return types.filter((type, i) => links[i] !== readlinkSync(`/proc/self/ns/${type}`));
  };
  const tell = ['sh', '-c', `readlink ${types.map((type) => `/proc/self/ns/${type}`).join(' ')}`];
  /** A process in namespaces of its own, that says a line when it is there. */
  async function holder(...options: readonly string[]): Promise<{ readonly child: ChildProcess; readonly pid: number }> {
    const child = spawn('unshare', [...options, 'sh', '-c', 'echo $$; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    await once(child.stdout, 'data');
    return { child, pid: child.pid! };
  }

  test('run: each type, alone and all together, and nothing that was not asked for', () => {
    for (const [option, type] of [
      ['--uts', 'uts'],
      ['--ipc', 'ipc'],
      ['--net', 'net'],
      ['--mount', 'mnt'],
      ['--cgroup', 'cgroup'],
      ['--pid', 'pid'],
    ] as const) {
      const { status, stdout, stderr } = hako('run', option, '--', ...tell);
      assert.deepEqual([status, stderr, own(stdout)], [0, '', [type]], option);
    }
    assert.deepEqual(own(hako('run', '--all', '--time', ...tell).stdout), [...types]);
  });

  test('run: its exit code, its own processes by --mount-proc, its clocks', () => {
    assert.equal(hako('run', '--uts', 'sh', '-c', 'exit 7').status, 7);
    const processes = hako(
      'run',
      '--pid',
      '--mount-proc',
      'sh',
      '-c',
      'ls -d /proc/[0-9]* | wc -l; readlink /proc/self/exe >/dev/null && echo $$',
    ).stdout.split('\n');
    assert.deepEqual([processes[1], Number(processes[0]) < 6], ['1', true]);
    const uptime = Number(hako('run', '--boottime', '86400', 'cat', '/proc/uptime').stdout.split(' ')[0]);
    assert.ok(uptime - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) > 86_000);
  });

  test('run: id maps, as root and as nobody', () => {
    const read = ['sh', '-c', 'id -u; tr -s " " < /proc/self/uid_map; tr -s " " < /proc/self/gid_map; cat /proc/self/setgroups'];
    assert.deepEqual(hako('run', '--uid-map', '0:100000:1000', '--gid-map', '0:200000:500', ...read).stdout.split('\n'), [
      '0',
      ' 0 100000 1000',
      ' 0 200000 500',
      'allow',
      '',
    ]);
    const nobody = spawnSync(
      'setpriv',
      ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, main, 'ns', 'run', '-r', '--uts', ...read],
      { encoding: 'utf8', env },
    );
    assert.deepEqual([nobody.stderr, ...nobody.stdout.split('\n')], ['', '0', ' 0 65534 1', ' 0 65534 1', 'deny', '']);
  });

  test("a shell in a new PID namespace has the terminal, leaves it without complaint, and it is the caller's again", { skip: needs('script') }, async () => {
    const line = `'${process.execPath}' '${main}' ns run -p sh; echo "code $?"; read -r line; echo "got $line"`;
    const child = spawn('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env });
    child.stdin.write('exit 3\nmore\n');
    let seen = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      seen += String(text);
      if (/^got /m.test(seen)) child.stdin.end();
    }
    assert.match(seen, /code 3\r\n(more\r\n)?got more\r\n$/);
    assert.doesNotMatch(seen, /process group/);
  });

  test('a program that stops has hako stop, as one job; it goes on with hako, or is found to have been killed', { skip: needs('script') }, async () => {
    const { pid } = await holder('--pid', '--fork');
    const inside = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const file = join(directory, 'stops');
    const stops = `read -r me _ </proc/self/stat; echo $me >${file}; kill -STOP $$; echo went on; kill -STOP $$`;
    const line = `set -m; '${process.execPath}' '${main}' ns enter -p ${inside} sh -c '${stops}'; fg >/dev/null; kill -9 $(cat ${file}); fg >/dev/null; echo "code $?"`;
    const child = spawn('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    let seen = '';
    for await (const text of child.stdout.setEncoding('utf8')) seen += String(text);
    assert.match(seen, /^went on\r\n[^]*^code 137\r\n$/m);
    assert.doesNotMatch(seen, /Error/);
  });

  test('enter: by process, by types, by file; keep and release', async () => {
    const { child, pid } = await holder('--uts', '--net', '--ipc');
    assert.deepEqual(own(hako('enter', String(pid), ...tell).stdout), ['uts', 'ipc', 'net']);
    assert.deepEqual(own(hako('enter', '--uts', String(pid), ...tell).stdout), ['uts']);
    assert.equal(hako('enter', String(pid), 'sh', '-c', 'exit 5').status, 5);
    const kept = join(directory, 'uts');
    const inode = statSync(`/proc/${pid}/ns/uts`).ino;
    assert.deepEqual([hako('keep', String(pid), 'uts', kept).stderr, statSync(kept).ino], ['', inode]);
    child.stdin!.end();
    await once(child, 'exit');
    // Nobody is in it any more, and it is still the same one.
    assert.deepEqual(own(hako('enter', kept, ...tell).stdout), ['uts']);
    assert.equal(statSync(kept).ino, inode);
    const listed = survey().namespaces.find((n) => n.type === 'uts' && n.inode === inode)!;
    assert.deepEqual([listed.members, listed.keepers.map((keeper) => keeper.kind === 'mount' && keeper.path)], [[], [kept]]);
    // Also by a path that leads through a link.
    const link = join(directory, 'link');
    symlinkSync('.', link);
    assert.match(hako('keep', 'self', 'uts', join(link, 'uts')).stderr, /a namespace is kept at .* already/);
    assert.deepEqual([hako('release', join(link, 'uts')).stderr, existsSync(kept)], ['', false]);
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(kept));
  });

  test('ls: what processes are in, with owners, as /proc has it', async () => {
    const { pid } = await holder('--user', '--map-root-user', '--uts');
    const { namespaces } = survey();
    for (const type of types) {
      const link = readlinkSync(`/proc/${pid}/ns/${type}`);
      const found = namespaces.find((n) => `${n.type}:[${n.inode}]` === link)!;
      assert.ok(
        found.members.some((member) => member.pid === pid),
        link,
      );
    }
    const at = (branches: readonly Branch[], path: readonly string[]): readonly string[] | undefined =>
      branches
        .map(({ namespace, owned }) =>
          namespace.type === 'uts' && readlinkSync(`/proc/${pid}/ns/uts`) === `uts:[${namespace.inode}]`
            ? path
            : at(owned, [...path, `${namespace.type}:[${namespace.inode}]`]),
        )
        .find((found) => found !== undefined);
    const owners = at(tree(namespaces), [])!;
    assert.deepEqual([owners.at(-1), owners.at(-2)], [readlinkSync(`/proc/${pid}/ns/user`), readlinkSync('/proc/self/ns/user')]);
    const lines = hako('ls', '--type', 'uts', '--format', 'json').stdout.trim().split('\n');
    assert.ok(lines.some((line) => (JSON.parse(line) as { inode: number }).inode === statSync(`/proc/${pid}/ns/uts`).ino));
  });

  test('show and compare: who shares what', async () => {
    const { pid } = await holder('--uts', '--net');
    const seen = show(pid);
    const alone = seen.namespaces.filter(({ sharedBy }) => sharedBy.length === 0).map(({ type }) => type);
    assert.deepEqual(alone.toSorted(), ['net', 'uts']);
    assert.deepEqual(
      compare(process.pid, pid)
        .filter(({ same }) => !same)
        .map(({ type }) => type),
      ['uts', 'net'],
    );
    assert.equal(hako('compare', String(pid), 'self').status, 1);
    assert.equal(hako('compare', String(process.pid), String(process.ppid)).status, 0);
  });

  for (const [args, code, reason] of [
    [['run', 'true'], 125, /no namespace is asked for/],
    [['run', '--uid-map', '0:1:1', '--uid-map', '0:5:1', 'true'], 125, /the id map 0:1:1 overlaps another one inside the namespace/],
    [['run', '--uid-map', '0:0:1', '--uid-map', '0:0:1', 'true'], 125, /the id map 0:0:1 overlaps another one inside the namespace/],
    [['run', '--uid-map', '0:1', 'true'], 125, /invalid id map "0:1": it has the form INSIDE:OUTSIDE:COUNT/],
    [['run', '--uid-map', '0:0:0', 'true'], 125, /the id map 0:0:0 is none/],
    [['run', '--uts', 'no-such-program'], 127, /executable file not found in \$PATH/],
    [['run', '--pid', '--mount-proc', '-r', '-c', 'true'], 125, /cannot specify both/],
    [['enter', '999999999', 'true'], 1, /there is no process 999999999|neither a process id/],
    [['enter', '/etc/passwd', 'true'], 125, /\/etc\/passwd is no namespace/],
    [['enter', '--uts', '/proc/self/ns/net', 'true'], 125, /the file \/proc\/self\/ns\/net is one namespace, whatever its type/],
    [['enter', '/no/such', 'true'], 125, /\/no\/such can't be opened \(ENOENT\)/],
    [['keep', 'self', 'uts', '/usr'], 1, /\/usr is taken by something that is no plain file/],
    [['keep', 'self', 'uts', `/tmp/${'x'.repeat(300)}`], 1, /name too long \(ENAMETOOLONG\)/],
    [['keep', 'self', 'space', '/tmp/x'], 125, /unknown type of namespace "space"/],
    [['release', '/etc/passwd'], 1, /no namespace is kept at \/etc\/passwd/],
    [['compare', 'self', '999999999'], 125, /there is no process 999999999/],
    [['ls', '--type', 'space'], 125, /invalid argument "space"/],
  ] as const)
    test(`bad input is one sentence: ${args.join(' ')}`, () => {
      const { status, stderr } = hako(...args);
      assert.equal(status, code, stderr);
      assert.match(stderr, reason);
      assert.ok(!/\n\s+at /.test(stderr), stderr);
    });
});
