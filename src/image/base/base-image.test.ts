/** The base image runs: what is taken from the host is complete, and nothing of the host is needed besides. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { needsRoot } from '../../../test/support/needs.ts';
import { nativeMachine } from '../../kernel/elf-file.ts';
import { elfFile } from '../../kernel/elf-fixture.ts';
import { gather } from '../../storage/tar/tree-fixture.ts';
import { baseImageConfig, baseImageTar, buildBaseRootfs, describeBase } from './base-image.ts';
import { LibraryFinder } from './libraries.ts';
import { planBase } from './plan.ts';

const skip = needsRoot();

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hako-base-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('in a chroot, the programs run: sh, ls, ps, ip, id', { skip }, async (t) => {
  const root = temporaryDirectory(t);
  await buildBaseRootfs(root);
  // Namespaces of its own, so that nothing of the mounts and of the network is the host's, or stays.
  const script = 'mount -t proc proc proc; exec chroot . "$@"';
  const run = (command: string): string =>
    execFileSync('unshare', ['-mpnf', 'sh', '-ec', script, '-', ...baseImageConfig.Cmd, '-c', command], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: baseImageConfig.Env[0].slice(5), TERM: 'xterm' },
    });
  assert.match(run('ls /; ps; id'), /^bin\n[^]*usr\nvar\n[^]*PID TTY[^]*uid=0\(root\) gid=0\(root\)/);
  const plan = planBase();
  const has = (program: string): boolean => !plan.omitted.some((o) => o.program === program);
  if (has('ip')) assert.match(run('ip addr'), /1: lo: /);
  if (has('awk')) assert.equal(run("echo a b | awk '{ print $2 }' | sed s/b/c/"), 'c\n');
  if (has('tput')) assert.match(run('tput -T xterm-256color colors'), /256/);
  assert.equal(run('. /etc/os-release; echo $NAME; stat -c "%a %U" /tmp /root'), 'hakobune base\n1777 root\n700 root\n');

  // The loader of the image itself says whether every program finds its libraries.
  const loader = [...plan.files].find(([path]) => /\/ld-(linux|musl)[^/]*$/.test(path));
  assert.ok(loader);
  const missing = run(
    `for f in /usr/bin/* /usr/sbin/*; do case $(head -c4 "$f" | od -An -c) in *177*E*L*F*) ${loader[0]} --list "$f" 2>&1 | grep "not found";; esac; done; true`,
  );
  assert.equal(missing, '');
});

test('the tar is small, sorted, all of root, and the same each time', { skip }, async () => {
  const first = await gather(baseImageTar());
  assert.ok(first.equals(await gather(baseImageTar())));
  assert.ok(first.length < 60 << 20, `${first.length} bytes`);
  const lines = execFileSync('tar', ['--numeric-owner', '--full-time', '--utc', '-tvf', '-'], { input: first, encoding: 'utf8', maxBuffer: 1 << 24 })
    .trim()
    .split('\n');
  for (const line of lines) assert.match(line, /^\S+ 0\/0 +\d+ 1970-01-01 00:00:00 /);
  const names = execFileSync('tar', ['-tf', '-'], { input: first, encoding: 'utf8', maxBuffer: 1 << 24 })
    .trim()
    .split('\n')
    .map((name) => name.replace(/\/$/, ''));
  assert.deepEqual(names, names.toSorted());
  assert.ok(!lines.some((line) => /^-..s|^-.....s/.test(line)), 'nothing is setuid or setgid');
});

test('the description says where each file comes from, and what is left out', { skip }, () => {
  const { files, omitted, size } = describeBase();
  const shell = files.find((file) => file.why === 'sh');
  assert.ok(shell && readFileSync(shell.from).length === shell.size);
  assert.ok(files.some((file) => file.why === 'library of sh' && file.path.endsWith('/libc.so.6')));
  assert.equal(
    size,
    files.reduce((sum, file) => sum + statSync(file.from).size, 0),
  );
  for (const { program, package: name, why } of omitted) assert.ok(program && name && why);
});

test('libraries are found as the loader finds them: RUNPATH, RPATH of those above, $ORIGIN; not those of other machines', (t) => {
  const root = temporaryDirectory(t);
  const put = (path: string, bytes: Buffer): string => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), bytes);
    return join(root, path);
  };
  const found = (program: string): Record<string, string> =>
    Object.fromEntries((new LibraryFinder().needs(program) ?? []).map((l) => [l.name, l.path.replace(root, '')]));
  const other = nativeMachine === 62 ? 183 : 62;
  put('wrong/libx.so', elfFile({ machine: other }));
  put('lib/libx.so', elfFile({ needed: ['liby.so'] }));
  put('lib/liby.so', elfFile({ needed: ['libx.so'] })); // a circle
  put('deep/libz.so', elfFile({}));

  const rpath = put('bin/rpath', elfFile({ needed: ['libx.so'], rpath: `${root}/wrong:$ORIGIN/../lib` }));
  assert.deepEqual(found(rpath), { 'libx.so': '/lib/libx.so', 'liby.so': '/lib/liby.so' });
  // RUNPATH holds for the file itself only.
  const runpath = put('bin/runpath', elfFile({ needed: ['libx.so'], runpath: '${ORIGIN}/../lib' }));
  assert.throws(() => found(runpath), /the library liby\.so, which .*\/lib\/libx\.so needs, is in none of/);
  // $ORIGIN is where the file really is.
  mkdirSync(join(root, 'links'));
  symlinkSync('../bin/rpath', join(root, 'links/rpath'));
  assert.equal(found(join(root, 'links/rpath'))['libx.so'], '/lib/libx.so');
  const absolute = put('bin/absolute', elfFile({ interpreter: join(root, 'deep/libz.so'), needed: [join(root, 'deep/libz.so')] }));
  assert.equal(Object.values(found(absolute))[0], '/deep/libz.so');
  assert.equal(new LibraryFinder().needs(put('bin/script', Buffer.from('#!/bin/sh\n'))), undefined);
  assert.equal(new LibraryFinder().needs(put('bin/other', elfFile({ machine: other }))), undefined);
});

test('the libraries of programs on this machine are those that the loader would load', () => {
  for (const program of ['/bin/ls', '/bin/sh', process.execPath]) {
    const listed = execFileSync('ldd', [program], { encoding: 'utf8' })
      .split('\n')
      .flatMap((line) => / => (\/\S+)|^\s+(\/\S+) \(/.exec(line)?.slice(1).find(Boolean) ?? []);
    const real = (paths: readonly string[]): string[] => [...new Set(paths.map((path) => `${statSync(path).ino}`))].toSorted();
    assert.deepEqual(real((new LibraryFinder().needs(program) ?? []).map((l) => l.path)), real(listed), program);
  }
});
