/** `hako overlay` on an engine's images and containers: whose layers it shows, and what it says where there is nothing to show. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mountHolding, readMountinfo } from '../src/kernel/mountinfo.ts';
import { startEngine, type TestEngine } from './support/engine.ts';
import { dockerArchive } from './support/images.ts';
import { needsRoot } from './support/needs.ts';

interface Answer {
  readonly shown: string | null;
  readonly layers: readonly { readonly layer: string; readonly role: string; readonly createdBy?: string }[];
  readonly mountedOver?: { readonly type: string };
}

describe('hako overlay, of an engine', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  const json = async <T>(...args: string[]): Promise<T[]> =>
    (await engine.must('overlay', ...args, '--format', 'json'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T);

  before(async () => {
    engine = await startEngine();
    const layers = [
      [
        { name: 'etc/', type: '5' },
        { name: 'etc/config', contents: 'first' },
        { name: 'big', contents: Buffer.alloc(200_000, 'b') },
        { name: 'etc/link', type: '2', linkname: '/big' },
      ],
      [{ name: '.wh.big' }],
      [{ name: 'etc/config', contents: 'third' }],
    ];
    const archive = join(engine.directory, 'image.tar');
    writeFileSync(archive, dockerArchive({ name: 'test/layers:latest', layers }));
    await engine.must('load', '-i', archive);
    await engine.must(
      'run',
      '-d',
      '--name',
      'box',
      '-v',
      'data:/data',
      'base',
      'sh',
      '-c',
      'echo x >> /etc/services; rm /etc/shells; echo $? > /ready; sleep 1000',
    );
    await engine.must('exec', 'box', 'sh', '-c', 'while ! [ -s /ready ]; do sleep 0.05; done');
  });
  after(async () => {
    await engine.must('rm', '-f', '-v', 'box');
    await engine[Symbol.asyncDispose]();
  });

  test('an image: the layer that answers, with the instruction that made it', async () => {
    const [config] = await json<Answer>('which', 'test/layers', '/etc/config');
    assert.deepEqual(
      config!.layers.map(({ layer, role, createdBy }) => [layer, role, createdBy]),
      [
        ['3', 'shown', 'layer 3'],
        ['2', 'none', 'layer 2'],
        ['1', 'hidden', 'layer 1'],
      ],
    );
    assert.equal((await json<Answer>('which', 'test/layers@2', '/etc/config'))[0]!.shown, '1');
    assert.match(
      await engine.must('overlay', 'which', 'test/layers', '/big'),
      /^\/big is not in the image test\/layers\n[^]*^2 +whiteout .* hides what is below$[^]*^1 +file +200kB .* hidden by the whiteout \/big of layer 2$/m,
    );
  });

  test('contents come from the layer that is shown, or that is named, and never from the host', async () => {
    assert.equal(await engine.must('overlay', 'cat', 'test/layers', '/etc/config'), 'third');
    assert.equal(await engine.must('overlay', 'cat', 'test/layers@1', 'etc/config'), 'first');
    assert.equal((await engine.must('overlay', 'cat', 'test/layers@1', '/etc/link')).length, 200_000);
    const hidden = await engine.hako(['overlay', 'cat', 'test/layers', '/etc/link']);
    assert.deepEqual(
      [hidden.code, hidden.stderr],
      [1, 'hako: the image test/layers shows no /big (/etc/link): layer 1 has it, but the whiteout /big in layer 2 hides it\n'],
    );
    assert.equal(
      (await engine.hako(['overlay', 'cat', 'test/layers', '/etc'])).stderr,
      'hako: /etc in the image test/layers is a directory, not a file with content\n',
    );
  });

  test('waste is counted over the layers, and the empty one is not mistaken for an instruction without a layer', async () => {
    const [counted] = await json<{ wastedBytes: number; layers: { createdBy: string; wastedBytes: number; hidesBytes: number }[] }>('waste', 'test/layers');
    assert.equal(counted!.wastedBytes, 200_005);
    assert.deepEqual(
      counted!.layers.map(({ createdBy, wastedBytes, hidesBytes }) => [createdBy, wastedBytes, hidesBytes]),
      [
        ['layer 3', 0, 5],
        ['layer 2', 0, 200_000],
        ['layer 1', 200_005, 0],
      ],
    );
    const text = await engine.must('overlay', 'waste', 'test/layers');
    assert.match(text, /^the image test\/layers: 3 layers, 200kB, of which 5B is shown: efficiency 0\.0 %$/m);
    assert.match(text, /^200kB +deleted in 2, was in 1 +\/big$/m);
    assert.match(await engine.must('overlay', 'waste', '--tree', 'test/layers'), /^ +200kB {2}├─ big\n +5B {2}└─ etc\/config$/m);
  });

  test('a container that runs: what it changed, and what lies above its layers', async () => {
    const files = await json<{ path: string; kind: string; from?: string; changedBytes?: number }>('changes', 'box');
    const of = (path: string): (typeof files)[number] | undefined => files.find((file) => file.path === path);
    assert.deepEqual(
      [of('/etc/services')!.kind, of('/etc/services')!.changedBytes, of('/etc/shells')!.kind, of('/ready')!.kind],
      ['copied up', 2, 'deleted', 'added'],
    );
    assert.match(await engine.must('overlay', 'cat', 'box', '/etc/services'), /\nx$/);
    assert.doesNotMatch(await engine.must('overlay', 'cat', 'box@1', '/etc/services'), /\nx$/);
    assert.equal((await json<Answer>('which', 'box', '/data'))[0]!.mountedOver!.type, mountHolding(readMountinfo(), engine.root)!.type);
    assert.match(await engine.must('overlay', 'which', 'box', '/proc/1'), /No process of the container sees this: proc is mounted at \/proc/);
    assert.deepEqual(await json('whiteouts', 'box@upper'), [{ layer: 'upper', kind: 'whiteout', path: '/etc/shells', hiddenFiles: 1, hiddenBytes: 18 }]);
  });

  test('the layer of a container is what commit makes of it', async () => {
    const directory = join(engine.directory, 'commit');
    mkdirSync(directory);
    await engine.must('commit', 'box', 'committed');
    const [packed] = await json<{ digest: string }>('pack', '-o', join(directory, 'layer.tar'), 'box');
    const [image] = JSON.parse(await engine.must('image', 'inspect', 'committed')) as { RootFS: { Layers: string[] } }[];
    assert.equal(packed!.digest, image!.RootFS.Layers.at(-1));
    assert.match(execFileSync('tar', ['-tf', join(directory, 'layer.tar')], { encoding: 'utf8' }), /^etc\/\.wh\.shells$/m);
  });

  test('what is not there is told in one sentence', async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await engine.hako(['overlay', ...args]);
      assert.notEqual(code, 0);
      return stderr.trim().replaceAll(engine.directory, '');
    };
    assert.equal(await refused('ls', 'nobody'), 'hako: no such container or image: nobody\nA directory is written with a slash or a dot in front: ./upper');
    assert.equal(await refused('ls', 'test/layers@4'), 'hako: the image test/layers has no layer 4: its layers are 1, 2, 3, the lowest first');
    assert.equal(await refused('ls', 'test/layers', '/no'), 'hako: the image test/layers shows no /no');
    assert.equal(await refused('which', 'test/layers', '/no'), 'hako: no layer of the image test/layers has /no');
    assert.equal(await refused('ls', '/proc'), 'hako: /proc is a mount of proc, not of an overlay: hako overlay mount makes one');
    assert.equal(await refused('ls', '/no/such'), 'hako: /no/such: no such file or directory (ENOENT)');
    assert.equal(
      await refused('changes', 'test/layers@1'),
      'hako: the image test/layers is one layer, and what it changed is seen only against those below: name them as ./upper:./lower',
    );
    assert.match(await refused('waste', 'test/layers', '--format', '{{.Nothing'), /the template of --format is wrong/);
  });
});
