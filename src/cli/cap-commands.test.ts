import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { needs } from '../../test/support/needs.ts';
import { runHako, type Ended } from './engine-fixture.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to have capabilities';
const base = mkdtempSync(join(tmpdir(), 'hako-cap-cli-'));
chmodSync(base, 0o755);
after(() => rmSync(base, { recursive: true, force: true }));
const program = join(base, 'program');
copyFileSync('/bin/true', program);
/** No engine is there, and none is started. */
const hako = (...args: string[]): Promise<Ended> => runHako(['cap', ...args], { HAKO_RUN: base, LANG: '', LC_ALL: '', LC_MESSAGES: '' });

test('run: what was chosen is what capsh finds', { skip: unable || needs('capsh') }, async () => {
  const has = ['--has-a=cap_net_raw', '--has-p=cap_net_raw', '--has-i=cap_net_raw', '--is-uid=65534', '--is-gid=65534'];
  assert.deepEqual(await hako('run', '--drop', 'all', '--add', 'net_raw', '--ambient', 'net_raw', '-u', 'nobody', '--', '/usr/sbin/capsh', ...has), {
    code: 0,
    stdout: '',
    stderr: '',
  });
  assert.equal((await hako('run', '--no-new-privs', '/usr/sbin/capsh', '--has-no-new-privs')).code, 0);
  assert.equal((await hako('run', '--drop', 'net_raw', '/usr/sbin/capsh', '--has-b=cap_net_raw')).code, 1);
  assert.match((await hako('run', '--securebits', 'noroot,noroot-locked', '/usr/sbin/capsh', '--print')).stdout, /^Securebits: 03\//m);
});

test('predict: text for a person, JSON for a program, and what the kernel did', { skip: unable }, async () => {
  assert.deepEqual(await hako('file', 'set', 'cap_net_raw=ep', program), { code: 0, stdout: '', stderr: '' });
  assert.deepEqual(await hako('file', 'get', program), { code: 0, stdout: `${program} cap_net_raw=ep\n`, stderr: '' });
  const text = await hako('predict', '--check', '--user', 'nobody', program);
  assert.match(text.stdout, /effective +.* → CAP_NET_RAW\n/);
  assert.match(text.stdout, /The kernel did exactly that\.\n$/);
  for (const line of text.stdout.split('\n')) assert.ok(line.length <= 80, line);
  const refused = JSON.parse((await hako('predict', '--check', '--bounding', 'none', '--format', 'json', program)).stdout) as Record<string, unknown>;
  assert.deepEqual([refused['refused'], refused['reality'], refused['agrees']], ['EPERM', { refused: 'EPERM' }, true]);
  const steps = JSON.parse((await hako('predict', '--check', '--drop', 'kill', '--explain=json', program)).stdout) as {
    id: string;
    inside: { id: string }[];
  }[];
  assert.equal(steps[0]!.id, 'capability.probe');
  assert.ok(steps[0]!.inside.some(({ id }) => id === 'capability.bounding'));
  assert.equal((await hako('file', 'rm', program)).code, 0);
  assert.equal((await hako('file', 'get', program)).code, 1);
});

test('show and list: decoded, in 80 columns, and as JSON', async () => {
  const { stdout } = await hako('show', '--format', 'json', 'self', String(process.pid));
  const [self, other] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { sets: { effective: { names: string[] } }; securebits?: string[]; namespace: { same: boolean } });
  assert.deepEqual(self!.sets, other!.sets, 'what one hands on is what one has');
  assert.ok(Array.isArray(self!.securebits) && self!.namespace.same && other!.securebits === undefined);
  const [show, list, ja] = await Promise.all([hako('show'), hako('list'), hako('explain', '--lang', 'ja')]);
  for (const line of `${show.stdout}${list.stdout}`.split('\n')) assert.ok(line.length <= 80, line);
  assert.equal((list.stdout.match(/^ ?\d+ {2}CAP_/gm) ?? []).length, 41);
  assert.equal((ja.stdout.match(/^CAP_/gm) ?? []).length, 41);
  assert.equal((await hako('list', '-q')).stdout.split('\n').length, 42);
});

test('bad input is one clear sentence', { skip: unable }, async () => {
  for (const [args, code, sentence] of [
    [['explain', 'fly'], 125, 'unknown capability: "fly"; all names: hako cap list'],
    [['run', '--drop', 'net_rwa', 'true'], 125, 'unknown capability: "net_rwa", did you mean CAP_NET_RAW?'],
    [['show', '4000000'], 1, 'there is no process 4000000 (any more): "ps -e" lists those that there are'],
    [['show', 'no-container'], 1, '"no-container" is neither a process id nor a running container'],
    [['run', '-u', 'nobody-such', 'true'], 1, 'unable to find user nobody-such: no matching entries in passwd file'],
    [['run', '--drop', 'kill', 'no-such-program'], 127, 'exec: "no-such-program": executable file not found in $PATH (ENOENT)'],
    [['predict', '/no/such'], 127, '/no/such: no such file or directory (ENOENT)'],
    [['predict', '--of', '1', '--drop', 'kill', 'ls'], 125, "--drop is of no use with --of: that process is as it is\nSee 'hako cap predict --help'."],
    [
      ['file', 'set', 'cap_net_raw', program],
      125,
      '"cap_net_raw" is not of the form NAMES=FLAGS, such as cap_net_raw,cap_chown=ep (flags: e effective, i inheritable, p permitted)',
    ],
    [['file', 'get', '/usr'], 1, '/usr is a directory: --recursive shows the files below it'],
    [['file', 'rm', program], 1, `${program} has no capabilities`],
  ] as const)
    assert.deepEqual(await hako(...args), { code, stdout: '', stderr: `hako: ${sentence}\n` }, args.join(' '));
});
