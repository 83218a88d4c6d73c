/**
 * `hako why` against the real kernel: commands that fail, each for another reason, and the gatekeeper that is named for each. What is
 * looked for is the kind of the gate, and the fact that tells it from its like.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { WhyReport } from '../src/api/schema.ts';
import { trySetXattr } from '../src/kernel/xattr.ts';
import { outcome, startEngine, type TestEngine } from './support/engine.ts';
import { cases, libraries, limits, prepare, seccompProfile, type Refused } from './support/refusals.ts';

describe('hako why', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
    const common = ['--network', 'none', '-v', '/usr:/opt:ro', '--env', `LD_LIBRARY_PATH=${libraries}`];
    await engine.must(
      'run',
      '-d',
      '--name',
      'web',
      ...common,
      '--tmpfs',
      '/nx:noexec',
      '--tmpfs',
      '/small:size=64k',
      '--sysctl',
      'net.ipv4.ip_unprivileged_port_start=1024',
      'base',
      'sleep',
      '600',
    );
    await engine.must(
      'run',
      '-d',
      '--name',
      'tight',
      ...common,
      '--read-only',
      '--cap-drop',
      'ALL',
      '--security-opt',
      'seccomp=unconfined',
      'base',
      'sleep',
      '600',
    );
    await engine.must(
      'run',
      '-d',
      '--name',
      'few',
      '--network',
      'none',
      '--pids-limit',
      '8',
      '--memory',
      '24m',
      '--memory-swap',
      '24m',
      'base',
      'sleep',
      '600',
    );
    const profile = join(engine.directory, 'profile.json');
    writeFileSync(profile, JSON.stringify(seccompProfile));
    await engine.must('run', '-d', '--name', 'profiled', '--network', 'none', '--security-opt', `seccomp=${profile}`, 'base', 'sleep', '600');
    await engine.must('exec', 'web', 'sh', '-ec', prepare);
    await listed();
    await engine.must(
      'run',
      '-d',
      '--name',
      'mapped',
      '--network',
      'none',
      '--userns',
      'private',
      '--cap-add',
      'SYS_TIME',
      '--security-opt',
      'seccomp=unconfined',
      '-v',
      `${engine.directory}:/host`,
      'base',
      'sleep',
      '600',
    );
  });
  after(() => engine.close());

  /** Lets everybody read a file of the container but one user: no program for that may be there. See acl(5). */
  async function listed(): Promise<void> {
    const { State } = await engine.api.ask<{ State: { Pid: number } }>('GET', '/containers/web/json');
    const [user, own, group, mask, other] = [0x02, 0x01, 0x04, 0x10, 0x20];
    const nobody = 0xffffffff;
    const entries = [
      [own, 6, nobody],
      [user, 0, 1000],
      [group, 4, nobody],
      [mask, 4, nobody],
      [other, 4, nobody],
    ] as const;
    const acl = Buffer.alloc(4 + 8 * entries.length);
    acl.writeUInt32LE(2);
    for (const [i, [tag, bits, id]] of entries.entries()) {
      acl.writeUInt16LE(tag, 4 + 8 * i);
      acl.writeUInt16LE(bits, 6 + 8 * i);
      acl.writeUInt32LE(id, 8 + 8 * i);
    }
    const fd = openSync(`/proc/${State.Pid}/root/listed`, 'r');
    assert.equal(trySetXattr(fd, 'system.posix_acl_access', acl), 0);
    closeSync(fd);
  }

  /** Runs a command traced, as the client does. */
  async function why(container: string, command: readonly string[], user?: string): Promise<WhyReport> {
    const { Id } = await engine.api.ask<{ Id: string }>('POST', `/containers/${container}/why`, {
      Cmd: command,
      AttachStdout: true,
      AttachStderr: true,
      ...(user ? { User: user } : {}),
    });
    await engine.api.send('POST', `/exec/${Id}/start`, { Detach: false });
    return await engine.api.ask<WhyReport>('GET', `/exec/${Id}/why`);
  }

  const tells = ({ title, run, user, skip = false, ...expected }: Refused): void => {
    test(`tells ${title}`, { skip }, async () => {
      const report = await why(expected.in ?? 'web', typeof run === 'string' ? ['sh', '-c', run] : run, user);
      const told = JSON.stringify(report.decisive ?? report, null, 1);
      assert.equal(report.outcome, 'refused', told);
      const { gates, text, error } = report.decisive!;
      assert.deepEqual(
        gates.map((gate) => gate.kind),
        expected.kinds,
        told,
      );
      assert.deepEqual(Object.fromEntries(Object.keys(expected.facts).map((name) => [name, gates[0]!.facts[name]])), expected.facts, told);
      if (expected.call) assert.match(text, expected.call);
      if (expected.error) assert.equal(error, expected.error);
      if (expected.evidence) assert.match(gates[0]!.evidence.join('\n'), expected.evidence);
      if (expected.signal) assert.equal(report.signal, expected.signal);
      if (expected.code !== undefined) assert.equal(report.exitCode, expected.code);
      assert.notEqual(report.exitCode, 0);
    });
  };
  describe('on its own', { concurrency: 2 }, () => cases.forEach(tells));
  describe('of a cgroup', () => limits.forEach(tells));

  test('tells of several refusals the one that it failed of, and keeps the others', async () => {
    const report = await why('web', ['sh', '-c', 'cat /secret; touch /etc/new'], '1000');
    assert.equal(report.decisive?.gates[0]?.facts['path'], '/etc');
    const serious = report.refusals.filter((refusal) => !refusal.ordinary).map((refusal) => refusal.gates[0]?.facts['path']);
    assert.deepEqual(serious, ['/secret', '/etc']);
    assert.equal(report.said.length, 2);
  });

  test('says in which directories a program was looked for', async () => {
    const { code, stdout, stderr } = await engine.hako(['why', '--lang', 'en', 'web', 'no-such-program']);
    assert.equal(code, 127);
    assert.match(stdout, /^Nobody refused: there is no such file\n {2}no-such-program is in none of the directories that were searched:\s+\/usr\/local\/sbin,/);
    assert.match(stderr, /no-such-program.*not found/);
  });

  test('says who refused, in English or Japanese, and ends as the command does', async () => {
    const english = await engine.hako(['why', '--lang', 'en', '-u', '1000', 'web', '--', 'cat', '/secret']);
    assert.equal(english.code, 1);
    assert.match(english.stdout, /^Refused by file permissions\n {2}\/secret has mode 0600/);
    assert.match(english.stdout, /openat\(AT_FDCWD, "\/secret", O_RDONLY, 0\) = EACCES/);
    assert.match(english.stderr, /Permission denied/);
    assert.ok(
      english.stdout.split('\n').every((line) => line.length <= 80 || /^\S+\(/.test(line)),
      english.stdout,
    );
    const japanese = await engine.hako(['why', '--lang', 'ja', '-u', '1000', 'web', '--', 'cat', '/secret']);
    assert.match(japanese.stdout, /^断ったのは: ファイルの許可\n {2}\/secret はモード 0600/);
  });

  test('says that nobody refused, with what it survived; passes input on; answers in JSON', async () => {
    const fine = await engine.hako(['why', '--lang', 'en', '-i', 'web', 'cat'], { input: 'hello' });
    assert.equal(fine.code, 0);
    assert.match(fine.stdout, /^Nobody refused: the command succeeded\./);
    assert.equal(fine.stderr, 'hello');
    const survived = await engine.hako(['why', '--lang', 'en', '-u', '1000', 'web', 'sh', '-c', 'cat /secret 2>/dev/null; true']);
    assert.equal(survived.code, 0);
    assert.match(survived.stdout, /Refusals that it survived: 1\n.*\/secret.* = EACCES/);
    const { code, stdout } = await engine.hako(['why', '--format', 'json', 'web', 'sh', '-c', 'echo out; exit 3']);
    assert.equal(code, 3);
    const report = JSON.parse(stdout) as WhyReport;
    assert.equal(report.outcome, 'failed');
    assert.deepEqual([report.exitCode, report.decisive], [3, undefined]);
  });

  test('tells what failed before the command could be watched', async () => {
    for (const [option, value] of [
      ['-w', '/secret'],
      ['-u', 'nobody-of-that-name'],
    ] as const) {
      const { code, stderr, stdout } = await engine.hako(['why', option, value, 'web', 'true']);
      assert.notEqual(code, 0);
      assert.ok(stderr.includes(value), stderr);
      assert.equal(stdout, '');
    }
  });

  test('confines the command as exec does', async () => {
    const wanted = ['grep', '-E', '^(Cap|Seccomp|NoNewPrivs|Uid|Gid|Groups)', '/proc/self/status'];
    const traced = await engine.hako(['why', 'web', ...wanted]);
    assert.equal(traced.stderr, (await engine.hako(['exec', 'web', ...wanted])).stdout);
  });

  test('says that the container ended meanwhile', async () => {
    await engine.must('run', '-d', '--name', 'doomed', '--network', 'none', 'base', 'sleep', '600');
    const client = engine.spawnHako(['why', '--lang', 'en', 'doomed', 'sh', '-c', 'echo up; sleep 600']);
    const done = outcome(client);
    await once(client.stderr!, 'data');
    await engine.must('kill', 'doomed');
    const { code, stdout } = await done;
    assert.equal(code, 137);
    assert.match(stdout, /^The command was killed before it came to an end of its own/);
    const refused = await engine.hako(['why', 'doomed', 'true']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is not running/);
  });
});
