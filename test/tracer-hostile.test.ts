/**
 * What the tracer looks at belongs to strangers: containers made so that a look at them would open what must not be opened, wait for
 * ever, take the engine's time, or change what they do. See docs/decisions/tracer.md.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import type { ContainerExplanation, WhyReport } from '../src/api/schema.ts';
import { processStat } from '../src/kernel/process.ts';
import { outcome, startEngine, type TestEngine } from './support/engine.ts';
import { firstOf, needsRoot } from './support/needs.ts';
import { libraries } from './support/refusals.ts';

const perl = existsSync('/usr/bin/perl') ? false : 'needs the program perl, of the machine';

describe('a container that is hostile to the tracer', { skip: firstOf(needsRoot(), perl) }, () => {
  let engine: TestEngine;
  const machine = ['--network', 'none', '-v', '/usr:/opt:ro', '--env', `LD_LIBRARY_PATH=${libraries}`];

  before(async () => {
    engine = await startEngine();
    await engine.must('run', '-d', '--name', 'web', ...machine, '--sysctl', 'net.ipv4.ip_unprivileged_port_start=900', 'base', 'sleep', '600');
  });
  after(() => engine?.close());

  async function why(...command: readonly string[]): Promise<WhyReport> {
    const { Id } = await engine.api.ask<{ Id: string }>('POST', '/containers/web/why', { Cmd: command, AttachStdout: true, AttachStderr: true });
    await engine.api.send('POST', `/exec/${Id}/start`, { Detach: false });
    return await engine.api.ask<WhyReport>('GET', `/exec/${Id}/why`);
  }

  /** Of the engine's tracers, those that run: by what they were started with. */
  function tracers(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          const [parent] = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.slice(1) ?? [];
          return Number(parent) === engine.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('tracer');
        } catch {
          return false; // it has ended
        }
      })
      .map(Number);
  }

  test('has no device, FIFO or file of the kernel opened that it tries to execute', async () => {
    // The writer of a FIFO waits until somebody opens it to read.
    await engine.must('exec', 'web', 'sh', '-c', 'mknod /km c 1 11; mkfifo /pipe; (echo >/pipe; touch /opened) >/dev/null 2>&1 &');
    for (const path of ['/km', '/pipe', '/proc/version']) {
      const report = await why(path);
      assert.equal(report.decisive?.error, 'EACCES', JSON.stringify(report));
      assert.doesNotMatch(JSON.stringify(report), /begins with/);
    }
    assert.equal((await why('/pipe')).decisive?.gates[0]?.facts['why'], 'not-regular');
    await engine.must('exec', 'web', 'sh', '-c', '! test -e /opened');
  });

  test('has no file of its own read for a setting of the kernel; the value is that of its network', async () => {
    const bind = '$> = 1000; socket(S,2,1,0) or die; bind(S,pack("Sna4x8",2,80,pack("C4",0,0,0,0))) or die "bind: $!\\n"';
    assert.equal((await why('/opt/bin/perl', '-e', bind)).decisive?.gates[0]?.facts['first'], '900');
    const fifo = '/c/proc/sys/net/ipv4/ip_unprivileged_port_start';
    await engine.must('exec', 'web', 'sh', '-c', `mkdir -p ${fifo.replace(/\/[^/]*$/, '')}; mkfifo ${fifo}`);
    assert.equal((await why('/opt/bin/perl', '-e', `chroot "/c" or die; ${bind}`)).decisive?.gates[0]?.facts['first'], '900');
  });

  test('keeps what comes last, whatever was refused before', async () => {
    const script = 'for (1..2100) { -e "/no$_" } $> = 1000; open(F, ">", "/etc/new") or exit 3';
    const { decisive, more } = await why('/opt/bin/perl', '-e', script);
    assert.deepEqual([decisive?.error, decisive?.gates[0]?.kind], ['EACCES', 'permission']);
    assert.ok(more > 1000, `${more}`);
  });

  test('has its report, whatever its files are made of', async () => {
    await engine.must('exec', 'web', 'sh', '-c', "printf '\\177ELF\\2\\1' >/short; chmod +x /short");
    assert.equal((await why('/short')).decisive?.error, 'ENOEXEC');
  });

  test('is not believed when it sends itself the signals of limits and filters', async () => {
    for (const signal of ['XFSZ', 'XCPU', 'SYS']) {
      const report = await why('/opt/bin/perl', '-e', `kill "${signal}", $$`);
      assert.equal(report.signal, `SIG${signal}`);
      assert.equal(report.decisive, undefined, JSON.stringify(report.decisive));
    }
  });

  test('waits for nobody who cannot be stopped: a process that waits for what it started by vfork(2)', async () => {
    // CLONE_VFORK|SIGCHLD by a process that the command leaves behind, with no stream of the command's open.
    const [number, flags] = process.arch === 'arm64' ? [220, 0x4011] : [56, 0x4011];
    const script = `pipe(R, W); if (!fork) { close STDOUT; close STDERR; syscall(${number}, ${flags}, 0, 0, 0, 0) || do { syswrite(W, "x"); sleep 100 }; exit } sysread(R, $_, 1)`;
    const begun = performance.now();
    const report = await why('/opt/bin/perl', '-e', script);
    assert.deepEqual([report.exitCode, report.traced.processes], [0, 3]);
    assert.ok(performance.now() - begun < 20_000);
  });

  test('has no terminal obey its names', async () => {
    const { stdout } = await engine.hako(['why', '--lang', 'en', 'web', '--', '/\x1b[2J\nRefused by nobody']);
    assert.match(stdout, /\/\?\[2J Refused by nobody/);
    assert.ok(!stdout.includes('\x1b') && !/^Refused by nobody/m.test(stdout), stdout);
  });

  test('loses no signal to a look at its filter', async () => {
    // Two processes throw signals to each other; when the first is told to stop, it counts what it has caught.
    const balls = 20;
    const script = `$| = 1; $SIG{RTMIN} = sub { $stop ? ++$caught == ${balls} && $SIG{ALRM}->() : kill "RTMIN", 2 };
      if (!fork) { $SIG{RTMIN} = sub { kill "RTMIN", 1 }; kill "RTMIN", 1 for 1..${balls}; sleep 1 while 1 }
      $SIG{ALRM} = sub { print $caught + 0, "\\n"; exit };
      $SIG{USR1} = sub { $stop = 1; alarm 3 };
      print "ready\\n"; sleep 1 while 1`;
    // Perl calls a handler once for several signals, unless it is told to call it in the signal itself.
    const client = engine.spawnHako(['run', '--name', 'juggles', '--env', 'PERL_SIGNALS=unsafe', ...machine, 'base', '/opt/bin/perl', '-e', script]);
    const done = outcome(client);
    await once(client.stdout!, 'data');
    for (let i = 0; i < 6; i++) {
      const { live } = await engine.api.ask<ContainerExplanation>('GET', '/containers/juggles/explain');
      assert.equal(live?.seccomp.source, 'kernel');
    }
    await engine.must('kill', '-s', 'USR1', 'juggles');
    assert.equal((await done).stdout, `ready\n${balls}\n`);
  });

  test('is let go when the engine is gone: its tracers end with it', async () => {
    const client = engine.spawnHako(['why', 'web', 'sh', '-c', 'echo up; exec sleep 600']);
    const done = outcome(client);
    await once(client.stderr!, 'data');
    // A client would start another engine.
    client.kill('SIGKILL');
    await done;
    const found = tracers();
    assert.equal(found.length, 1);
    // To trace, to be shown filters, to read any file: nothing else, and nothing to be gained.
    assert.match(readFileSync(`/proc/${found[0]}/status`, 'utf8'), /^CapPrm:\s*0*280004\nCapEff:\s*0*280004$[^]*^NoNewPrivs:\s*1$/m);
    await engine.kill();
    const ends = (pid: number): boolean => ['Z', undefined].includes(processStat(pid)?.state);
    for (let tries = 0; !found.every(ends) && tries < 500; tries++) await setTimeout(10);
    assert.deepEqual(
      found.filter((pid) => !ends(pid)),
      [],
    );
    await engine.start();
    assert.equal(await engine.must('exec', 'web', 'echo', 'goes on'), 'goes on');
  });
});
