/** The lab on the real kernel: whatever is done in it stays in it, it comes back as new, and it leaves nothing on the machine. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findLab, inventoryOf, labNames, resetLab, runInLab, startLab, stopLab, type Lab } from '../src/lab/lab.ts';
import { labProcesses } from '../src/lab/processes.ts';
import { needsRoot } from './support/needs.ts';

describe('the lab', { skip: needsRoot() }, () => {
  let directory: string;
  const name = `u${process.pid}`;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'hako-lab-test-'));
    Object.assign(process.env, { HAKO_RUN: join(directory, 'run'), HAKO_ROOT: join(directory, 'root'), HAKO_LAB: name });
  });
  after(async () => {
    for (const lab of labNames()) assert.deepEqual(await stopLab(lab), []);
    rmSync(directory, { recursive: true, force: true });
  });
  const sh = async (lab: Lab, lines: string, timeout = 60_000): Promise<string> => {
    const { stdout, stderr } = await runInLab(lab, ['sh', '-c', lines], { timeout });
    return stdout + stderr;
  };
  const limitOf = (lab: Lab, controller: string, file: string): number => {
    const { path } = lab.cgroups.find(({ controllers }) => controllers.includes(controller))!;
    return Number(readFileSync(join(path, file), 'utf8'));
  };
  const refusedForks = (lab: Lab): number => {
    const { path } = lab.cgroups.find(({ controllers }) => controllers.includes('pids'))!;
    return Number(/^max (\d+)/m.exec(readFileSync(join(path, 'pids.events'), 'utf8'))?.[1]);
  };
  const version = (lab: Lab, controller: string): 1 | 2 => lab.cgroups.find(({ controllers }) => controllers.includes(controller))!.version;

  test('has namespaces of its own of every kind but time, ids of its own, and ceilings', async () => {
    const lab = await startLab({ pids: 300, memory: 512 * 2 ** 20, size: 64 * 2 ** 20 });
    for (const kind of ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'user'])
      assert.notEqual(readlinkSync(`/proc/${lab.pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`), kind);
    assert.match(await sh(lab, 'id -u; hostname; cat /proc/sys/kernel/hostname'), new RegExp(`^0\n${name}\n${name}\n$`));
    assert.ok(lab.hostId > 100_000);
    assert.equal(labProcesses(lab.pid).find(({ pid }) => pid === lab.pid)?.uids[0], lab.hostId);
    assert.equal(limitOf(lab, 'pids', 'pids.max'), 300);
    assert.equal(limitOf(lab, 'memory', version(lab, 'memory') === 1 ? 'memory.limit_in_bytes' : 'memory.max'), 512 * 2 ** 20);
  });

  test('one that runs is not another one than was asked for, and none is made that could not live', async () => {
    const lab = await startLab();
    assert.equal((await startLab({ pids: 300 })).pid, lab.pid, 'what it has');
    for (const other of [{ pids: 301 }, { memory: 256 * 2 ** 20 }, { size: 2 ** 30 }, { realRoot: true }])
      await assert.rejects(startLab(other), /LabError: the lab "u\d+" runs with .*: stop it first/);
    for (const little of [{ pids: 0 }, { pids: -5 }, { memory: 1024 }, { size: 0 }])
      await assert.rejects(startLab({ name: 'little', ...little }), /LabError: a lab needs \d+ .* at least/);
    assert.deepEqual(labNames(), [name], 'nothing is left of what was refused');
  });

  test('any name will do, also that of what labs share', async () => {
    await startLab({ name: 'ids' });
    assert.deepEqual(await stopLab('ids'), []);
  });

  test('gives its root cgroups to divide, and not its own limits', async () => {
    const lab = await startLab();
    const [where] = (await sh(lab, 'ls -d /sys/fs/cgroup/pids 2>/dev/null || echo /sys/fs/cgroup')).split('\n');
    assert.equal(await sh(lab, `mkdir ${where}/mine && echo 5 > ${where}/mine/pids.max && cat ${where}/mine/pids.max && rmdir ${where}/mine`), '5\n');
    assert.match(await sh(lab, `echo 100000 > ${where}/pids.max`), /denied|not permitted|nonexistent|read-only/i);
  });

  test('holds a fork bomb, a full disk, and the loss of every file', async () => {
    const bombed = await startLab();
    await sh(bombed, 'timeout 2 bash -c ":(){ :|:& };:" 2>/dev/null; :');
    assert.ok(refusedForks(bombed) > 0, 'the limit was reached');
    // It goes on, and nothing may be started beside it; a reset needs nothing of the lab.
    const lab = await resetLab();
    assert.match(await sh(lab, 'head -c 200m /dev/zero > /root/full'), /No space left/);
    await sh(lab, 'rm -rf --no-preserve-root / 2>/dev/null; :');
    assert.ok(existsSync('/usr/bin/env'), "the machine's files are there");
    const anew = await resetLab();
    assert.notEqual(anew.pid, lab.pid);
    assert.equal(await sh(anew, 'cat /etc/hostname; ls /root'), `${name}\n`);
    assert.deepEqual(inventoryOf(anew), anew.inventory);
  });

  test('cannot reach the disk, the clock or the modules of the machine', async () => {
    const lab = await startLab();
    assert.match(await sh(lab, 'mknod /tmp/disk b 8 0'), /not permitted/);
    assert.match(await sh(lab, 'date -s 2001-01-01'), /not permitted/);
    assert.match(await sh(lab, 'echo b > /proc/sysrq-trigger'), /denied|not permitted|nonexistent/i);
    assert.match(await sh(lab, 'echo x > /usr/bin/hako-was-here'), /Read-only/);
  });

  test('is over when its first process is killed, and comes back by a reset', async () => {
    const lab = await startLab();
    process.kill(lab.pid, 'SIGKILL');
    for (let tries = 0; findLab() && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(findLab(), undefined);
    const anew = await resetLab();
    assert.equal(await sh(anew, 'echo alive'), 'alive\n');
  });

  test('two labs at once do not meet, and two starts of one make one', async () => {
    const [a, b, c] = await Promise.all([startLab(), startLab({ name: `${name}-b` }), startLab()]);
    assert.equal(a.pid, c.pid);
    assert.notEqual(a.hostId, b.hostId);
    await sh(a, 'setsid sleep 100000 >/dev/null 2>&1 &');
    assert.match(await sh(a, 'pgrep -fx "sleep 100000"'), /^\d+\n$/);
    assert.equal(await sh(b, 'pgrep -fx "sleep 100000"'), '');
    assert.deepEqual(await stopLab(b.name), []);
  });

  test('runs our own engine: a container with a limit and an address', { timeout: 120_000 }, async () => {
    const lab = await resetLab(undefined, { size: 2 ** 30, memory: 2 ** 30, pids: 1024 });
    const seen = await sh(
      lab,
      "hako run --rm --cpus 0.3 base sh -c 'id -u; ip -4 addr show eth0; cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null' 2>/dev/null; hako engine stop >/dev/null",
      100_000,
    );
    assert.match(seen, /^0\n[\s\S]*inet 172\.[\s\S]*^30000\b/m);
  });

  test('ends a program that takes too long or prints without end, and not only the one who waits for it', async () => {
    const lab = await startLab();
    const isRunning = (word: string): boolean => labProcesses(lab.pid).some(({ args }) => args.includes(word));
    assert.equal((await runInLab(lab, ['sleep', '98765'], { timeout: 300 })).code, 137);
    assert.ok(!isRunning('98765'));
    const { code, stdout } = await runInLab(lab, ['sh', '-c', 'yes word98766 | cat; :']);
    assert.equal(code, 137);
    assert.ok(stdout.startsWith('word98766\n') && stdout.length === 4 * 2 ** 20, String(stdout.length));
    assert.ok(!isRunning('word98766'));
  });

  test('without a user namespace: the nodes of a container, and no other device', async () => {
    const lab = await resetLab(undefined, { realRoot: true });
    assert.equal(readlinkSync(`/proc/${lab.pid}/ns/user`), readlinkSync('/proc/self/ns/user'));
    assert.match(await sh(lab, 'mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk'), /not permitted/);
    assert.match(await sh(lab, 'mknod /tmp/zero c 1 5 && head -c 1 /tmp/zero | od -An -tx1'), /00/);
    assert.match(await sh(lab, 'echo 1 > /proc/sys/kernel/printk'), /Read-only|denied/);
    assert.match(await sh(lab, 'mount -o remount,bind,rw /usr'), /denied|not permitted/i);
    assert.match(await sh(lab, 'mount -t proc proc /mnt'), /denied|not permitted/i);
    assert.match(await sh(lab, 'echo x > /usr/bin/hako-was-here'), /Read-only/);
  });

  test('leaves nothing', async () => {
    const lab = await resetLab(undefined, { realRoot: false });
    const cgroups = lab.cgroups.map(({ path }) => path);
    assert.ok(cgroups.every((path) => existsSync(path)));
    assert.deepEqual(await stopLab(), []);
    assert.deepEqual(
      cgroups.filter((path) => existsSync(path)),
      [],
    );
    assert.deepEqual(
      readdirSync(join(directory, 'run/labs')).filter((entry) => !entry.startsWith('.')),
      [],
    );
  });
});
