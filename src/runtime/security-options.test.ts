import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseSecurityOptions, seccompFor } from './security-options.ts';

test('without options, the default filter and the default paths', () => {
  const options = parseSecurityOptions([]);
  assert.equal(options.noNewPrivileges, false);
  assert.equal(options.seccomp, 'default');
  assert.ok(options.maskedPaths.includes('/proc/kcore') && options.maskedPaths.includes('/sys/firmware'));
  assert.ok(options.readonlyPaths.includes('/proc/sys'));
  assert.equal(seccompFor(options, ['CAP_CHOWN'])?.defaultAction, 'SCMP_ACT_ERRNO');
});

test('a privileged container has no filter and all paths, unless a filter is asked for', () => {
  const options = parseSecurityOptions([], true);
  assert.deepEqual([options.seccomp, options.maskedPaths, options.readonlyPaths], ['unconfined', [], []]);
  assert.equal(seccompFor(options, []), undefined);
  assert.equal(parseSecurityOptions(['seccomp=builtin'], true).seccomp, 'default');
});

test('options are read in both spellings', () => {
  assert.equal(parseSecurityOptions(['no-new-privileges']).noNewPrivileges, true);
  assert.equal(parseSecurityOptions(['no-new-privileges:true']).noNewPrivileges, true);
  assert.equal(parseSecurityOptions(['no-new-privileges=false']).noNewPrivileges, false);
  assert.equal(parseSecurityOptions(['seccomp:unconfined']).seccomp, 'unconfined');
  assert.deepEqual(parseSecurityOptions(['systempaths=unconfined']).maskedPaths, []);
  assert.deepEqual(parseSecurityOptions(['label=disable', 'apparmor=unconfined']).warnings, []);
  assert.match(parseSecurityOptions(['label=type:x_t']).warnings.join(), /no SELinux labels/);
});

test('a profile comes from a file or inline', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-security-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'p.json');
  const text = '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","includes":{"caps":["CAP_KILL"]}}]}';
  writeFileSync(file, text);
  for (const value of [file, text]) {
    const options = parseSecurityOptions([`seccomp=${value}`]);
    assert.equal(seccompFor(options, ['CAP_KILL'])?.syscalls?.length, 1);
    assert.equal(seccompFor(options, [])?.syscalls?.length, 0);
  }
  writeFileSync(file, '{}');
  assert.equal(parseSecurityOptions([`seccomp=${file}`]).seccomp, 'unconfined');
});

test('what cannot be done is refused', () => {
  assert.throws(() => parseSecurityOptions(['apparmor=my-profile']), /sets no AppArmor profiles/);
  assert.throws(() => parseSecurityOptions(['seccomp=/nonexistent.json']), /opening seccomp profile \(\/nonexistent.json\) failed/);
  assert.throws(() => parseSecurityOptions(['seccomp=']), /give a profile file/);
  assert.throws(() => parseSecurityOptions(['no-new-privileges=maybe']), /true or false/);
  assert.throws(() => parseSecurityOptions(['systempaths=some']), /unconfined/);
  assert.throws(() => parseSecurityOptions(['credentialspec=x']), /invalid --security-opt "credentialspec=x"/);
});
