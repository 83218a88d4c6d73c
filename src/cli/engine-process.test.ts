/** How a client starts the engine, with programs that play hakod, and what it says when that fails. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { runHako } from './engine-fixture.ts';

const base = mkdtempSync(join(tmpdir(), 'hako-start-'));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;

/** Runs `startEngine` of a fresh process, with `program` as hakod. @returns what the process wrote, and its directory */
function start(program: string): { code: number | null; stdout: string; stderr: string; directory: string } {
  const directory = join(base, String(++count));
  const hakod = join(base, `hakod-${count}.cjs`);
  writeFileSync(hakod, `const fs = require('fs'), net = require('net'), run = process.env.HAKO_RUN;\n${program}`);
  const script = `
    const { startEngine } = await import(${JSON.stringify(join(import.meta.dirname, 'engine-process.ts'))});
    try { await startEngine(${JSON.stringify(hakod)}); console.log('started'); } catch (error) { console.log(error.message + '|' + error.hint); }
    process.exit();`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, HAKO_RUN: directory },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, stdout, stderr, directory };
}

test('the engine is ready when it says so; it is in a session of its own and writes its log', () => {
  const { stdout, stderr, directory } = start(`
    console.log('a line of the log');
    fs.writeFileSync(run + '/session', fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[3]);
    fs.writeFileSync(run + '/pid', String(process.pid));
    fs.writeSync(3, 'ready\\n'); fs.closeSync(3);`);
  assert.equal(stdout, 'started\n');
  assert.match(stderr, /^hako: started the engine \(hakod, process \d+\)/);
  assert.equal(readFileSync(join(directory, 'session'), 'utf8'), readFileSync(join(directory, 'pid'), 'utf8'));
  assert.equal(readFileSync(join(directory, 'hakod.log'), 'utf8'), 'a line of the log\n');
});

test('its own reason is told when it cannot be ready', () => {
  const { stdout } = start(`fs.writeSync(3, 'cannot make the bridge hako0: EPERM\\n'); process.exit(1);`);
  assert.match(stdout, /^the engine did not start: cannot make the bridge hako0: EPERM\|Its log is .*hakod.log/);
});

test('one that dies without a word is told with the last lines of its log', () => {
  const { stdout } = start(`for (let i = 0; i < 9; i++) console.error('line ' + i); process.exit(3);`);
  assert.match(stdout, /^the engine did not start: hakod ended with exit code 3\|The last lines of .*hakod.log:\n  line 4\n/);
});

test('one that finds another engine running is no failure: that one is used, also when it is still coming up', () => {
  const { stdout } = start(`
    if (process.argv[2] === 'other') { setTimeout(() => { const server = net.createServer((s) => { s.end(); server.close(); }).listen(run + '/hako.sock'); }, 200); return; }
    require('child_process').spawn(process.execPath, [__filename, 'other'], { detached: true, stdio: 'ignore' }).unref();
    fs.writeSync(3, 'another hakod is running already\\n'); process.exit(1);`);
  assert.equal(stdout, 'started\n');
});

test('a program that is missing, and a directory that cannot be written', async () => {
  const missing = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { startEngine } = await import(${JSON.stringify(join(import.meta.dirname, 'engine-process.ts'))}); await startEngine('/no/hakod.js').catch((e) => console.log(e.message))`,
    ],
    { encoding: 'utf8', env: { ...process.env, HAKO_RUN: join(base, 'm') } },
  );
  assert.match(missing.stdout, /^the engine is not running and its program \/no\/hakod\.js is missing/);
  const { code, stderr } = await runHako(['engine', 'status'], { HAKO_RUN: join(base, 'none') });
  assert.deepEqual([code, stderr], [1, '']);
  assert.equal(existsSync(join(base, 'none')), false);
});

test('a socket that may not be opened is told, with what to do', { skip: process.getuid?.() !== 0 && 'needs root, to become another user' }, async () => {
  const directory = mkdtempSync(join(base, 'closed-'));
  const server = createServer().listen(join(directory, 'hako.sock'));
  try {
    chmodSync(base, 0o755);
    chmodSync(directory, 0o755);
    chmodSync(join(directory, 'hako.sock'), 0o600);
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), 'ps'], {
      uid: 65534,
      gid: 65534,
      env: { ...process.env, HAKO_RUN: directory },
      encoding: 'utf8',
    });
    assert.deepEqual(
      [status, stderr],
      [1, `hako: no permission to open the engine's socket ${directory}/hako.sock (EACCES)\nRun the command as root, or as a user who may open that socket.\n`],
    );
  } finally {
    server.close();
  }
});

test('what is asked at once starts one engine', () => {
  const directory = join(base, 'at-once');
  const script = `
    const { connect } = await import(${JSON.stringify(join(import.meta.dirname, 'client.ts'))});
    for (const { reason } of await Promise.allSettled([connect(), connect()])) console.log(reason.message);`;
  const env = { ...process.env, HAKO_RUN: directory, HAKO_ROOT: '/dev/null/root' };
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8', timeout: 20_000 });
  assert.match(stdout, /^(the engine did not start: .*\n){2}$/);
  assert.match(readFileSync(join(directory, 'hakod.log'), 'utf8'), /^hakod: .*\n$/);
});
