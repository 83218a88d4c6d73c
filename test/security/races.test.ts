/** Names that a container changes while the engine works with them: mount points in a shared volume, and paths of `cp`. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { needsRoot } from '../support/needs.ts';

/** Makes `$1` a directory and a symbolic link to `$2` in turn, for ever; both are there all the time under other names. */
const swap =
  'mkdir -p "$1.dir"; ln -sfn "$2" "$1.link"; mv -T "$1.dir" "$1"; while :; do mv --exchange "$1" "$1.link" 2>/dev/null || { mv -T "$1" "$1.dir"; mv -T "$1.link" "$1"; mv -T "$1" "$1.link"; mv -T "$1.dir" "$1"; }; done';

describe('while a container swaps a directory for a link', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  let host: string;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    host = mkdtempSync(join(engine.directory, 'host-'));
    writeFileSync(join(host, 'file'), 'the host’s');
  });
  after(() => engine?.close());

  const swapping = (path: string, ...options: readonly string[]): Promise<string> =>
    engine.must('run', '-d', '--network', 'none', ...options, 'base', 'sh', '-c', swap, 'sh', path, host);

  const unchanged = (): void => {
    assert.deepEqual(readdirSync(host), ['file']);
    assert.equal(readFileSync(join(host, 'file'), 'utf8'), 'the host’s');
  };

  test('mounts of another container that shares the volume stay in its root', async () => {
    const id = await swapping('/shared/point', '-v', 'shared:/shared');
    let started = 0;
    for (let i = 0; i < 8; i++) {
      const script = 'test -d /usr/bin && test ! -e "$1" || ls -l "$1"; touch /shared/point/made 2>/dev/null; true';
      const options = ['-v', 'shared:/shared', '-v', 'other:/shared/point', '-v', 'more:/shared/point/sub/deep', '--tmpfs', '/shared/point/tmp'];
      const { code, stdout } = await engine.hako(['run', '--rm', '--network', 'none', ...options, 'base', 'sh', '-c', script, 'sh', join(host, 'file')]);
      if (code === 0) started++;
      assert.equal(stdout, '');
      unchanged();
    }
    assert.ok(started > 0, 'some of them start');
    await engine.must('rm', '-f', id);
  });

  test('cp copies neither out of the host nor into it', async () => {
    const id = await swapping('/point');
    const source = join(engine.directory, 'source');
    mkdirSync(source);
    for (const name of ['file', 'new']) writeFileSync(join(source, name), 'copied in');
    let copied = 0;
    for (let i = 0; i < 5; i++) {
      const { stdout } = await engine.hako(['cp', `${id}:/point/file`, '-']);
      assert.doesNotMatch(stdout, /the host’s/);
      const results = await Promise.all([engine.hako(['cp', join(source, 'new'), `${id}:/point/new`]), engine.hako(['cp', `${source}/.`, `${id}:/point`])]);
      copied += results.filter(({ code }) => code === 0).length;
      unchanged();
    }
    assert.ok(copied > 0, 'some are copied');
    await engine.must('rm', '-f', id);
  });

  test('links in an archive that is copied in lead nowhere', async () => {
    const id = await engine.must('run', '-d', '--network', 'none', 'base', 'sleep', '1000');
    await engine.must('exec', id, 'ln', '-s', host, '/link');
    await engine.hako(['cp', join(engine.directory, 'source/new'), `${id}:/link/new`]);
    await engine.hako(['cp', `${engine.directory}/source/.`, `${id}:/link`]);
    assert.notEqual((await engine.hako(['cp', `${id}:/link/file`, '-'])).code, 0);
    unchanged();
    await engine.must('rm', '-f', id);
  });
});
