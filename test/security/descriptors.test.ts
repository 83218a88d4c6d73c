/**
 * Nothing of the host comes into a container by a descriptor, and no process of the container can take one, or trace its holder,
 * while a new process is on its way to its program.
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, statSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { dockerArchive } from '../support/images.ts';
import { firstOf, needsRoot } from '../support/needs.ts';
import { inside, needsPerl, ways, withPerl } from './inside.ts';

/** Descriptors of the engine that a program could try to go through: it has some dozens. */
const numbers = Array.from({ length: 60 }, (_, i) => i + 3);

/** Looks into every other process but the first for some seconds, and prints once each what it sees. */
const spy = `
$| = 1; print "looking\\n"; my (%seen, $looks); my $end = time + $ARGV[0];
while (time < $end) {
  opendir(my $proc, "/proc");
  for my $pid (grep { /^\\d+$/ && $_ != 1 && $_ != $$ } readdir $proc) {
    $looks++;
    $seen{"writable program"}++ if open(my $exe, "+<", "/proc/$pid/exe");
    if (open(my $maps, "<", "/proc/$pid/maps")) { /(hako\\S*)/ and $seen{"memory $1"}++ while <$maps>; }
    opendir(my $fds, "/proc/$pid/fd") or next;
    for my $fd (readdir $fds) { my $to = readlink("/proc/$pid/fd/$fd") // next; $to =~ s/\\d+/N/g; $seen{$to}++ if $to =~ /^socket:|memfd|pidfd|cgroup|ns|hako/; }
  }
}
print "looked ", $looks > 200 ? "often" : $looks, "\\n"; print "$_\\n" for sort keys %seen;`;

