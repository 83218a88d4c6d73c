/**
 * A container as a shell script: what `hako export-script` writes runs beside the engine, is as limited and as reachable as the
 * container that it was written of, ends with its code, and leaves nothing.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { cgroupFile } from './support/cgroup-file.ts';
import { outcome, startEngine, type TestEngine } from './support/engine.ts';
import { difference, inventory, withoutReadyEndpoints } from './support/inventory.ts';
import { firstOf, needs, needsController, needsRoot } from './support/needs.ts';

const tools = firstOf(needsRoot(), needs('ip', 'nft'));
const version1 = needsController('memory') || !existsSync('/sys/fs/cgroup/memory/cgroup.procs') ? 'there is no cgroup v1 tree of memory' : false;

describe('the script of a container', { skip: tools }, () => {
  let engine: TestEngine;
  before(async () => (engine = await startEngine({ privateNetwork: true })));
  after(() => engine.close());

  const seen = (): string[] => withoutReadyEndpoints(inventory(engine));

  /** Writes a container's script to a file. */
  async function written(name: string, ...options: readonly string[]): Promise<string> {
    const file = join(engine.directory, `${name}.sh`);
    await engine.must('export-script', ...options, '-o', file, name);
    return file;
  }

  test('ends with the code of the program, which has what the container would have; nothing is left', async () => {
    const program = 'cat; id -u; hostname; grep -c nameserver /etc/resolv.conf; touch /made; ip -o -4 address show eth0 | wc -l; exit 4';
    await engine.must('create', '-i', '--name', 'whole', '--hostname', 'lab', '--user', '1:1', '--tmpfs', '/run', 'base', 'sh', '-c', program);
    const file = await written('whole');
    assert.equal(statSync(file).mode & 0o111, 0o111, 'it can be executed');
    const before = seen();
    const child = spawn('nsenter', [`--net=/proc/${engine.networkOf}/ns/net`, '--', 'sh', file], { stdio: 'pipe' });
    const { code, stdout, stderr } = await outcome(child, 'what came in\n');
    assert.match(stdout, /^what came in\n1\nlab\n[1-9]\d*\n1\n$/, stderr);
    assert.match(stderr, /^touch: [^\n]*\/made[^\n]*\n$/, 'uid 1 may not write into the root');
    assert.equal(code, 4);
    assert.deepEqual(difference(before, seen()), []);
    assert.equal(existsSync(engine.root), true);
  });

  test('has the limits, the published port and a bridge of its own, while it runs', { skip: needs('curl') }, async () => {
    const server =
      '$s = IO::Socket::INET->new(LocalPort => 80, Listen => 9); print "up\\n"; $c = $s->accept; <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello\\n"; close $c';
    await engine.must(
      'create',
      '--name',
      'web',
      '-p',
      '8080:80',
      '--memory',
      '64m',
      '-v',
      '/usr:/usr:ro',
      'base',
      'perl',
      '-MIO::Socket::INET',
      '-e',
      `$| = 1; ${server}`,
    );
    const file = await written('web');
    const before = seen();
    const child = spawn('nsenter', [`--net=/proc/${engine.networkOf}/ns/net`, '--', 'sh', file], { stdio: 'pipe' });
    const ended = outcome(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('exit', () => void ended.then(({ stderr }) => reject(new Error(stderr))));
    });
    const pid = Number(spawnSync('pgrep', ['--full', '--newest', '^perl -MIO::Socket::INET -e \\$\\| = 1'], { encoding: 'utf8' }).stdout);
    assert.ok(pid > 0, 'the program runs');
    const { text, version } = cgroupFile(pid, 'memory', ['memory.limit_in_bytes', 'memory.max']);
    assert.equal(text.trim(), String(64 << 20), `version ${version}`);
    assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), /:\/hako-script-[0-9a-f]{12}$/m);
    const answer = await engine.runInNetwork('curl', '--silent', '--max-time', '20', 'http://127.0.0.1:8080/');
    assert.equal(answer.stdout, 'hello\n', answer.stderr);
    assert.equal((await ended).code, 0);
    assert.deepEqual(difference(before, seen()), []);
  });

  test('has the user namespace, its ids and a network in it', async () => {
    const program = 'cat /proc/self/uid_map; id -u; touch /made && stat -c %u:%g /made /etc/passwd /data; ip -o -4 address show eth0 | wc -l';
    await engine.must('create', '--name', 'mapped', '--userns', 'private', '-v', 'mapped:/data', 'base', 'sh', '-c', program);
    await engine.must('start', '-a', 'mapped');
    const file = await written('mapped');
    const before = seen();
    const { code, stdout, stderr } = await engine.runInNetwork('sh', file);
    assert.match(stdout.replaceAll(/ +/g, ' '), /^ 0 \d+ \d+\n0\n0:0\n0:0\n0:0\n1\n$/, stderr);
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(difference(before, seen()), []);
  });

  test('can be written for cgroup v1, whatever this machine has', { skip: version1 }, async () => {
    await engine.must('create', '--name', 'one', '--network', 'none', '--memory', '32m', 'base', 'sh', '-c', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes');
    const file = await written('one', '--cgroup', 'v1');
    const { code, stdout, stderr } = await engine.runInNetwork('sh', file);
    assert.equal(stdout, `${32 << 20}\n`, stderr);
    assert.equal(code, 0);
  });

  test('is shell that the shell reads, in every form, and each form writes its own files', async () => {
    await engine.must('create', '--name', 'forms', '--network', 'none', '--memory', '32m', '--cpus', '0.5', 'base', 'true');
    const files = { v1: /memory\.limit_in_bytes/, hybrid: /memory\.limit_in_bytes|memory\.max/, v2: /memory\.max/ };
    for (const [form, file] of Object.entries(files)) {
      const text = await engine.must('export-script', '--cgroup', form, 'forms');
      const { status, stderr } = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' });
      assert.equal(status, 0, `${form}: ${stderr}`);
      assert.match(text, file, form);
      if (form === 'v2') assert.doesNotMatch(text, /limit_in_bytes|cfs_quota_us/);
    }
  });

  test('what can’t be written is refused in one sentence', async () => {
    const unknown = await engine.hako(['export-script', 'nobody']);
    assert.match(unknown.stderr, /^hako: [^\n]*nobody[^\n]*\n$/);
    const form = await engine.hako(['export-script', '--cgroup', 'v3', 'forms']);
    assert.match(form.stderr, /^hako: [^\n]*v3[^\n]*\n$/);
    const nowhere = await engine.hako(['export-script', '-o', '/proc/nowhere', 'forms']);
    assert.match(nowhere.stderr, /^hako: the script can't be written to \/proc\/nowhere: ENOENT\n$/);
  });
});
