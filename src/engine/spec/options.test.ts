/** Options of a container as the kernel shows them from inside. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ContainerCreateBody } from '../../api/schema.ts';
import { openEngine, unable, type EngineFixture } from '../engine-fixture.ts';

let fixture: EngineFixture;
if (!unable) {
  before(async () => {
    fixture = await openEngine();
  });
  after(() => fixture.close());
}

/** What a shell script prints in a container with these options. */
async function printed(script: string, body: ContainerCreateBody = {}): Promise<string> {
  const id = await fixture.script(script, body);
  const { output } = await fixture.engine.containers.logs(id, { stdout: true, stderr: true, follow: false, timestamps: false });
  let text = '';
  for await (const { data } of output) text += Buffer.from(data).toString();
  return text.trim();
}

test('environment: each name once, a bare one not at all', { skip: unable }, async () => {
  const text = await printed('tr "\\0" "\\n" < /proc/1/environ', { Env: ['A=1', 'A=2', 'HOSTNAME'] });
  assert.match(text, /^A=2$/m);
  assert.doesNotMatch(text, /A=1|HOSTNAME/);
});

test('an unlimited rlimit is one, and the OOM score is set even in a user namespace', { skip: unable }, async () => {
  const body = (UsernsMode: string): ContainerCreateBody => ({
    HostConfig: {
      UsernsMode,
      OomScoreAdj: 300,
      Ulimits: [
        { Name: 'core', Soft: -1, Hard: -1 },
        { Name: 'nofile', Soft: 64, Hard: 128 },
      ],
    },
  });
  for (const mode of ['', 'private']) assert.equal(await printed('ulimit -c; ulimit -n; cat /proc/self/oom_score_adj', body(mode)), 'unlimited\n64\n300', mode);
});

test('a read-only root has read-only names, and a read-only bind is so to the last mount beneath it', { skip: unable }, async (t) => {
  const source = mkdtempSync(join(tmpdir(), 'hako-options-'));
  t.after(() => rmSync(source, { recursive: true }));
  writeFileSync(join(source, 'file'), 'text');
  const text = await printed('for f in /x /etc/hosts /m/file; do touch $f 2>/dev/null && echo $f is writable; done; cat /m/file', {
    HostConfig: { ReadonlyRootfs: true, Binds: [`${source}:/m:ro`] },
  });
  assert.equal(text, 'text');
  // The host's /sys has mounts beneath it.
  const options = await printed('grep -E " /m(/| )" /proc/self/mountinfo | cut -d" " -f6', { HostConfig: { Binds: ['/sys:/m:ro'] } });
  assert.deepEqual(
    options.split('\n').filter((line) => !line.split(',').includes('ro')),
    [],
  );
  assert.ok(options.split('\n').length > 1, options);
});

test('cgroups are read-only, of the container alone or of the whole machine; writable for a privileged container', { skip: unable }, async () => {
  const attempt = 'for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir $d/made 2>/dev/null && rmdir $d/made && echo $d; done; tail -1 /proc/self/cgroup';
  assert.equal(await printed(attempt), '0::/');
  assert.match(await printed(attempt, { HostConfig: { CgroupnsMode: 'host' } }), /^0::\/hako-test-\S+$/);
  const privileged = await printed(attempt, { HostConfig: { Privileged: true } });
  assert.match(privileged, /\/sys\/fs\/cgroup\S*\n(.*\n)*0::\/$/);
});

test('the names of the host are told where they are shared', { skip: unable }, async () => {
  const names = 'hostname; echo $HOSTNAME; cat /etc/hostname';
  for (const HostConfig of [{ UTSMode: 'host' }, { NetworkMode: 'host' }])
    assert.equal(await printed(names, { HostConfig }), Array(3).fill(hostname()).join('\n'));
  assert.equal(await printed(names, { Hostname: 'web' }), 'web\nweb\nweb');
});

test('with no IPC there is no shared memory', { skip: unable }, async () => {
  assert.equal(await printed('ls -d /dev/shm 2>/dev/null; echo end', { HostConfig: { IpcMode: 'none' } }), 'end');
});

test('a device of the host goes by the name it is given, in a user namespace too', { skip: unable }, async () => {
  for (const UsernsMode of ['', 'private']) {
    const Devices = [{ PathOnHost: '/dev/zero', PathInContainer: '/dev/deep/zeros' }];
    assert.equal(
      await printed('head -c 3 /dev/deep/zeros | od -An -tx1; stat -c %t:%T /dev/deep/zeros', { HostConfig: { UsernsMode, Devices } }),
      '00 00 00\n1:5',
    );
  }
});

test('limits stand in the files of the cgroup, and an update is checked as they were', { skip: unable }, async () => {
  const id = await fixture.run({ HostConfig: { PidsLimit: 50 } });
  await assert.rejects(fixture.engine.containers.update(id, { Memory: 1 }), /Minimum memory limit allowed is 6MB/);
  assert.match(
    await printed('cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max', { HostConfig: { Memory: 64 << 20 } }),
    /^67108864$/,
  );
});

test('a request that is refused leaves neither volume nor directory nor container', { skip: unable }, async () => {
  const { engine, directory } = fixture;
  const source = join(directory, 'source');
  mkdirSync(source);
  const before = [await engine.volumes.list({}), await engine.containers.list({ all: true, size: false, filters: {} })].map((list) => list.length);
  await assert.rejects(
    engine.containers.create({ Image: 'base', Cmd: ['true'], HostConfig: { Binds: ['first:/a', `${source}/new:/b`, 'second:/a'] } }),
    /Duplicate mount point: \/a/,
  );
  assert.deepEqual(
    [await engine.volumes.list({}), await engine.containers.list({ all: true, size: false, filters: {} })].map((list) => list.length),
    before,
  );
});
