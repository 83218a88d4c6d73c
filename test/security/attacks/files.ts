/** Attacks by what the image, or a neighbour in a shared volume, puts in the way of paths; and on files that are kept of a container. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TarEntry } from '../../support/tar.ts';
import { byOci, byRun, type Attack } from '../attack.ts';
import type { OciBench } from '../oci-targets.ts';
import { attempt, HostDirectory, type Target } from '../targets.ts';

const link = (name: string, linkname: string): TarEntry => ({ name, type: '2', linkname });
const directory = (name: string): TarEntry => ({ name, type: '5' });

/** Makes `$1` a directory and a symbolic link to `$2` in turn, for ever; both are there all the time under other names. */
const swap =
  'mkdir -p "$1.dir"; ln -sfn "$2" "$1.link"; mv -T "$1.dir" "$1"; while :; do mv --exchange "$1" "$1.link" 2>/dev/null || { mv -T "$1" "$1.dir"; mv -T "$1.link" "$1"; mv -T "$1" "$1.link"; mv -T "$1.dir" "$1"; }; done';

export const files: readonly Attack[] = [
  {
    row: 'dev-link',
    name: "an image whose /dev is a link to a directory of the host's",
    attack: async (target) => {
      using host = new HostDirectory();
      for (const to of [host.path, `../../../../../../..${host.path}`]) {
        await attempt(target, { image: [link('dev', to)] }, { terminal: to === host.path }, 'true');
        host.unchanged();
      }
    },
  },
  {
    row: 'mount-race',
    name: "a neighbour who swaps a directory of a shared volume for a link to the host's, while mounts are made in it",
    by: byRun,
    attack: async (target) => {
      using host = new HostDirectory();
      using shared = new HostDirectory();
      using volume = new HostDirectory();
      await using neighbour = await target.hold({ volumes: [[shared.path, '/shared']] });
      // Ends with the container.
      void neighbour.run({}, 'sh', '-c', swap, 'sh', '/shared/point', host.path);
      let started = 0;
      for (let i = 0; i < 8; i++) {
        const volumes = [shared.path, volume.path, volume.path].map(
          (source, n) => [source, ['/shared', '/shared/point', '/shared/point/sub/deep'][n]!] as const,
        );
        const { code, stdout } = await attempt(
          target,
          { volumes },
          {},
          'sh',
          '-c',
          '[ ! -e "$1" ] || ls "$1"; touch /shared/point/made; true',
          'sh',
          `${host.path}/secret`,
        );
        if (code === 0) started++;
        assert.equal(stdout, '');
        host.unchanged();
      }
      assert.ok(started > 0, 'some of them start');
    },
  },
  {
    row: 'copy-up',
    name: "an image in which the place to be filled is a link to the host's",
    by: byRun,
    attack: async (target) => {
      using host = new HostDirectory();
      const image = [link('data', host.path), link('up', `../../../../../..${host.path}`)];
      const list = ['sh', '-c', 'ls -A /data /up; true'] as const;
      const { oci } = target;
      const outcome = oci
        ? await oci.run(
            oci.bundle({ image }, {}, list, (spec) => ({
              ...spec,
              mounts: [...spec.mounts, ...['/data', '/up'].map((destination) => ({ destination, type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }))],
            })),
          )
        : await attempt(target, { image: image.map((entry) => entry) }, {}, ...list);
      assert.doesNotMatch(outcome.stdout, /secret/);
      host.unchanged();
    },
  },
  {
    row: 'passwd',
    name: 'an image whose passwd has no end, or waits',
    attack: async (target) => {
      for (const to of ['/dev/zero', '/proc/kmsg', '/proc/self/fd/0']) {
        const image = [directory('etc/'), link('etc/passwd', to), link('etc/group', to)];
        const { code, stderr } = await attempt(target, { image }, { user: '1234:1234' }, 'true');
        assert.ok(code === 0 || /passwd|user|group|regular/.test(stderr), `${to}: ${stderr}`);
      }
    },
  },
  {
    row: 'no-code',
    name: 'programs and libraries of the image with the names that commands might use',
    attack: noCode,
  },
  { row: 'state', name: 'reading what is kept of a container, as another user', attack: closedState },
  { row: 'state-of-others', name: 'a root directory that another user made, or may change', by: byOci, attack: statesOfOthers },
  { row: 'configuration', name: 'a config.json that is changed after create, or is without end', by: byOci, attack: configurations },
  { row: 'console-socket', name: 'a socket that is none, that nobody serves, or is served by who wants more', by: byOci, attack: consoleSockets },
  { row: 'process-ids', name: "a state that names another's process", by: ['oci exec'], attack: reusedIds },
];

async function noCode(target: Target): Promise<void> {
  using host = new HostDirectory();
  const programs = ['ps', 'tar', 'ls', 'cat', 'getent'].map((name) => ({ name: `tools/${name}`, mode: 0o755, contents: '#!/bin/sh\ntouch /host/ran\n' }));
  const image = [directory('tools/'), ...programs];
  // The names are found before the machine's in the container's PATH.
  const asked = { image, volumes: [[host.path, '/host']] } as const;
  const { oci } = target;
  await using held = await target.hold(asked);
  if (target.name.endsWith('exec')) await held.run({}, 'true');
  if (oci) {
    for (const command of ['state', 'ps', 'pause', 'resume']) await oci.must(command, held.id);
    await oci.must('events', '--stats', held.id);
    await oci.must('list');
  }
  host.unchanged();
}

