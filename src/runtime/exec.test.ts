import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ContainerBench } from '../../test/support/container.ts';
import { StartError } from './start-error.ts';
import type { StartPlan, Started } from './start.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to make namespaces';

describe('exec', { skip: unable }, () => {
  let bench: ContainerBench;
  let plan: StartPlan;
  let started: Started;
  before(async () => {
    bench = await new ContainerBench().prepare();
    plan = bench.plan({ command: ['sleep', '1000'], hostConfig: { CapDrop: ['NET_RAW'] } });
    started = await bench.start(plan);
  });
  after(() => bench[Symbol.asyncDispose]());
  const exec = (...command: string[]): ReturnType<ContainerBench['exec']> => bench.exec(plan, started, command);

  test('joins every namespace and the cgroup of the container', async () => {
    const links = ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup', 'user', 'time'].map((type) => `/ns/${type}`);
    const { stdout } = await exec('readlink', ...links.map((link) => `/proc/self${link}`));
    assert.deepEqual(
      stdout.trim().split('\n'),
      links.map((link) => readlinkSync(`/proc/${started.process.pid}${link}`)),
    );
    const { stdout: cgroup } = await exec('cat', '/proc/self/cgroup');
    assert.equal(cgroup, (await exec('cat', '/proc/1/cgroup')).stdout);
  });

  test('is confined as the container is', async () => {
    const confinement = (status: string): string[] => status.split('\n').filter((line) => /^(Cap|Seccomp:|NoNewPrivs|Groups|Uid|Gid)/.test(line));
    const { stdout } = await exec('cat', '/proc/self/status');
    assert.deepEqual(confinement(stdout), confinement(readFileSync(`/proc/${started.process.pid}/status`, 'utf8')));
    assert.match(stdout, /^CapInh:\t0+$/m);
    assert.match(stdout, /^Seccomp:\t2$/m);
  });

  test('has standard streams and no other descriptor, and gives its exit status', async () => {
    assert.deepEqual(await exec('sh', '-c', 'ls /proc/$$/fd; echo e >&2; exit 9'), { code: 9, stdout: '0\n1\n2\n', stderr: 'e\n' });
    assert.deepEqual(await exec('sh', '-c', 'kill -9 $$'), { code: 137, signal: 9, stdout: '', stderr: '' });
  });

  test('has a terminal of the container, which is its controlling one', async () => {
    const { stdout } = await bench.exec(plan, started, ['sh', '-c', 'tty; echo $(ps -o tty= -p $$); echo size $(stty size) > /dev/tty'], true);
    assert.match(stdout, /^\/dev\/pts\/\d+\r\npts\/\d+\r\nsize \d+ \d+\r\n$/);
  });

  test('says 127 for a program that there is not', async () => {
    await assert.rejects(exec('no-such-program'), (error) => error instanceof StartError && error.code === 127);
  });
});