describe('descriptors', { skip: needsRoot() }, () => {
  let engine: TestEngine;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
  });
  after(() => engine?.close());

  for (const way of ways) {
    describe(`by ${way}`, () => {
      for (const terminal of [false, true]) {
        test(`a program has three, ${terminal ? 'of its terminal' : 'pipes and a null device'}`, async () => {
          const program = terminal ? ['--tty'] : [];
          // ls(1) itself opens the directory that it lists.
          const { stdout } = await inside(engine, way, { program }, 'ls', '-l', '/proc/self/fd');
          const links = [...stdout.matchAll(/ (\d+) -> (.*?)\r?$/gm)].map(([, fd, target]) => [fd, target!.replace(/\d+/, 'N')]);
          const outputs = terminal ? '/dev/pts/N' : 'pipe:[N]';
          assert.deepEqual(links.slice(1), [
            ['1', outputs],
            ['2', outputs],
            ['3', '/proc/N/fd'],
          ]);
          assert.doesNotMatch(links[0]![1]!, /socket|memfd|cgroup/);
        });
      }

      test('a program cannot change the owner, mode or times of the host’s null device', async () => {
        const before = statSync('/dev/null');
        try {
          const { stderr } = await inside(
            engine,
            way,
            {},
            'sh',
            '-c',
            'chown 12345 /proc/self/fd/0; chgrp 12345 /dev/stdin; chmod 0664 /proc/self/fd/0; touch -d 2001-01-01 /proc/self/fd/0',
          );
          assert.equal(stderr.match(/Read-only file system/g)?.length, 4, stderr);
          await inside(engine, way, { program: ['--user', '1000:1000'] }, 'true');
          const after = statSync('/dev/null');
          assert.deepEqual([after.uid, after.gid, after.mode, after.mtimeMs], [before.uid, before.gid, before.mode, before.mtimeMs]);
        } finally {
          chownSync('/dev/null', before.uid, before.gid);
          chmodSync('/dev/null', before.mode & 0o7777);
        }
      });

      test('a working directory does not lead through /proc/self/fd', async () => {
        const results = await everyNumber(way, (n) => ({ directory: `/proc/self/fd/${n}`, command: ['true'] }));
        for (const { code, message } of results) {
          assert.notEqual(code, 0);
          assert.match(message, /ELOOP|ENOENT/);
        }
      });

      test('the path of a program does not lead through /proc/self/fd', async () => {
        const results = await everyNumber(way, (n) => ({ directory: '/', command: [`/proc/self/fd/${n}/../../../../../../usr/bin/true`] }));
        for (const { code, message } of results) {
          assert.notEqual(code, 0);
          assert.match(message, /no such file or directory|not a directory/i);
        }
      });

      test('/proc/self/exe as the program is nothing that can be written to', async () => {
        const { code } = await inside(engine, way, {}, '/proc/self/exe');
        assert.notEqual(code, 0);
        const script =
          '(cat /proc/self/exe > /tmp/p; exec 3>>/proc/self/exe) 2>&1; for p in /proc/[0-9]*; do (exec 3>>$p/exe && echo "opened $p") 2>/dev/null; done; true';
        assert.doesNotMatch((await inside(engine, way, { container: ['--read-only'] }, 'sh', '-c', script)).stdout, /opened/);
      });
    });
  }

  /** Tries one command for each descriptor's number, through the API: a container or exec each. */
  async function everyNumber(
    way: (typeof ways)[number],
    attempt: (n: number) => { directory: string; command: string[] },
  ): Promise<{ code: number; message: string }[]> {
    const holder = way === 'exec' ? await engine.must('run', '-d', '--network', 'none', 'base', 'sleep', '1000') : undefined;
    const results = [];
    await engine.must('create', '--name', `first-${way}`, 'base', 'true');
    for (const n of numbers) {
      const { directory, command } = attempt(n);
      if (holder === undefined) {
        const body = { Image: 'base', Cmd: command, WorkingDir: directory, HostConfig: { NetworkMode: 'none' } };
        const { Id } = await engine.api.ask<{ Id: string }>('POST', '/containers/create', body);
        const { body: answer } = await engine.api.send('POST', `/containers/${Id}/start`);
        const { State } = await engine.api.ask<{ State: { ExitCode: number } }>('GET', `/containers/${Id}/json`);
        results.push({ code: State.ExitCode, message: (answer as { message?: string }).message ?? '' });
        await engine.api.ask('DELETE', `/containers/${Id}?force=1`);
      } else {
        const { Id } = await engine.api.ask<{ Id: string }>('POST', `/containers/${holder}/exec`, { Cmd: command, WorkingDir: directory, AttachStdout: true });
        const { body: answer } = await engine.api.send('POST', `/exec/${Id}/start`, { Detach: false });
        const { ExitCode } = await engine.api.ask<{ ExitCode: number }>('GET', `/exec/${Id}/json`);
        results.push({ code: ExitCode, message: (answer as { message?: string }).message ?? String(answer) });
      }
    }
    await engine.must('rm', '-f', `first-${way}`, ...(holder === undefined ? [] : [holder]));
    return results;
  }

  test('the working directory of an image does not lead through /proc/self/fd', async () => {
    const image = dockerArchive({ name: 'test/cwd:latest', layers: [[{ name: 'etc/', type: '5' }]], config: { Cmd: ['/x'], WorkingDir: '/proc/self/fd/30' } });
    await engine.hako(['load', '-q'], { input: image });
    assert.match((await engine.hako(['run', '--rm', 'test/cwd'])).stderr, /ELOOP|ENOENT/);
  });

  const cases = [
    ['in a container', []],
    ['as root of a user namespace that may trace', ['--userns=private', '--cap-add', 'SYS_PTRACE']],
  ] as const;
  for (const [name, options] of cases) {
    test(`${name}, nobody sees into a process between its birth and its program, in a burst of execs`, { skip: firstOf(needsPerl()) }, async () => {
      const id = await engine.must('run', '-d', ...options, ...withPerl, 'base', 'sleep', '1000');
      const watching = engine.hako(['exec', id, 'perl', '-e', spy, '2']);
      const until = Date.now() + 2500;
      const burst = async (): Promise<void> => {
        while (Date.now() < until) {
          const { Id } = await engine.api.ask<{ Id: string }>('POST', `/containers/${id}/exec`, { Cmd: ['true'], AttachStdout: true });
          await engine.api.ask('POST', `/exec/${Id}/start`, { Detach: false });
        }
      };
      await Promise.all([burst(), burst()]);
      assert.equal((await watching).stdout, 'looking\nlooked often\n');
      await engine.must('rm', '-f', id);
    });
  }

  test('a container that joins the processes of another is not seen into by them', { skip: firstOf(needsPerl()) }, async () => {
    const id = await engine.must('run', '-d', ...withPerl, 'base', 'sleep', '1000');
    const watching = engine.hako(['exec', id, 'perl', '-e', spy, '2']);
    for (const until = Date.now() + 2200; Date.now() < until;)
      await engine.must('run', '--rm', '--network', 'none', '--pid', `container:${id}`, 'base', 'true');
    assert.equal((await watching).stdout, 'looking\nlooked often\n');
    await engine.must('rm', '-f', id);
  });
});