async function closedState(target: Target): Promise<void> {
  await using held = await target.hold({});
  await held.run({}, 'true');
  const { oci } = target;
  if (!oci) return; // host.test.ts has the engine's
  const root = oci.runtime.root;
  assert.equal(statSync(root).mode & 0o777, 0o700);
  assert.equal(statSync(join(root, held.id)).mode & 0o777, 0o700);
  for (const name of readdirSync(join(root, held.id))) assert.equal(statSync(join(root, held.id, name)).mode & 0o777, 0o600, name);
}

const nobody = 65534;

async function statesOfOthers(target: Target): Promise<void> {
  const bench = target.oci!;
  const { path } = bench.runtime;
  const other = join(bench.directory, `other-${target.name.replace(' ', '-')}`);
  const call = (...words: readonly string[]): string => {
    try {
      return execFileSync(path, ['--root', other, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      return String((error as { stderr: string }).stderr);
    }
  };
  await using held = await bench.hold({});
  mkdirSync(other, { mode: 0o700 });
  try {
    // With a state in it that is ours, moved there: who owns the directory may put any other in its place at any moment.
    renameSync(join(bench.runtime.root, held.id), join(other, held.id));
    for (const [uid, mode] of [
      [nobody, 0o700],
      [0, 0o777],
    ] as const) {
      chownSync(other, uid, uid);
      chmodSync(other, mode);
      for (const words of target.name === 'oci exec'
        ? [['exec', held.id, 'true']]
        : [
            ['kill', held.id, 'KILL'],
            ['delete', '--force', held.id],
            ['create', '--bundle', held.bundle.directory, 'new'],
          ])
        assert.match(call(...words), /not trusted|other users/, words.join(' '));
    }
    chownSync(other, 0, 0);
    chmodSync(other, 0o1777);
    assert.match(call('state', held.id), /"status":\s*"running"/, 'a sticky one, as /tmp, is nobody else’s to change');
  } finally {
    renameSync(join(other, held.id), join(bench.runtime.root, held.id));
    rmSync(other, { recursive: true });
  }
}

async function configurations(target: Target): Promise<void> {
  const bench = target.oci!;
  // Without end, waiting, a directory.
  for (const make of [(path: string) => symlinkSync('/dev/zero', path), (path: string) => execFileSync('mkfifo', [path]), (path: string) => mkdirSync(path)]) {
    const bundle = bench.bundle({}, {}, ['true']);
    rmSync(join(bundle.directory, 'config.json'));
    make(join(bundle.directory, 'config.json'));
    const { code, stderr } = await bench.run(bundle);
    assert.equal(code, 1);
    assert.match(stderr, /not a regular file/);
  }
  // Changed after create: what was created is started, and execs have its confinement.
  const bundle = bench.bundle({}, {}, ['/usr/bin/sleep', '1000']);
  await bench.create(bundle);
  const evil = bench.bundle({ capabilities: ['SYS_ADMIN'], unfiltered: true }, {}, ['sh', '-c', 'touch /tmp/evil']);
  renameSync(join(evil.directory, 'config.json'), join(bundle.directory, 'config.json'));
  renameSync(bundle.rootfs, `${bundle.rootfs}.was`);
  symlinkSync('/', bundle.rootfs);
  await bench.must('start', bundle.id);
  const { stdout } = await bench.exec(bundle.id, {}, 'sh', '-c', 'cat /proc/self/status; ls -d /root/.. /tmp');
  assert.match(stdout, /^CapEff:\s*00000000a80425fb$/m);
  assert.match(stdout, /^Seccomp:\s*2$/m);
  await bench.remove(bundle.id);
  assert.equal(existsSync(join(`${bundle.rootfs}.was`, 'tmp/evil')), false);
}

async function consoleSockets(target: Target): Promise<void> {
  const bench = target.oci!;
  const place = join(bench.directory, `sockets-${target.name.replace(' ', '-')}`);
  mkdirSync(place);
  writeFileSync(join(place, 'file'), '');
  execFileSync('mkfifo', [join(place, 'fifo')]);
  symlinkSync('/dev/zero', join(place, 'zero'));
  const attemptWith = async (path: string): Promise<string> => {
    const bundle = bench.bundle({}, { terminal: true }, ['true']);
    if (target.name === 'oci run') return (await bench.run(bundle, ['--console-socket', path])).stderr;
    await using held = await bench.hold({});
    return (await bench.runtime.call(['exec', '--tty', '--console-socket', path, held.id, 'true'])).stderr;
  };
  for (const name of ['file', 'fifo', 'zero', 'none']) assert.match(await attemptWith(join(place, name)), /console socket .* cannot be used/, name);
  // One that takes the terminal and no more: what it sends is read by nobody.
  const server = createServer((socket) => socket.on('error', () => {}).end('x'.repeat(4096)));
  await new Promise<void>((resolve) => server.listen(join(place, 'socket'), resolve));
  await attemptWith(join(place, 'socket'));
  await new Promise((resolve) => server.close(resolve));
}

async function reusedIds(target: Target): Promise<void> {
  const bench: OciBench = target.oci!;
  await using held = await bench.hold({});
  const own = { pid: 0, startTime: '' };
  bench.changeState(held.id, (record) => {
    const first = record['process'] as { pid: number; startTime: string };
    Object.assign(own, first);
    // As if the container had ended, and this test had its id.
    record['process'] = { pid: process.pid, startTime: first.startTime };
  });
  const { code, stderr } = await bench.exec(held.id, {}, 'true');
  assert.notEqual(code, 0);
  assert.match(stderr, /container not running/);
  bench.changeState(held.id, (record) => (record['process'] = own));
}
