/** Attacks by way of descriptors and of /proc/PID: to programs of ours, to directories of the host's, to files of the caller's. */
import assert from 'node:assert/strict';
import { chownSync, closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { byOci, type Attack } from '../attack.ts';
import { attempt, HostDirectory, type Target } from '../targets.ts';

/** Numbers that Node's own descriptors, and those of the engine, have. */
const numbers = Array.from({ length: 8 }, (_, i) => i + 3);

const evil = [{ name: 'evil', mode: 0o755, contents: '#!/proc/self/exe\n' }];

/** Tries an open for writing of the program of every process that it sees, and what programs there are. */
const writePrograms = `for p in /proc/[0-9]*; do (exec 3>>$p/exe && echo "opened $p") 2>/dev/null; readlink $p/exe; done; true`;

export const descriptors: readonly Attack[] = [
  {
    row: 'own-executable',
    name: 'a program that is /proc/self/exe, and a script whose interpreter it is',
    attack: async (target) => {
      assert.notEqual((await attempt(target, {}, {}, '/proc/self/exe')).code, 0);
      const { code, stdout } = await attempt(target, { image: evil }, {}, '/evil');
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
    },
  },
  {
    row: 'own-executable',
    name: 'writing to the programs of all processes, with the power to trace them',
    attack: async (target) => {
      const { stdout } = await attempt(target, { capabilities: ['SYS_PTRACE'], readonlyRoot: true }, {}, 'sh', '-c', writePrograms);
      assert.doesNotMatch(stdout, /opened|node/);
      assert.match(stdout, /\/usr\/bin\//);
    },
  },
  {
    row: 'descriptors',
    name: 'listing those that there are',
    attack: async (target) => {
      for (const terminal of [false, true]) {
        const { stdout } = await attempt(target, {}, { terminal }, 'ls', '-l', '/proc/self/fd');
        const links = [...stdout.matchAll(/ (\d+) -> (.*?)\r?$/gm)].map(([, fd, to]) => [fd, to!.replace(/\d+/, 'N')]);
        // ls(1) itself opens the directory that it lists.
        assert.deepEqual(
          links.map(([fd]) => fd),
          ['0', '1', '2', '3'],
        );
        assert.equal(links[3]![1], '/proc/N/fd');
        if (terminal) assert.equal(links[1]![1], '/dev/pts/N');
        for (const [, to] of links) assert.doesNotMatch(to!, /memfd|pidfd|cgroup|\/ns|hako/);
      }
    },
  },
  {
    row: 'descriptors',
    name: 'a working directory that is /proc/self/fd/N, and a program by way of it',
    attack: async (target) => {
      await using session = await target.open({});
      for (const n of numbers) {
        const { code, stdout, stderr } = await session.run({ cwd: `/proc/self/fd/${n}` }, 'pwd');
        assert.notEqual(code, 0, `/proc/self/fd/${n}: ${stdout}`);
        assert.match(stderr, /ELOOP|ENOENT|ENOTDIR|no such file or directory|symbolic links/i);
      }
      // One that has no slash in front is looked for from there.
      for (const n of numbers.slice(0, 2)) {
        const { code, stderr } = await session.run({}, `/proc/self/fd/${n}/../../../../../../usr/bin/id`);
        assert.notEqual(code, 0);
        assert.match(stderr, /no such file or directory|not a directory|permission denied/i);
      }
    },
  },
  {
    row: 'preserved-descriptors',
    name: 'more of them than were asked for',
    by: byOci,
    attack: async ({ name, oci }) => {
      const bench = oci!;
      const file = openSync(join(bench.directory, 'hako-oci'), 'r');
      const directory = openSync('/', 'r');
      const list = ['sh', '-c', 'for n in /proc/$$/fd/*; do [ ! -e $n ] || echo ${n##*/} $(readlink $n); done; head -c9 <&3'];
      const options = { descriptors: [file, directory] };
      try {
        let said: string;
        if (name === 'oci run') said = (await bench.run(bench.bundle({}, {}, list), ['--preserve-fds', '1'], options)).stdout;
        else {
          await using held = await bench.hold({});
          said = (await bench.runtime.call(['exec', '--preserve-fds', '1', held.id, ...list], options)).stdout;
        }
        assert.deepEqual(
          said
            .trim()
            .split('\n')
            .map((line) => line.split(' ')[0]),
          ['0', '1', '2', '3', '#!/bin/sh'],
        );
      } finally {
        closeSync(file);
        closeSync(directory);
      }
    },
  },
  {
    row: 'stdio',
    name: "the host's null device as a standard stream of another user",
    attack: async (target) => {
      // A user whom nobody else here is: the device is everybody's, also those who test other runtimes.
      const user = 41_234;
      const { code } = await attempt(target, {}, { user: `${user}:${user}` }, 'true');
      assert.equal(code, 0);
      const { uid, gid } = statSync('/dev/null');
      if (uid === user || gid === user) chownSync('/dev/null', 0, 0);
      assert.ok(uid !== user && gid !== user, 'the device has become the user’s');
    },
  },
  {
    row: 'sockets',
    name: "abstract sockets of ours, seen in the host's network",
    attack: async (target) => {
      const { stdout } = await attempt(target, { hostNetwork: true }, {}, 'cat', '/proc/net/unix');
      assert.match(stdout, /RefCount/);
      assert.doesNotMatch(stdout, /@.*hako/);
      // Nor where a container waits for its start.
      const { oci } = target;
      if (!oci) return;
      const bundle = oci.bundle({}, {}, ['true']);
      await oci.create(bundle);
      assert.doesNotMatch(readFileSync('/proc/net/unix', 'utf8'), /@.*hako/);
      await oci.remove(bundle.id);
    },
  },
  { row: 'environment', name: "variables of the caller's", attack: environment },
  {
    row: 'keyring',
    name: 'that of a neighbour, by its number',
    attack: keyrings,
  },
];

async function environment(target: Target): Promise<void> {
  process.env['ATTACKED_SECRET'] = 'hidden';
  try {
    const { stdout } = await attempt(target, {}, {}, 'env');
    assert.match(stdout, /^PATH=/m);
    assert.doesNotMatch(stdout, /hidden|HAKO|NODE/);
  } finally {
    delete process.env['ATTACKED_SECRET'];
  }
}

/** Prints the session keyring's number, and what everybody may do with it. */
const ownKeyring = `my ($k) = @ARGV; my $n = syscall($k, 0, -3, 0); my $d = "\\0" x 200; syscall($k, 6, $n, $d, 200); $d =~ s/\\0.*//s; print "$n $d\\n"`;
/** Tries to link to a keyring by its number, and to list it. */
const takeKeyring = `my ($k, $n) = @ARGV; print syscall($k, 8, $n + 0, -3) < 0 ? "no link" : "link"; my $d = "\\0" x 64; print syscall($k, 11, $n + 0, $d, 64) < 0 ? ", no list" : ", list"`;
const keyctl = process.arch === 'arm64' ? '219' : '250';

async function keyrings(target: Target): Promise<void> {
  using host = new HostDirectory();
  const asked = { unfiltered: true, volumes: [[host.path, '/shared']] } as const;
  await using neighbour = await target.hold(asked);
  await using session = await target.open(asked);
  const script = `perl -e '${ownKeyring}' ${keyctl} >/shared/new; mv /shared/new /shared/number; until [ -e /shared/tried ]; do sleep 0.02; done; rm /shared/tried /shared/number`;
  const victim = session.run({}, 'sh', '-c', script);
  // It is root there, as the victim is: the same user.
  const take = `until [ -e /shared/number ]; do sleep 0.02; done; read -r n d </shared/number; echo "$d"; perl -e '${takeKeyring}' ${keyctl} $n; touch /shared/tried`;
  const { stdout } = await neighbour.run({}, 'sh', '-c', take);
  assert.equal((await victim).code, 0);
  assert.match(stdout, /^keyring;\d+;\d+;3f000000;[^\n]*\nno link, no list$/);
}
