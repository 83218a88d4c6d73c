/** The search for the program in real containers: what stops a start before the program is executed, and what does not. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ContainerBench } from '../../test/support/container.ts';
import { needsRoot } from '../../test/support/needs.ts';
import type { ProcessSpec, SeccompSpec } from './spec.ts';
import type { StartPlan } from './start.ts';

describe('the search for the program', { skip: needsRoot() }, () => {
  let bench: ContainerBench;
  before(async () => {
    bench = await new ContainerBench().prepare();
    mkdirSync(join(bench.lower, 'opt/closed'), { recursive: true, mode: 0o700 });
    mkdirSync(join(bench.lower, 'opt/bin/tool'), { recursive: true });
    writeFileSync(join(bench.lower, 'opt/closed/program'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(bench.lower, 'opt/data'), '#!/bin/sh\n', { mode: 0o644 });
    writeFileSync(join(bench.lower, 'opt/tool'), '#!/bin/sh\necho the tool\n', { mode: 0o755 });
  });
  after(() => bench[Symbol.asyncDispose]());

  const plan = (args: readonly string[], changes: Partial<ProcessSpec> = {}, seccomp?: SeccompSpec): StartPlan => {
    const made = bench.plan({ command: args });
    const process: ProcessSpec = { ...made.spec.process, ...changes };
    return { ...made, findsProgram: true, spec: { ...made.spec, process, linux: { ...made.spec.linux, ...(seccomp ? { seccomp } : {}) } } };
  };
  /** The exit code and the words with which a start fails. */
  const refused = async (made: StartPlan): Promise<string> => {
    const error = await bench.start(made).then(
      () => assert.fail('it was started'),
      (found: Error & { code: number }) => found,
    );
    return `${error.code} ${error.message}`;
  };

  test('a name is looked for in PATH, and a directory of that name is none', async () => {
    const { code, stdout } = await bench.runPlan(plan(['tool'], { env: ['PATH=/nowhere:/opt/bin:/opt'] }));
    assert.deepEqual([code, stdout], [0, 'the tool\n']);
  });

  test('what is not there is said in the words that callers look for, without a word of an execve', async () => {
    assert.equal(await refused(plan(['no-such-program'])), '127 exec: "no-such-program": executable file not found in $PATH');
    assert.equal(await refused(plan(['/opt/none'])), '127 exec: "/opt/none": stat /opt/none: no such file or directory');
    assert.equal(await refused(plan(['/opt/data/none'])), '127 exec: "/opt/data/none": stat /opt/data/none: not a directory');
    const found = await refused(plan(['data'], { env: ['PATH=/opt'] }));
    assert.equal(found, '127 exec: "data": executable file not found in $PATH (/opt/data is no file that this user may execute)');
  });

  test('what may not be executed is refused by its path', async () => {
    assert.equal(await refused(plan(['/opt/data'])), '126 exec: "/opt/data": permission denied');
    assert.equal(await refused(plan(['/opt'])), '126 exec: "/opt": is a directory: permission denied');
  });

  test('it is the user that counts, with and without no_new_privs', async () => {
    for (const noNewPrivileges of [false, true]) {
      const changes = { user: { uid: 1000, gid: 1000 }, capabilities: {}, noNewPrivileges };
      assert.equal(await refused(plan(['/opt/closed/program'], changes)), '126 exec: "/opt/closed/program": permission denied');
    }
    assert.equal((await bench.runPlan(plan(['/opt/closed/program']))).code, 0);
  });

  test('a PATH of thousands of directories is searched, and one beyond all measure is refused', async () => {
    const path = (length: number): string => `PATH=${Array.from({ length }, (_, i) => `/d${i}`).join(':')}:/opt`;
    // The environment is in the table once, not once for each directory.
    assert.equal((await bench.runPlan(plan(['tool'], { env: [path(3000), `LONG=${'x'.repeat(100_000)}`] }))).stdout, 'the tool\n');
    await assert.rejects(bench.start(plan(['tool'], { env: [path(30_000)] })), /start the process .* each place of PATH: argument list too long \(E2BIG\)/);
  });

  test('a filter that refuses the question leaves the answer to execve', async () => {
    const seccomp: SeccompSpec = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['faccessat2'], action: 'SCMP_ACT_ERRNO' }] };
    const changes = { noNewPrivileges: false };
    assert.equal((await bench.runPlan(plan(['true'], changes, seccomp))).code, 0);
    assert.match(await refused(plan(['no-such-program'], changes, seccomp)), /^127 .*not found in \$PATH \(ENOENT\)/);
  });

  test('a filter that refuses what the start still needs, and to end as well, lets it fail, not hang', async () => {
    const seccomp: SeccompSpec = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['execve'], action: 'SCMP_ACT_ALLOW' }] };
    assert.match(await refused(plan(['true'], { noNewPrivileges: false }, seccomp)), /^125 .*PR_CAPBSET_DROP.* failed: /);
    assert.match(await refused(plan(['no-such-program'], { noNewPrivileges: true }, seccomp)), /not found/);
  });
});
