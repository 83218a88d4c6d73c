/** One more process, described by a file that is `process` of config.json. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../suite/bench.ts';
import type { Fields } from '../suite/config.ts';
import type { Outcome } from '../suite/runtime.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';

/** Runs a process of this description in a container that has a seccomp filter. */
async function execFile(bench: Bench, process: Fields): Promise<Outcome> {
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapoff'], action: 'SCMP_ACT_ERRNO' }] };
  const container = await bench.start({
    script: 'exec sleep 1000',
    process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 100 }] },
    linux: { seccomp },
  });
  const file = join(bench.directory, 'process.json');
  writeFileSync(file, JSON.stringify({ cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, ...process }));
  return container.exec(['--process', file], []);
}

const status = (...fields: string[]): { args: string[] } => ({ args: ['sh', '-c', `grep -E '^(${fields.join('|')}):' /proc/self/status`] });

export default {
  'has args, env, cwd and user of the file': {
    spec,
    must: '--process FILE describes the process wholly.',
    check: async (bench) => {
      const { code, stdout, stderr } = await execFile(bench, {
        args: ['sh', '-c', 'pwd; echo $ONE; id -u; id -g; grep ^Groups: /proc/self/status'],
        cwd: '/var',
        env: ['PATH=/bin', 'ONE=1'],
        user: { uid: 1000, gid: 1001, additionalGids: [5] },
      });
      assert.equal(code, 0, stderr);
      assert.equal(stdout.trim(), '/var\n1\n1000\n1001\nGroups:\t5');
    },
  },
  'has the umask of the file': {
    spec: 'config.md#configPOSIXUser',
    must: 'umask is the mask of the process.',
    check: async (bench) => {
      assert.equal((await execFile(bench, { args: ['sh', '-c', 'umask'], user: { uid: 0, gid: 0, umask: 0o077 } })).stdout, '0077\n');
    },
  },
  'has the capabilities of the file': {
    spec,
    must: 'Capabilities are those of the file, not of the container.',
    check: async (bench) => {
      const caps = ['CAP_KILL'];
      const { stdout } = await execFile(bench, { ...status('CapBnd', 'CapPrm'), capabilities: { bounding: caps, permitted: caps, effective: caps } });
      assert.equal(stdout, 'CapPrm:\t0000000000000020\nCapBnd:\t0000000000000020\n');
    },
  },
  'has no_new_privs and rlimits of the file': {
    spec,
    must: 'What the file says of limits and privileges holds.',
    check: async (bench) => {
      const process = {
        args: ['sh', '-c', 'grep ^NoNewPrivs /proc/self/status; grep "^Max file locks" /proc/self/limits | tr -s " "'],
        noNewPrivileges: true,
        // Not of open files: Go raises that one in each of its programs, and runc's exec sometimes sets it before that.
        rlimits: [{ type: 'RLIMIT_LOCKS', soft: 33, hard: 44 }],
      };
      assert.equal((await execFile(bench, process)).stdout, 'NoNewPrivs:\t1\nMax file locks 33 44 locks \n');
    },
  },
  'has the container’s seccomp filter': {
    spec,
    must: 'A process that is added is confined as the container is.',
    check: async (bench) => {
      assert.match((await execFile(bench, status('Seccomp'))).stdout, /^Seccomp:\t2\n/);
    },
  },
  'is an error when the file is not one': {
    spec,
    must: 'A file that is not there, or does not describe a process, is an error.',
    check: async (bench) => {
      assert.notEqual((await execFile(bench, { args: [] })).code, 0);
      const container = await bench.start({ script: 'exec sleep 1000' });
      assert.notEqual((await container.exec(['--process', '/nowhere/process.json'], [])).code, 0);
    },
  },
} satisfies Property;
