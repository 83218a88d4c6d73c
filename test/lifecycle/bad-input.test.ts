/** Bad input gets one clear sentence, the right exit code, and leaves nothing half-made: no container, no image, no volume. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { startEngine, TestEngine, type Outcome } from '../support/engine.ts';
import { dockerArchive, trueImage } from '../support/images.ts';
import { needsRoot } from '../support/needs.ts';

/** The first line is a sentence about the object; a hint may follow. */
function assertSentence({ code, stderr }: Outcome, expected: number, ...words: readonly RegExp[]): void {
  assert.equal(code, expected, stderr);
  for (const word of words) assert.match(stderr, word);
  assert.doesNotMatch(stderr, /\n\s+at |\[object|undefined|node:internal/, 'a stack trace is not for users');
  assert.ok(stderr.trim().split('\n').length <= 4, `that is a lot to read:\n${stderr}`);
}

describe('bad input', { skip: needsRoot() }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-bad-'));
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
    await engine.must('run', '--rm', 'base', 'true');
  });
  after(async () => {
    await engine?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const cases: readonly (readonly [what: string, code: number, args: readonly string[], ...words: RegExp[]])[] = [
    ['an unknown image', 125, ['run', '--rm', 'nowhere/none:7'], /nowhere\/none:7/, /image import/],
    ['an impossible image name', 125, ['run', '--rm', 'UPPER/Case'], /UPPER\/Case/],
    ['an unknown command', 1, ['rnu', 'base'], /rnu/],
    ['an unknown flag', 125, ['run', '--memroy', '1g', 'base'], /--memroy/],
    ['a flag without its value', 125, ['run', '--name'], /--name/],
    ['no image', 1, ['run', '--rm'], /image|argument/i],
    ['no command, where the image has none', 125, ['run', '--rm', '--entrypoint', '', 'none'], /command|image/i],
    ['a command that is not there', 127, ['run', '--rm', 'base', 'nosuch'], /nosuch/],
    ['a size that is none', 125, ['run', '--rm', '--memory', '12parsecs', 'base'], /12parsecs/],
    ['too little memory', 125, ['run', '--rm', '--memory', '1k', 'base'], /memory/i, /6 ?MB/i],
    ['more processors than there are', 125, ['run', '--rm', '--cpus', '4096', 'base'], /4096|CPUs/],
    ['a processor that is not there', 125, ['run', '--rm', '--cpuset-cpus', '4000', 'base', 'true'], /4000/],
    ['a port that is none', 125, ['run', '--rm', '--publish', '70000:80', 'base'], /70000/],
    ['a relative working directory', 125, ['run', '--rm', '--workdir', 'here', 'base'], /here/],
    ['an unknown user', 125, ['run', '--rm', '--user', 'noone', 'base'], /noone/],
    ['an unknown capability', 125, ['run', '--rm', '--cap-add', 'FLY', 'base'], /FLY/],
    ['an unknown network', 125, ['run', '--rm', '--network', 'elsewhere', 'base'], /elsewhere/],
    ['a sysctl of the machine', 125, ['run', '--rm', '--sysctl', 'kernel.panic=1', 'base'], /kernel\.panic/],
    ['a device that is not there', 125, ['run', '--rm', '--device', '/dev/nosuch', 'base'], /\/dev\/nosuch/],
    ['a mount of nothing', 125, ['run', '--rm', '--mount', 'type=bind,src=/nosuch,dst=/x', 'base'], /\/nosuch/],
    ['a mount over everything', 125, ['run', '--rm', '--volume', '/tmp:/', 'base'], /destination|mount/],
    ['an impossible container name', 125, ['run', '--rm', '--name', 'a b', 'base'], /a b/],
    ['an unknown container', 1, ['stop', 'nobody'], /nobody/],
    ['an unknown container, to run more in', 1, ['exec', 'nobody', 'true'], /nobody/],
    ['an unknown signal', 1, ['kill', '-s', 'SIGNONE', 'nobody'], /nobody|SIGNONE/],
    ['a filter that is none', 1, ['ps', '--filter', 'colour=red'], /colour/],
    ['a template with an error', 1, ['ps', '--format', '{{.Names'], /template/i],
    ['a file that is not there', 1, ['load', '-i', '/nosuch.tar'], /\/nosuch\.tar/],
    ['an unknown volume', 1, ['volume', 'rm', 'nothing'], /nothing/],
  ];
  for (const [what, code, args, ...words] of cases) {
    test(`${what}: ${args.join(' ')}`, async () => {
      const outcome = await engine.hako(args);
      assertSentence(outcome, code, ...words);
      assert.equal(outcome.stdout, '');
      assert.equal(await engine.must('ps', '-aq'), '');
    });
  }

  test('an exec without privilege to it: what the container may not, it is told by the kernel', async () => {
    const { code, stderr } = await engine.hako(['run', '--rm', 'base', 'sh', '-c', 'mount -t tmpfs none /mnt || hostname other']);
    assert.notEqual(code, 0);
    assert.match(stderr, /permitted|denied|must be superuser|not found/i);
  });

  test('an archive that is broken, whichever way', async () => {
    const whole = dockerArchive({ ...trueImage, name: 'broken:1' });
    const archives = {
      empty: Buffer.alloc(0),
      text: Buffer.from('this is no archive at all\n'.repeat(40)),
      half: whole.subarray(0, whole.length / 2),
      damaged: Buffer.from(whole),
    };
    archives.damaged.fill(0x41, 600, 900);
    for (const [name, archive] of Object.entries(archives)) {
      const path = join(directory, `${name}.tar`);
      writeFileSync(path, archive);
      assertSentence(await engine.hako(['load', '-i', path]), 1);
      assertSentence(await engine.hako(['load'], { input: archive }), 1);
    }
    assert.equal(await engine.must('images', '-q', 'broken'), '');
  });

  test('a port that is in use, by a program or by another container', async () => {
    const listener = net.createServer().listen(0, '0.0.0.0');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as net.AddressInfo;
    assertSentence(await engine.hako(['run', '--rm', '--publish', `${port}:80`, 'base', 'true']), 125, new RegExp(String(port)), /in use|allocated/);
    listener.close();
    assert.equal(await engine.must('ps', '-aq'), '');
  });

  test('a disk that is full', async () => {
    const small = join(directory, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]);
    const other = new TestEngine({ env: { HAKO_ROOT: join(small, 'root') } });
    try {
      await other.start();
      assertSentence(await other.hako(['run', '--rm', 'base', 'true']), 125, /no space left|disk is full/i);
      assertSentence(await other.hako(['volume', 'create', 'fits']), 0);
      assert.equal(await other.must('ps', '-aq'), '');
      assert.equal(await other.must('images', '-q'), '');
    } finally {
      await other.close();
      execFileSync('umount', [small]);
    }
  });

  test('no privilege: another user is told what to do', async () => {
    chmodSync(engine.directory, 0o755);
    const asNobody = (...args: string[]): Outcome => {
      try {
        execFileSync('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', ...args], { env: engine.env, encoding: 'utf8', stdio: 'pipe' });
        return { code: 0, signal: null, stdout: '', stderr: '' };
      } catch (error) {
        const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
        return { code: status, signal: null, stdout, stderr };
      }
    };
    const [program, ...args] = engine.command(['run', '--rm', 'base', 'true']);
    assertSentence(asNobody(program!, ...args), 125, /permission|root|privilege/i);
    await engine.kill('SIGTERM');
    assertSentence(asNobody(program!, ...args), 125, /permission|root|privilege/i);
    await engine.start();
  });
});
