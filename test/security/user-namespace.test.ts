/** `--userns=private`: root inside is nobody outside. By run and by exec. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { needsRoot } from '../support/needs.ts';
import { field, inside, ways } from './inside.ts';

const first = 100_000;

describe('in a user namespace of its own', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  let host: string;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    chmodSync(engine.directory, 0o711);
    host = join(engine.directory, 'host');
    mkdirSync(host);
    writeFileSync(join(host, 'file'), 'the host’s');
    mkdirSync(join(host, 'open'));
    chmodSync(join(host, 'open'), 0o1777);
  });
  after(() => engine?.close());

  const container = ['--userns=private'];

  test('root is another user outside', async () => {
    const id = await engine.must('run', '-d', ...container, 'base', 'sleep', '1000');
    const { State } = (JSON.parse(await engine.must('inspect', id)) as [{ State: { Pid: number } }])[0];
    const status = readFileSync(`/proc/${State.Pid}/status`, 'utf8');
    assert.deepEqual(
      [field(status, 'Uid'), field(status, 'Gid'), field(status, 'Groups')],
      [Array(4).fill(first).join('\t'), Array(4).fill(first).join('\t'), String(first)],
    );
    await engine.must('rm', '-f', id);
  });

  for (const way of ways) {
    test(`by ${way}, files made in a directory of the host belong to mapped ids`, async () => {
      const options = [...container, '-v', `${host}:/host`];
      const script = `id -u; touch /host/open/root-${way}; chown 5:6 /host/open/root-${way} && echo changed`;
      assert.equal((await inside(engine, way, { container: options }, 'sh', '-c', script)).stdout, '0\nchanged\n');
      await inside(engine, way, { container: options, program: ['--user', '1000:1000'] }, 'touch', `/host/open/user-${way}`);
      const owner = (name: string): number[] => [statSync(join(host, 'open', name)).uid, statSync(join(host, 'open', name)).gid];
      assert.deepEqual(owner(`root-${way}`), [first + 5, first + 6]);
      assert.deepEqual(owner(`user-${way}`), [first + 1000, first + 1000]);
    });

    test(`by ${way}, nothing of the host’s is written, owned or traced, whatever capabilities it holds`, async () => {
      const options = [
        ...container,
        '--cap-add',
        'ALL',
        '--security-opt',
        'seccomp=unconfined',
        '--security-opt',
        'systempaths=unconfined',
        '-v',
        `${host}:/host`,
      ];
      const script =
        '(echo x >> /host/file) 2>/dev/null && echo written; touch /host/new 2>/dev/null && echo made; chown 0 /host/file 2>/dev/null && echo owned; rm -f /host/file 2>/dev/null; [ -e /host/file ] || echo removed; ' +
        'mknod /tmp/mem c 1 1 2>/dev/null && echo node; (echo x > /proc/sys/kernel/core_pattern) 2>/dev/null && echo pattern; (echo b > /proc/sysrq-trigger) 2>/dev/null && echo sysrq; ' +
        'mount -o remount,rw,bind /host 2>/dev/null; date -s 2001-01-01 2>/dev/null >&2 && echo clock; find /sys/fs/cgroup /sys/kernel -writable -type f 2>/dev/null | head -3; echo end';
      assert.equal((await inside(engine, way, { container: options }, 'sh', '-c', script)).stdout, 'end\n');
      assert.equal(readFileSync(join(host, 'file'), 'utf8'), 'the host’s');
    });
  }

  test('what it writes to its root belongs to mapped ids on disk, and an image’s files to itself', async () => {
    const id = await engine.must('run', '-d', ...container, 'base', 'sh', '-c', 'touch /made; stat -c %u:%g /made /usr/bin /etc > /seen; exec sleep 1000');
    await engine.must('exec', id, 'sh', '-c', 'until [ -s /seen ]; do sleep 0.02; done');
    assert.equal(await engine.must('exec', id, 'cat', '/seen'), '0:0\n0:0\n0:0');
    assert.equal(statSync(join(engine.root, 'snapshots', id, 'upper/made')).uid, first);
    await engine.must('rm', '-f', id);
  });

  test('the ids of the host’s root cannot be asked for', async () => {
    for (const mode of ['private:0', 'private:0:10', 'private:4294967295', 'private:-1', 'private:1:99999999999', 'auto:x']) {
      assert.match((await engine.hako(['create', `--userns=${mode}`, 'base'])).stderr, /userns/, mode);
    }
  });
});
