/** Help, documentation and completion, which are made from the commands' tables. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import type { Command, Entry } from './command.ts';
import { commands } from './commands.ts';
import { complete } from './complete.ts';
import { runHako } from './engine-fixture.ts';
import { helpText } from './help.ts';
import { referenceText } from './reference.ts';

const base = mkdtempSync(join(tmpdir(), 'hako-help-'));
after(() => rmSync(base, { recursive: true, force: true }));

async function allCommands(entries: Readonly<Record<string, Entry>> = commands, path = ''): Promise<[string, Command][]> {
  const found: [string, Command][] = [];
  for (const [word, entry] of Object.entries(entries)) {
    if (entry.commands) found.push(...(await allCommands(entry.commands, `${path}${word} `)));
    else found.push([`${path}${word}`, (await entry.load!()).command]);
  }
  return found;
}

test('docs/cli.md is current', async () => {
  assert.equal(readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8'), await referenceText(), 'run: node scripts/cli-docs.ts');
});

test('every table is sound: one-letter names are single and used once, other spellings name a flag of their kind', async () => {
  for (const [name, { flags }] of await allCommands()) {
    const shorts = Object.values(flags).flatMap((flag) => flag.short ?? []);
    assert.equal(new Set(shorts).size, shorts.length, `hako ${name}: ${shorts.join('')}`);
    for (const [spelled, flag] of Object.entries(flags)) {
      assert.match(spelled, /^[a-z][a-z0-9-]+$/);
      assert.ok(!flag.short || flag.short.length === 1);
      if (flag.aliasOf) assert.equal(flags[flag.aliasOf]?.kind, flag.kind, `hako ${name} --${spelled}`);
      if (flag.kind === 'optional') assert.ok(flag.alone);
    }
  }
});

test('help fits 80 columns but for lists of commands, and names every flag that is not another spelling', async () => {
  for (const [name, { flags }] of await allCommands()) {
    const text = await helpText(name.split(' '));
    const options = text.split('\nOptions:\n')[1] ?? '';
    for (const line of options.split('\n')) assert.ok(line.length <= 80, `hako ${name}: ${line}`);
    for (const [flag, { aliasOf }] of Object.entries(flags))
      assert.equal(options.includes(`--${flag} `) || options.includes(`--${flag}\n`) || options.includes(`--${flag}[`), !aliasOf, `hako ${name} --${flag}`);
  }
});

test('hako without words, with --help, and with what it does not know', async () => {
  const env = { HAKO_RUN: base };
  const [none, help, named, group] = await Promise.all([[], ['--help'], ['help', 'run'], ['image']].map((args) => runHako(args, env)));
  assert.deepEqual([none!.code, none!.stdout], [0, help!.stdout]);
  assert.match(named!.stdout, /^Usage:  hako run \[OPTIONS\] IMAGE \[COMMAND\] \[ARG\.\.\.\]\n/);
  assert.match(group!.stdout, /^Usage:  hako image COMMAND\n/);
  assert.deepEqual(await runHako(['rnu'], env), { code: 1, stdout: '', stderr: "hako: unknown command: hako rnu, did you mean run?\nSee 'hako --help'.\n" });
  assert.deepEqual(await runHako(['run', '--nope', 'x'], env), { code: 125, stdout: '', stderr: "hako: unknown flag: --nope\nSee 'hako run --help'.\n" });
  const netShow = { code: 125, stdout: '', stderr: 'hako: invalid argument "yaml" for "--format" flag: it must be json\nSee \'hako net show --help\'.\n' };
  assert.deepEqual(await runHako(['net', 'show', '--format', 'yaml'], env), netShow);
  assert.match((await runHako(['\x1b[31mred'], env)).stderr, /^hako: unknown command: hako \?\[31mred\n/);
  assert.equal(
    (await runHako(['--version'], env)).stdout,
    `hakobune version ${(JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }).version}\n`,
  );
});

test('output that a full disk does not take is a failure, and told', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), '--help'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  assert.deepEqual([status, String(stderr)], [1, 'hako: the output cannot be written: ENOSPC\n']);
});

test('completion: commands, flags, their values, names that the engine knows', async () => {
  const words = async (...line: string[]): Promise<string[]> =>
    (await complete(line, async (kind) => [`${kind}-1`, `${kind}-2`])).candidates.map(({ word }) => word);
  assert.deepEqual(await words('re'), ['restart', 'rename']);
  assert.deepEqual(await words('image', 'l'), ['load', 'ls']);
  assert.deepEqual(await words('run', '--net'), ['--network', '--network-alias']);
  assert.deepEqual(await words('run', '--network', 'h'), ['host']);
  assert.deepEqual(await words('run', '--network=h'), ['--network=host']);
  assert.deepEqual(await words('run', '-it', '--name', 'x', 'im'), ['image-1', 'image-2']);
  assert.deepEqual(await words('run', 'image', '--na'), []);
  assert.deepEqual(await words('stop', ''), ['running-1', 'running-2']);
  assert.deepEqual(await words('rm', '-f', 'a', ''), ['container-1', 'container-2']);
  assert.deepEqual(await words('explain', ''), ['step-1', 'step-2', 'container-1', 'container-2']);
  assert.deepEqual(await words('rename', 'a', 'b', ''), []);
  assert.equal((await complete(['run', '-v', '/'], async () => [])).files, true);
});

test('the script for bash completes', () => {
  symlinkSync(process.execPath, join(base, 'node'));
  writeFileSync(join(base, 'hako'), `#!/bin/sh\nexec ${join(base, 'node')} ${join(import.meta.dirname, 'main.ts')} "$@"\n`, { mode: 0o755 });
  const script = `source <(hako completion bash); COMP_WORDS=(hako run --netw); COMP_CWORD=2; _hako; echo "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], {
    env: { ...process.env, PATH: `${base}:${process.env['PATH']}`, HAKO_RUN: base },
    encoding: 'utf8',
  });
  assert.equal(stdout, '--network --network-alias\n', stderr);
});
