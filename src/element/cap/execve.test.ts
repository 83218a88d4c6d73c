import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call, type Call } from '../../kernel/call.ts';
import { capabilityData, capabilityHeader, parseCapabilityMasks } from '../../kernel/capability.ts';
import { errno } from '../../kernel/errno.ts';
import { encodeFileCapabilities, parseFileCapabilities, type FileCapabilities } from '../../kernel/file-capability.ts';
import { ambientOptions, cloneFlags, mountFlags, prctlOptions } from '../../kernel/flags.ts';
import { holdNamespaces, type Holder } from '../../kernel/launch/child.ts';
import { trySetXattr } from '../../kernel/xattr.ts';
import { securebits, type Credentials, type Ids } from './credentials.ts';
import { kernelComparesEffective, predictExecve } from './execve.ts';
import { execute } from './probe.ts';
import { allCapabilities } from './text.ts';
import { fileFor, notExecutable, readProgram } from './program.ts';

const skip = process.getuid?.() !== 0 && 'needs root, to become others and to give files capabilities';
const directory = mkdtempSync(join(tmpdir(), 'hako-cap-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));

/** Numbers that look random and are the same in each run; another seed by HAKO_SEED, another number of cases by HAKO_CASES. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const seed = Number(process.env['HAKO_SEED'] ?? 20260101);
const random = randomNumbers(seed);
const chance = (percent: number): boolean => random(100) < percent;
const pick = <T>(items: readonly T[]): T => items[random(items.length)]!;
const ours = skip ? undefined : parseCapabilityMasks(readFileSync('/proc/self/status', 'utf8'));

/** What begins with a user namespace. */
const everything = { bounding: allCapabilities(), permitted: allCapabilities(), effective: allCapabilities(), inheritable: 0n, ambient: 0n };

/** Each bit of `from`, by chance; sometimes all, sometimes none. */
function some(from: bigint): bigint {
  const percent = pick([0, 10, 50, 90, 100]);
  let mask = 0n;
  for (let i = 0n; i < 41n; i++) if ((from >> i) & 1n && chance(percent)) mask |= 1n << i;
  return mask;
}

interface TestFile {
  readonly path: string;
  readonly text: string;
}

function makeFile(i: number): TestFile {
  const path = join(directory, `program-${i}`);
  copyFileSync('/bin/true', path);
  const ids = [0, 0, 1000, 65534, inside, inside + 1000];
  const [owner, group] = [pick(ids), pick(ids)];
  // Set-group-ID without execution by the group is no set-group-ID.
  const mode = (chance(10) ? 0o745 : 0o755) | (chance(35) ? 0o4000 : 0) | (chance(25) ? 0o2000 : 0);
  const caps: FileCapabilities | undefined = chance(55)
    ? {
        revision: pick([2, 2, 3] as const),
        effective: chance(50),
        permitted: some((1n << 41n) - 1n),
        inheritable: some((1n << 41n) - 1n),
        rootid: pick([0, 1000, inside]),
      }
    : undefined;
  chownSync(path, owner, group);
  chmodSync(path, mode);
  if (caps) {
    const fd = openSync(path, 'r');
    assert.equal(trySetXattr(fd, 'security.capability', encodeFileCapabilities(caps)), 0);
    closeSync(fd);
  }
  return { path, text: JSON.stringify({ owner, group, mode: mode.toString(8), caps }, (_, v: unknown) => (typeof v === 'bigint' ? v.toString(16) : v)) };
}

/** The machine's id that is root in the test's user namespace. */
const inside = 100_000;
const map = [{ containerID: 0, hostID: inside, size: 65536 }];
let holder: Holder | undefined;
let namespaceFd = -1;
before(() => {
  if (skip) return;
  holder = holdNamespaces(cloneFlags.CLONE_NEWUSER);
  for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${holder.pid}/${file}`, `0 ${inside} 65536\n`);
  namespaceFd = openSync(`/proc/${holder.pid}/ns/user`, 'r');
});
after(() => holder?.release());

/** A process that may execute something, and the calls that bring one into being: in our user namespace, or in another, with its ids. */
function makeProcess(elsewhere: boolean): { readonly credentials: Credentials; readonly calls: Call[] } {
  const ids = [0, 0, 65534, 1000];
  const own = elsewhere ? everything : ours!;
  const id = (): { real: number; effective: number; saved: number } => {
    const one = pick(ids);
    return chance(60) ? { real: one, effective: one, saved: one } : { real: pick(ids), effective: pick(ids), saved: pick(ids) };
  };
  const [uids, gids, groups] = [id(), id(), chance(30) ? [1000] : []];
  const bounding = chance(50) ? own.bounding : some(own.bounding);
  const inheritable = some(own.permitted);
  const permitted = some(own.permitted);
  const effective = some(permitted);
  const ambient = some(permitted & inheritable);
  const bits = (chance(20) ? securebits.NOROOT : 0) | (chance(20) ? securebits.NO_SETUID_FIXUP : 0) | (chance(20) ? securebits.KEEP_CAPS : 0);
  const noNewPrivileges = chance(20);
  const capset = (sets: { effective: bigint; permitted: bigint; inheritable: bigint }): Call => call('capset', [capabilityHeader(), capabilityData(sets)]);
  const each = (mask: bigint): number[] => Array.from({ length: 41 }, (_, i) => i).filter((i) => (mask >> BigInt(i)) & 1n);
  const calls = [
    ...(elsewhere ? [call('setns', [namespaceFd, cloneFlags.CLONE_NEWUSER])] : []),
    // So that the sets stay while the ids change.
    call('prctl', [prctlOptions.PR_SET_SECUREBITS, securebits.NO_SETUID_FIXUP, 0, 0, 0]),
    capset({ ...own, inheritable }),
    ...each(own.bounding & ~bounding).map((i) => call('prctl', [prctlOptions.PR_CAPBSET_DROP, i, 0, 0, 0])),
    call('setgroups', [groups.length, groups.length ? new Uint8Array(Uint32Array.from(groups).buffer) : null]),
    call('setresgid', [gids.real, gids.effective, gids.saved]),
    call('setresuid', [uids.real, uids.effective, uids.saved]),
    call('prctl', [prctlOptions.PR_SET_SECUREBITS, bits, 0, 0, 0]),
    capset({ permitted, effective, inheritable }),
    ...each(ambient).map((i) => call('prctl', [prctlOptions.PR_CAP_AMBIENT, ambientOptions.PR_CAP_AMBIENT_RAISE, i, 0, 0])),
    ...(noNewPrivileges ? [call('prctl', [prctlOptions.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0])] : []),
  ];
  const seen = (n: number): number => (elsewhere ? n + inside : n);
  const seenIds = (all: Ids): Ids => ({ real: seen(all.real), effective: seen(all.effective), saved: seen(all.saved) });
  return {
    credentials: {
      uids: seenIds(uids),
      gids: seenIds(gids),
      groups: groups.map(seen),
      sets: { bounding, inheritable, permitted, effective, ambient },
      securebits: bits,
      noNewPrivileges,
      root: seen(0),
    },
    calls,
  };
}

/** The same directory, mounted nosuid in a mount namespace of its own. */
const nosuid: Call[] = [
  call('unshare', [cloneFlags.CLONE_NEWNS]),
  call('mount', ['none', '/', 'none', mountFlags.MS_REC | mountFlags.MS_PRIVATE, '']),
  call('mount', [directory, directory, 'none', mountFlags.MS_BIND, '']),
  call('mount', ['none', directory, 'none', mountFlags.MS_BIND | mountFlags.MS_REMOUNT | mountFlags.MS_NOSUID, '']),
];

const shown = (value: unknown): string => JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? v.toString(16) : v));

test('what is predicted is what the kernel gives: users, sets, securebits, files, mounts at random', { skip }, () => {
  const files = Array.from({ length: 60 }, (_, i) => makeFile(i));
  const seen = { refused: 0, gained: 0, ambient: 0 };
  const cases = Number(process.env['HAKO_CASES'] ?? 600);
  for (let i = 0; i < cases; i++) {
    const file = pick(files);
    const elsewhere = chance(25);
    const { credentials, calls } = makeProcess(elsewhere);
    const hidden = chance(15);
    const program = readProgram(file.path, []);
    const namespace = elsewhere ? { root: inside, uidMap: map, gidMap: map } : { root: 0 };
    const forbidden = notExecutable(program, credentials, namespace);
    const prediction = predictExecve(credentials, {
      ...fileFor(program, namespace),
      nosuid: hidden,
    });
    const reality = execute(file.path, [...(hidden ? nosuid : []), ...calls]);
    const story = `seed ${seed}, case ${i}: ${shown(credentials)} executes ${file.text}${hidden ? ' (nosuid)' : ''}\npredicted ${shown(prediction)}\nreality ${shown(reality)}`;
    assert.equal(reality.failed, undefined, story);
    if (forbidden !== undefined) {
      assert.equal(reality.refused, errno.EACCES, `${forbidden}: ${story}`);
      continue;
    }
    if (prediction.refused) {
      seen.refused++;
      assert.equal(reality.refused, errno.EPERM, story);
      continue;
    }
    assert.ok(reality.credentials, story);
    const { root: _, securebits: __, ...after } = prediction.after;
    assert.deepEqual(reality.credentials, after, story);
    if (after.sets.permitted & ~credentials.sets.permitted) seen.gained++;
    if (after.sets.ambient) seen.ambient++;
  }
  for (const [what, count] of Object.entries(seen)) assert.ok(count > cases / 50, `too few cases of ${what}: ${count}`);
});

test('a script is executed with what its interpreter gives; its own set-ID bits are not looked at, its mode is', { skip }, () => {
  const interpreter = join(directory, 'interpreter');
  copyFileSync('/bin/true', interpreter);
  const fd = openSync(interpreter, 'r');
  assert.equal(trySetXattr(fd, 'security.capability', encodeFileCapabilities({ revision: 2, effective: true, permitted: 1n << 13n, inheritable: 0n })), 0);
  closeSync(fd);
  const script = join(directory, 'script');
  writeFileSync(script, `#! ${interpreter} -x\n`);
  chmodSync(script, 0o4755); // as if it had no such bit
  const program = readProgram(script, []);
  assert.deepEqual(program.chain, [script, interpreter]);
  const become: Call[] = [call('setgroups', [0, null]), call('setresgid', [65534, 65534, 65534]), call('setresuid', [65534, 65534, 65534])];
  const ids = { real: 65534, effective: 65534, saved: 65534 };
  const sets = { ...ours!, permitted: 0n, effective: 0n, inheritable: 0n, ambient: 0n };
  const prediction = predictExecve({ uids: ids, gids: ids, groups: [], sets, securebits: 0, noNewPrivileges: false, root: 0 }, fileFor(program, { root: 0 }));
  assert.equal(prediction.refused, undefined);
  const reality = execute(script, become);
  assert.equal(reality.credentials!.sets.effective, 1n << 13n);
  assert.deepEqual(reality.credentials!.sets, prediction.after.sets);
  assert.deepEqual(reality.credentials!.uids, ids);
  // Its mode is, though: the kernel executes neither a script nor an interpreter that is not executable.
  const credentials = { uids: ids, gids: ids, groups: [], sets, securebits: 0, noNewPrivileges: false, root: 0 };
  for (const [mode, why] of [
    [0o644, /script: it is executable for nobody/],
    [0o700, /script: its mode 700 does not let others execute it/],
  ] as const) {
    chmodSync(script, mode);
    assert.match(notExecutable(readProgram(script, []), credentials, { root: 0 }) ?? '', why);
    assert.equal(execute(script, become).refused, errno.EACCES);
  }
});

test('the probe tells why there was no execve', { skip }, () => {
  assert.equal(execute('/no/such/program', []).refused, errno.ENOENT);
  assert.match(execute('/bin/true', [call('setresuid', [1000, 1000, 1000]), call('setresuid', [0, 0, 0])]).failed!, /^setresuid\(0, 0, 0\)/);
});

test('the attribute’s bytes are read as they are written, in every revision; others are none', () => {
  for (const revision of [1, 2, 3] as const) {
    const caps = {
      revision,
      effective: true,
      permitted: revision === 1 ? 0xffffffffn : 0x1ff_ffff_ffffn,
      inheritable: 0x2000n,
      ...(revision === 3 ? { rootid: 100000 } : {}),
    };
    assert.deepEqual(parseFileCapabilities(encodeFileCapabilities(caps)), caps);
  }
  for (const bytes of [[], [0, 0, 0, 2], Array.from({ length: 20 }, () => 0), [0, 0, 0, 9, ...Array.from({ length: 16 }, () => 0)]])
    assert.equal(parseFileCapabilities(Uint8Array.from(bytes)), undefined);
});

test('the rule for a change of ids is that of the kernel’s version', () => {
  assert.deepEqual(['6.18.44-fc', '6.16.0', '7.0', '6.15.9', '5.10.0', '6.1.0-18-amd64'].map(kernelComparesEffective), [true, true, true, false, false, false]);
});
