/** hako-oci as an ordinary user calls it: a directory of the user's, with a bundle and a runtime directory. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, lchownSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { firstOf, needsRoot } from './needs.ts';

/** A user that every machine has, and nobody is. */
export const nobody = { name: 'nobody', uid: 65534, gid: 65534 };

const program = join(import.meta.dirname, '../..', process.env.HAKO_TEST_ENTRY === 'dist' ? 'dist/hako-oci.js' : 'src/oci/main.ts');

/** Whether others can come as far as a file. */
function isOpen(path: string): boolean {
  for (let at = dirname(path); at !== '/'; at = dirname(at)) if (!(statSync(at).mode & 1)) return false;
  return true;
}

/** Why no ordinary user can be tried here, or false. */
export function unableRootless(): string | false {
  const refused = '/proc/sys/kernel/unprivileged_userns_clone';
  const namespaces =
    !(existsSync(refused) && readFileSync(refused, 'utf8').trim() === '0') && Number(readFileSync('/proc/sys/user/max_user_namespaces', 'utf8')) > 0;
  return firstOf(
    needsRoot(),
    !namespaces && 'this machine gives ordinary users no user namespaces',
    !(isOpen(import.meta.filename) && isOpen(process.execPath)) && 'this clone is closed to other users',
  );
}

export class RootlessBench {
  readonly base = mkdtempSync(join(process.env['HAKO_TEST_DIRECTORY'] ?? tmpdir(), 'hako-rootless-'));

  constructor() {
    mkdirSync(join(this.base, 'run'), { mode: 0o700 });
    this.give('', 'run');
  }

  /** Gives files beneath the directory to the user. */
  give(...names: readonly string[]): void {
    for (const name of names) lchownSync(join(this.base, name), nobody.uid, nobody.gid);
  }

  /** Runs hako-oci as the user. */
  run(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    // Files, and no pipes: a created container keeps its caller's streams.
    const [out, err] = ['out', 'err'].map((name) => openSync(join(this.base, name), 'w+'));
    const { status } = spawnSync(process.execPath, [program, ...words], {
      cwd: this.base,
      uid: nobody.uid,
      gid: nobody.gid,
      env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: join(this.base, 'run'), USER: nobody.name },
      stdio: ['ignore', out!, err!],
    });
    const read = (name: string): string => readFileSync(join(this.base, name), 'utf8');
    for (const fd of [out!, err!]) closeSync(fd);
    return { status, stdout: read('out'), stderr: read('err') };
  }

  /** Runs a command that must succeed. @returns what it printed */
  must(...words: readonly string[]): string {
    const { status, stdout, stderr } = this.run(...words);
    assert.equal(status, 0, `${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  }

  /** Takes all away, and tells if a test has left a container. */
  close(): void {
    const states = join(this.base, 'run/hako-oci');
    const left = existsSync(states) ? readdirSync(states) : [];
    for (const id of left) this.run('delete', '--force', id);
    rmSync(this.base, { recursive: true });
    assert.deepEqual(left, [], 'a state is left');
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
