/** The engine of an ordinary user: what it can do, with which ids, and that it comes to its containers again. */
import assert from 'node:assert/strict';
import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { parseOwnCgroups, findHierarchies } from '../../src/runtime/cgroup/layout.ts';
import { dockerArchive } from '../support/images.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';
import { clientPath, firstGranted, nobody, OwnEngine } from '../support/own-engine.ts';

const switchedOff = (path: string): boolean => existsSync(path) && readFileSync(path, 'utf8').trim() === '0';
const userNamespaces = (): string | false =>
  switchedOff('/proc/sys/kernel/unprivileged_userns_clone') || switchedOff('/proc/sys/user/max_user_namespaces')
    ? 'this machine gives ordinary users no user namespaces'
    : false;
const skip = firstOf(needsRoot(), userNamespaces(), needs('unshare', 'setpriv'));

describe('the engine of an ordinary user', { skip }, () => {
  test('runs containers with its own id alone, and says what that cannot do', async () => {
    await using engine = new OwnEngine();
    const first = await engine.hako(
      'run',
      '--rm',
      'base',
      'sh',
      '-c',
      'id -u; id -G; cat /proc/self/uid_map; stat -c %u /root /proc/1; hostname >/root/x; ls -A /root',
    );
    assert.equal(first.status, 0, first.stderr);
    const [uid, groups, map, home, init] = first.stdout.split('\n');
    assert.deepEqual([uid, groups, map!.trim().split(/\s+/), home, init], ['0', '0', ['0', String(nobody.uid), '1'], '0', '0']);
    assert.match(first.stderr, /only your own id is mapped, since \/etc\/subuid grants no ids to nobody/);
    assert.match(first.stderr, /containers reach each other, but not the network.*install slirp4netns/);

    // Told once; the kernel has it that the engine is not root of the machine.
    const limited = await engine.hako('run', '-d', '--name', 'limited', '--memory', '64m', 'base', 'sleep', '1000');
    assert.match(limited.stderr, /^WARNING: Memory limits will not be in force: no memory controller of cgroup version 2 is delegated to you[^\n]*\n$/);
    const pid = await engine.must('inspect', '-f', '{{.State.Pid}}', 'limited');
    assert.equal(statSync(`/proc/${pid}`).uid, nobody.uid);
    assert.match(await engine.must('top', 'limited', '-o', 'args'), /sleep 1000/);
    assert.equal(await engine.must('exec', 'limited', 'sh', '-c', 'id -u; tr "\\0" " " </proc/1/cmdline'), '0\nsleep 1000');
    await engine.must('commit', 'limited', 'limited');
    await engine.must('run', '--rm', '-v', 'kept:/data', 'base', 'sh', '-c', 'echo hi >/data/f');
    assert.equal(await engine.must('run', '--rm', '-v', 'kept:/data', 'base', 'cat', '/data/f'), 'hi');

    for (const [words, why] of [
      [['pause', 'limited'], /no cgroup of its own.*Delegate=yes/],
      [['run', '--rm', '--user', '1000', 'base', 'true'], /user 1000 cannot be in a container of yours.*\/etc\/subuid/],
      [['run', '--rm', '--group-add', '7', 'base', 'true'], /additional groups 7 cannot be/],
      [['run', '--rm', '--userns', 'private', 'base', 'true'], /needs the engine of root/],
      [['run', '--rm', '-p', '18080:80', 'base', 'true'], /published by slirp4netns only.*install slirp4netns/],
    ] as const) {
      const { status, stderr } = await engine.hako(...words);
      assert.notEqual(status, 0, words.join(' '));
      assert.match(stderr, why);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
    // The kernel shows the loaded filter to the machine's root alone: hako why asks the one that the record makes.
    const noMkdir = join(engine.base, 'no-mkdir.json');
    writeFileSync(noMkdir, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] }));
    await engine.must('run', '-d', '--name', 'filtered', '--security-opt', `seccomp=${noMkdir}`, 'base', 'sleep', '1000');
    const refused = await engine.hako('why', 'filtered', '--', 'mkdir', '/tmp/d');
    assert.match(refused.stdout, /Refused by the container's seccomp filter/);
    assert.match(refused.stdout.replaceAll(/\s+/g, ' '), /the filter of 12 instructions that the record makes/);
    const zero = await engine.hako('run', '--rm', '--device', '/dev/zero:/dev/other:r', 'base', 'head', '-c', '1', '/dev/other');
    assert.equal(zero.stdout, '\0');
    assert.match(zero.stderr, /^WARNING: Rules of devices will not be in force/);
    const info = await engine.hako('info');
    assert.match(info.stdout, /name=rootless/);
    assert.match(info.stderr, /^WARNING: only your own id/m);
  });

  test('has the ids that are granted, in images and for users, and makes layers as overlay wants them', { skip: needs('newuidmap', 'newgidmap') }, async () => {
    await using engine = new OwnEngine({ granted: 1000, programs: ['newuidmap', 'newgidmap'] });
    const layers = [
      [
        { name: 'data/', type: '5', mode: 0o755 },
        { name: 'data/mine', contents: 'm', uid: 7, gid: 8 },
        { name: 'data/theirs', contents: 't', uid: 5000, gid: 5000 },
        { name: 'data/gone', contents: 'g' },
        { name: 'dir/', type: '5', mode: 0o755 },
        { name: 'dir/hidden', contents: 'h' },
        { name: 'device', type: '3', major: 1, minor: 3 },
      ],
      [
        { name: 'data/.wh.gone', contents: '' },
        { name: 'dir/', type: '5', mode: 0o755 },
        { name: 'dir/.wh..wh..opq', contents: '' },
      ],
    ];
    const archive = join(engine.base, 'image.tar');
    writeFileSync(archive, dockerArchive({ name: 'test/owners:latest', layers }));
    await engine.must('load', '-i', archive);
    assert.match(engine.log, /belong to root, and not to the 5000:5000/);
    assert.match(engine.log, /the device \/device is left out/);
    const id = await engine.must('create', 'test/owners', '/none');
    const copied = join(engine.base, 'home/copied');
    mkdirSync(copied);
    chownSync(copied, nobody.uid, nobody.gid);
    await engine.must('cp', `${id}:/`, copied);
    await engine.must('rm', id);
    const seen = (path: string): boolean => existsSync(join(copied, path));
    assert.deepEqual(['data/mine', 'data/theirs', 'data/gone', 'dir', 'dir/hidden', 'device'].map(seen), [true, true, false, true, false, false]);

    const both = ['run', '--rm', '--user', '7:8', '-v', 'owned:/data', 'base', 'sh', '-c'];
    await engine.must('run', '--rm', '-v', 'owned:/data', 'base', 'chown', '7:8', '/data');
    assert.equal(await engine.must(...both, 'id -u; id -g; touch /data/f'), '7\n8');
    const { uid, gid } = lstatSync(join(engine.root, 'volumes/owned/_data/f'));
    assert.deepEqual([uid, gid], [firstGranted + 6, firstGranted + 7]);
    const beyond = await engine.hako('run', '--rm', '--user', '1001', 'base', 'true');
    assert.match(beyond.stderr, /user 1001 cannot be/);

    // What a container takes away and makes anew is so in an image of it, too.
    await engine.must('run', '--name', 'changed', 'base', 'sh', '-c', 'rm /etc/passwd; rm -r /root; mkdir /root; touch /root/new; chown 7:8 /root/new');
    await engine.must('commit', 'changed', 'changed');
    assert.equal(
      await engine.must('run', '--rm', 'changed', 'sh', '-c', 'ls -A /root; stat -c %u:%g /root/new; test -e /etc/passwd || echo gone'),
      'new\n7:8\ngone',
    );
  });

  test('comes to its containers again when it was killed, and two that start at once are one', async () => {
    await using engine = new OwnEngine();
    const [one, two] = await Promise.all([engine.must('run', '-d', 'base', 'sleep', '1000'), engine.must('run', '-d', 'base', 'sleep', '1000')]);
    const namespaces = (): string => readFileSync(join(engine.run, 'namespaces.json'), 'utf8');
    let before = namespaces();
    assert.equal(engine.processes().filter(({ line }) => line.startsWith('hako-holder')).length, 1);
    await engine.kill();
    assert.deepEqual((await engine.must('ps', '-q', '--no-trunc')).split('\n').sort(), [one, two].sort());
    assert.equal(namespaces(), before);
    assert.equal(await engine.must('exec', one, 'sh', '-c', 'hostname'), one.slice(0, 12));
    // Without the process that holds the namespaces, the monitors of the containers lead there.
    const holder = engine.processes().find(({ line }) => line.startsWith('hako-holder'))!;
    process.kill(holder.pid, 'SIGKILL');
    await engine.kill();
    assert.equal(await engine.must('exec', two, 'hostname'), two.slice(0, 12));
    assert.notEqual(namespaces(), before);
    before = namespaces();
    // Stopped with containers, it leaves their namespaces, and finds them.
    await engine.must('engine', 'stop');
    assert.equal(namespaces(), before);
    await engine.must('stop', '-t', '0', one, two);
    // What is not written down, as where one was killed at the wrong moment, is taken away by the next.
    await engine.kill();
    rmSync(join(engine.run, 'namespaces.json'));
  });

  test('does not trust a directory in /tmp that somebody else has made', () => {
    const stranger = 65_533;
    const directory = `/tmp/hako-${stranger}`;
    mkdirSync(directory, { mode: 0o755 });
    try {
      const args = [`--reuid=${stranger}`, `--regid=${stranger}`, '--clear-groups', process.execPath, clientPath, 'ps'];
      const { status, stderr } = spawnSync('setpriv', args, { env: { PATH: process.env['PATH'] }, encoding: 'utf8', cwd: '/' });
      assert.equal(status, 1);
      assert.match(
        stderr,
        new RegExp(`^hako: ${directory}, where your engine's socket is to be, is not a directory that you alone may write to\nSet HAKO_RUN`),
      );
    } finally {
      rmdirSync(directory);
    }
  });

  test('limits and pauses in cgroups that are delegated to it', { skip: delegation() }, async () => {
    const unified = findHierarchies().find(({ version }) => version === 2)!;
    const own = parseOwnCgroups(readFileSync('/proc/self/cgroup', 'latin1')).get('')!;
    const cgroup = join(unified.mountPoint, own, `hako-test-own-${process.pid}`);
    mkdirSync(cgroup);
    try {
      for (const name of ['', 'cgroup.procs', 'cgroup.subtree_control']) chownSync(join(cgroup, name), nobody.uid, nobody.gid);
      await using engine = new OwnEngine({ cgroup });
      const id = await engine.must('run', '-d', 'base', 'sleep', '1000');
      assert.ok(existsSync(join(cgroup, 'hako', id, 'cgroup.freeze')));
      await engine.must('pause', id);
      assert.match(readFileSync(join(cgroup, 'hako', id, 'cgroup.events'), 'utf8'), /frozen 1/);
      await engine.must('unpause', id);
    } finally {
      rmdirSync(cgroup);
    }
  });
});

function delegation(): string | false {
  return findHierarchies().some(({ version }) => version === 2) ? false : 'this machine has no cgroup v2 tree';
}
