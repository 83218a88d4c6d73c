/** What hako-oci hands over to a program beside files and limits: descriptors of its caller's, its streams, a session keyring. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const repository = join(import.meta.dirname, '../..');
const program = join(repository, process.env.HAKO_TEST_ENTRY === 'dist' ? 'dist/hako-oci.js' : 'src/oci/main.ts');

describe('what a program is handed', { skip: firstOf(needsRoot(), needs('python3')) }, () => {
  let base: string;
  /** A pipe, as callers have it: Node's own is a socket, which nobody can open again. */
  const pipeline = 'set -o pipefail; "$@" | cat';
  const run = (args: readonly string[], words: readonly string[] = [], options: { readonly uid?: number; readonly stdio?: readonly number[] } = {}): string => {
    const id = `test-handed-${process.pid}`;
    const config = {
      ociVersion: '1.2.0',
      // The machine's own files are the root: a directory of them all, which nothing of the test changes.
      root: { path: '/', readonly: true },
      process: { args, env: ['PATH=/usr/bin:/bin'], cwd: '/', user: { uid: options.uid ?? 0, gid: 0 } },
      linux: { namespaces: [{ type: 'mount' }], cgroupsPath: `/hako-test-handed-${process.pid}` },
    };
    mkdirSync(base, { recursive: true });
    writeFileSync(join(base, 'config.json'), JSON.stringify(config));
    const { stdout, stderr, status } = spawnSync(
      'bash',
      ['-c', pipeline, 'sh', process.execPath, program, '--root', join(base, 'state'), 'run', '-b', base, ...words, id],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe', ...(options.stdio ?? [])],
      },
    );
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  before(() => void (base = mkdtempSync(join(tmpdir(), 'hako-handed-'))));
  after(() => rmSync(base, { recursive: true }));

  test('0, 1 and 2, and no other', () => {
    const fd = openSync('/dev/null', 'r');
    assert.equal(run(['sh', '-c', 'for n in /proc/$$/fd/*; do [ ! -e $n ] || echo ${n##*/}; done'], [], { stdio: [fd] }).replaceAll('\n', ' '), '0 1 2');
    closeSync(fd);
  });

  test('with --preserve-fds, those after 2', () => {
    const file = join(base, 'handed');
    writeFileSync(file, 'a text');
    const fds = [openSync(file, 'r'), openSync('/dev/null', 'r')];
    const said = run(['sh', '-c', 'cat <&3; for n in /proc/$$/fd/*; do [ ! -e $n ] || echo -n " ${n##*/}"; done'], ['--preserve-fds', '1'], { stdio: fds });
    assert.equal(said, 'a text 0 1 2 3');
    fds.forEach((fd) => closeSync(fd));
  });

  test('its streams, as its user can open them again', () => {
    assert.equal(run(['sh', '-c', 'echo again >/dev/stdout; stat -L -c %u /proc/self/fd/1'], [], { uid: 4242 }), 'again\n4242');
    // Not what is everybody's.
    assert.equal(statSync('/dev/null').uid, 0);
  });

  test("a session keyring that is not its caller's, but with --no-new-keyring", () => {
    const number = `import ctypes, platform
print(ctypes.CDLL(None, use_errno=True).syscall(250 if platform.machine() == "x86_64" else 219, 0, -3, 0))`;
    const here = spawnSync('python3', ['-c', number], { encoding: 'utf8' }).stdout.trim();
    const inside = run(['python3', '-c', number]);
    assert.match(inside, /^\d+$/);
    assert.notEqual(inside, here);
    assert.equal(run(['python3', '-c', number], ['--no-new-keyring']), here);
  });
});
