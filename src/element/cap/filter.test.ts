import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { capabilityMask } from '../../kernel/capability.ts';
import { applied } from '../interpret.ts';
import { readCredentials } from './credentials.ts';
import { filterSteps } from './filter.ts';
import { run } from './run.ts';

const directory = mkdtempSync(join(tmpdir(), 'hako-filter-'));
after(() => rmSync(directory, { recursive: true }));
const profile = (content: object): string => {
  const path = join(directory, `${Math.random()}.json`);
  writeFileSync(path, JSON.stringify(content));
  return path;
};
const env = [`PATH=${process.env['PATH']}`];
const locked = { noNewPrivileges: true } as const;

test('a program runs under the filter of a profile, and is refused what that refuses', async () => {
  const noMkdir = profile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] });
  const lines = `! mkdir ${directory}/d 2>/dev/null && ! [ -e ${directory}/d ] && grep -q '^Seccomp:.2$' /proc/self/status && exit 7`;
  assert.equal(await applied(run(locked, ['sh', '-c', lines], env, noMkdir)), 7);
});

test('the filter is the last thing before the program: a list of the calls of execve alone starts it', async () => {
  const least = profile({ defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: [{ names: ['execve'], action: 'SCMP_ACT_ALLOW' }] });
  // It is started, and killed by SIGSYS at the first call of its own.
  assert.equal(await applied(run(locked, ['/bin/true'], env, least)), 128 + 31);
});

test('builtin follows the bounding set; what is no profile, and who may load none, is told', () => {
  const own = readCredentials(process.pid);
  const sets = (capability: readonly string[]): typeof own.sets => ({ ...own.sets, effective: 0n, bounding: capabilityMask(capability) });
  assert.notDeepEqual(
    filterSteps('builtin', { sets: sets(['CAP_SYS_ADMIN']), noNewPrivileges: true })[0]!.calls,
    filterSteps('builtin', { sets: sets([]), noNewPrivileges: true })[0]!.calls,
  );
  assert.deepEqual(filterSteps('unconfined', { sets: sets([]), noNewPrivileges: true }), []);
  assert.throws(() => filterSteps('builtin', { sets: sets([]), noNewPrivileges: false }), /add --no-new-privs/);
  assert.throws(() => filterSteps('/no/such', { sets: sets([]), noNewPrivileges: true }), /\/no\/such.*ENOENT/);
});
