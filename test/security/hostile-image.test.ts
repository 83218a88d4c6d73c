/** What an image says, and what it holds where the engine goes, leads nowhere but into the container. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { dockerArchive, type ImageConfig } from '../support/images.ts';
import { needsRoot } from '../support/needs.ts';
import type { TarEntry } from '../support/tar.ts';
import { ways } from './inside.ts';

describe('a hostile image', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  /** A directory of the host's that no container has any business in. */
  let host: string;
  let images = 0;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    host = join(engine.directory, 'host');
    mkdirSync(host);
    writeFileSync(join(host, 'secret'), 'the host’s secret');
  });
  after(() => engine?.close());

  const link = (name: string, linkname: string): TarEntry => ({ name, type: '2', linkname });

  /** The image `base` with one more layer, as an image that was imported. */
  async function image(entries: readonly TarEntry[], config: ImageConfig = {}): Promise<string> {
    const name = `test/hostile${++images}`;
    await engine.hako(['load', '-q'], { input: dockerArchive({ name: `${name}:latest`, layers: [entries], config: { Cmd: ['true'], ...config } }) });
    return name;
  }

  /** Runs the machine's own shell over the image, which has none. */
  const withShell = ['-v', '/usr:/usr:ro', '-v', '/usr/bin:/bin:ro', '-v', '/usr/lib:/lib:ro', '-v', '/usr/lib64:/lib64:ro'] as const;
  const shell = async (name: string, script: string, ...options: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await engine.hako(['run', '--rm', '--network', 'none', ...options, ...withShell, name, '/usr/bin/sh', '-c', script]);
    return stdout + stderr;
  };

  const unchanged = (): void => assert.deepEqual(readdirSync(host), ['secret'], 'nothing was made in the host’s directory');

  test('with /dev/null a symbolic link: the masks are the real null device', async () => {
    const name = await image([{ name: 'dev/', type: '5' }, link('dev/null', '/proc/sys/kernel/core_pattern'), { name: 'etc/', type: '5' }]);
    assert.equal(
      await shell(name, 'stat -c "%F %t %T" /dev/null /proc/keys; wc -c < /proc/keys'),
      'character special file 1 3\ncharacter special file 1 3\n0\n',
    );
  });

  test('with /dev a symbolic link to a directory of the host: nothing is made there', async () => {
    const name = await image([link('dev', host)]);
    await shell(name, 'true');
    unchanged();
  });

  test('with links under /dev/pts: the terminal is one of its own devpts', async () => {
    const name = await image([
      { name: 'dev/pts/', type: '5' },
      link('dev/pts/0', `${host}/secret`),
      link('dev/pts/ptmx', `${host}/secret`),
      link('dev/console', `${host}/made`),
    ]);
    const out = await shell(name, 'stat -f -c %T /dev/pts/0 /dev/console; tty', '-t');
    assert.equal(out.replaceAll('\r', ''), 'devpts\ndevpts\n/dev/pts/0\n');
    unchanged();
  });

  test('that swaps what is under /dev/pts while terminals are opened: they are terminals, or the exec fails', async () => {
    const id = await engine.must(
      'run',
      '-d',
      '--cap-add',
      'SYS_ADMIN',
      'base',
      'sh',
      '-c',
      'umount /dev/pts; ln -s /proc/1/fd/1 /dev/pts/ptmx; exec sleep 1000',
    );
    const { code, stderr } = await engine.hako(['exec', '-t', id, 'true']);
    assert.notEqual(code, 0);
    assert.match(stderr, /ptmx|terminal/);
    await engine.must('rm', '-f', id);
  });

  test('with /proc a symbolic link to a directory of the host: no procfs there, no write through it', async () => {
    const name = await image([link('proc', host)]);
    await shell(name, 'true', '--sysctl', 'kernel.msgmax=9000', '--oom-score-adj', '100');
    unchanged();
    assert.equal(readFileSync(join(host, 'secret'), 'utf8'), 'the host’s secret');
  });

  for (const path of ['/proc', '/proc/sys', '/proc/self', '/proc/sys/kernel', '/dev', '/']) {
    test(`with a volume at ${path}: refused`, async () => {
      const name = await image([{ name: 'etc/', type: '5' }], { Volumes: { [path]: {} } });
      assert.match((await engine.hako(['create', name])).stderr, /destination can't be/);
      assert.match((await engine.hako(['create', '-v', `some:${path}`, 'base'])).stderr, /destination can't be/);
    });
  }

  test('with a volume over a part of /proc by a link: sysctls and masks reach the real procfs, or nothing starts', async () => {
    // Copied up, the volume would give links of the image's in the place of /proc/sys/kernel.
    const entries = [link('way', '/proc/sys'), { name: 'proc/', type: '5' }, { name: 'proc/sys/', type: '5' }, link('proc/sys/kernel', host)];
    const name = await image(entries, { Volumes: { '/way': {} } });
    writeFileSync(join(host, 'msgmax'), 'untouched');
    await engine.hako(['run', '--rm', '--network', 'none', '--sysctl', 'kernel.msgmax=9000', name]);
    assert.equal(readFileSync(join(host, 'msgmax'), 'utf8'), 'untouched');
  });

  test('whose volume’s path is a symbolic link: nothing of the host is copied into the volume', async () => {
    const name = await image([link('data', host), link('up', `../../../../../../../..${host}`)], { Volumes: { '/data': {}, '/up': {} } });
    const id = await engine.must('create', name);
    const volumes = (JSON.parse(await engine.must('inspect', id)) as [{ Mounts: { Source: string }[] }])[0].Mounts;
    assert.equal(volumes.length, 2);
    await engine.hako(['start', id]);
    for (const { Source } of volumes) assert.deepEqual(readdirSync(Source), []);
    unchangedBut('msgmax');
    await engine.must('rm', '-f', '-v', id);
  });

  const unchangedBut = (...names: readonly string[]): void => assert.deepEqual(readdirSync(host).toSorted(), [...names, 'secret'].toSorted());

  for (const [target, what] of [
    ['/dev/zero', /not a regular file|no matching entries/],
    ['/proc/kmsg', /no matching entries/],
    ['/proc/kcore', /larger than|no matching entries|not a regular file/],
  ] as const) {
    test(`whose passwd is ${target}: a name is not found, and the engine answers`, async () => {
      const name = await image([{ name: 'etc/', type: '5' }, link('etc/passwd', target), link('etc/group', target)], { User: 'somebody' });
      assert.match((await engine.hako(['run', '--rm', name])).stderr, what);
      // In a container that runs, /dev and /proc are there for a link to lead to.
      const id = await engine.must('run', '-d', 'base', 'sh', '-c', `ln -sf ${target} /etc/passwd; ln -sf ${target} /etc/group; exec sleep 1000`);
      assert.notEqual((await engine.hako(['exec', '--user', 'somebody', id, 'true'])).code, 0);
      await engine.must('ps');
      await engine.must('rm', '-f', id);
    });
  }

  test('its programs are not run by top, stats, inspect, diff, cp and export', async () => {
    const programs = ['ps', 'tar', 'ls', 'sh', 'cat', 'getent'].map((program) => ({ name: `bin/${program}`, mode: 0o755, contents: '#!/bin/touch /ran\n' }));
    const libraries = ['libc.so.6', 'libnss_files.so.2'].map((library) => ({ name: `lib/${library}`, mode: 0o755, contents: 'no library' }));
    const name = await image([{ name: 'bin/', type: '5' }, ...programs, { name: 'lib/', type: '5' }, ...libraries, { name: 'f', contents: 'contents' }]);
    const id = await engine.must(
      'run',
      '-d',
      '--userns=private',
      '-v',
      '/usr:/usr:ro',
      '-v',
      '/usr/lib64:/lib64:ro',
      '-v',
      '/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu:ro',
      name,
      '/usr/bin/sleep',
      '1000',
    );
    assert.match(await engine.must('top', id), /sleep 1000/);
    await engine.must('stats', '--no-stream', id);
    await engine.must('inspect', id);
    assert.doesNotMatch(await engine.must('diff', id), /ran/);
    await engine.must('cp', `${id}:/f`, join(engine.directory, 'copied'));
    await engine.must('export', '-o', join(engine.directory, 'exported.tar'), id);
    assert.doesNotMatch(await engine.must('diff', id), /ran/);
    await engine.must('rm', '-f', id);
  });

  for (const way of ways) {
    test(`users that are garbage, too large or negative are refused by ${way}, and never become root`, async () => {
      const id = way === 'exec' ? await engine.must('run', '-d', 'base', 'sleep', '1000') : undefined;
      for (const user of [
        '4294967295',
        '4294967296',
        '-1',
        '2147483648',
        '0x0',
        '1000:4294967295',
        '1000:-1',
        ' ',
        'no such',
        '1e3',
        '0:no such',
        '99999999999999999999',
      ]) {
        const { code, stdout, stderr } = await engine.hako([...(id ? ['exec'] : ['run', '--rm']), `--user=${user}`, id ?? 'base', 'id', '-u']);
        assert.notEqual(code, 0, `--user=${user} gave ${stdout}`);
        assert.match(stderr, /user|group|uids/);
      }
      if (id) await engine.must('rm', '-f', id);
    });
  }

  test('lines of its passwd with garbage for numbers name nobody', async () => {
    const passwd = 'evil:x:4294967296:0::/:\nminus:x:-1:0::/:\nnone:x::0::/:\nhex:x:0x0:0::/:\nword:x:root:0::/:\n';
    for (const user of ['evil', 'minus', 'none', 'hex', 'word']) {
      const name = await image(
        [
          { name: 'etc/', type: '5' },
          { name: 'etc/passwd', contents: passwd },
        ],
        { User: user },
      );
      assert.match((await engine.hako(['run', '--rm', name])).stderr, /no matching entries/);
    }
  });

  test('sysctls are an allow list, and their values one line', async () => {
    const refused = [
      'kernel.core_pattern=x',
      'vm.drop_caches=1',
      'kernel.msgmax+=1',
      'net.ipv4/../../kernel/core_pattern=x',
      'net.../kernel.core_pattern=x',
      'kernel/core_pattern=x',
      'net.ipv4.ip_forward=1+kernel.core_pattern=x',
      'net.ipv4.ip_forward=1\nkernel.core_pattern=x',
      'kernel.sem\n=1',
      'fs.file-max=1',
      'user.max_user_namespaces=0',
    ];
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
    for (const sysctl of refused) {
      const { code, stderr } = await engine.hako(['create', '--sysctl', sysctl, 'base', 'true']);
      assert.equal(code, 125, sysctl);
      assert.match(stderr, /sysctl/);
    }
    assert.equal(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), pattern);
    assert.match((await engine.hako(['create', '--network', 'host', '--sysctl', 'net.ipv4.ip_forward=1', 'base'])).stderr, /not allowed/);
    assert.match((await engine.hako(['create', '--ipc', 'host', '--sysctl', 'kernel.msgmax=1', 'base'])).stderr, /not allowed/);
  });

  for (const [what, config] of Object.entries({
    'a variable': { Env: ['A=\0TOKEN\0'] },
    'the working directory': { WorkingDir: '/x\0TOKEN\0' },
    'the command': { Cmd: ['echo', '\0TOKEN\0'] },
  }))
    test(`with a NUL in ${what}: no script names a variable of the reader's shell by it, and nothing starts`, async () => {
      const name = await image([], config);
      const container = `nul-${name.replace('/', '-')}`;
      const explained = await engine.hako(['run', '--explain', name]);
      await engine.must('create', '--name', container, '--network', 'none', name);
      const exported = await engine.hako(['export-script', container]);
      const started = await engine.hako(['start', container]);
      for (const { code, stdout, stderr } of [explained, exported, started]) {
        assert.doesNotMatch(stdout, /TOKEN/);
        assert.notEqual(code, 0);
        assert.match(stderr, /^hako: [^\n]*"[^"\n]*\\u0000TOKEN\\u0000" has a NUL character[^\n]*\n$/);
      }
    });

  test('and nothing of all this was made on the host', () => {
    unchangedBut('msgmax');
    assert.equal(existsSync('/ran'), false);
  });
});
