import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { ContainerBench, outcome, type Asked } from '../../test/support/container.ts';
import { cgroupDirectories, difference, mounts, processesOf } from '../../test/support/inventory.ts';
import { StepError, type Kernel } from '../step/apply.ts';
import { StartError } from './start-error.ts';

type MountPoint = NonNullable<Asked['mounts']>[number];
const bind = (Source: string, Destination: string): MountPoint => ({ Type: 'bind', Source, Destination, Mode: '', RW: true, Propagation: 'rprivate' });

const unable = process.getuid?.() !== 0 && 'needs root, to make namespaces';

describe('a container', { skip: unable }, () => {
  let bench: ContainerBench;
  before(async () => (bench = await new ContainerBench().prepare()));
  after(() => bench[Symbol.asyncDispose]());

  const descriptors = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, 'N')];
      } catch {
        return []; // the one of the reading itself
      }
    });

  /** What a start could leave behind: this process's descriptors, and what the kernel keeps for others. */
  const left = (): string[] => {
    const scope = { directory: bench.directory, cgroup: bench.cgroup.slice(1) };
    return [...descriptors(), ...cgroupDirectories(scope), ...mounts(scope), ...processesOf(scope).map(({ name }) => name)];
  };

  /** What is there, once the sockets of earlier containers are closed: that happens some turns of the event loop after they are told to. */
  const settled = async (): Promise<string[]> => {
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    return left();
  };

  test('has namespaces of its own, and those of the host that it was not to have', async () => {
    const types = ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup', 'user', 'time'];
    const of = async (hostConfig: object): Promise<string[]> => {
      const { stdout } = await bench.run({ command: ['readlink', ...types.map((type) => `/proc/self/ns/${type}`)], hostConfig });
      const links = stdout.trim().split('\n');
      assert.equal(links.length, types.length);
      return types.filter((type, i) => links[i] !== readlinkSync(`/proc/self/ns/${type}`));
    };
    assert.deepEqual(await of({}), ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup']);
    assert.deepEqual(await of({ NetworkMode: 'host', PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' }), ['mnt']);
    assert.deepEqual(await of({ UsernsMode: 'private' }), ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup', 'user']);
    assert.deepEqual(await of({ Annotations: { 'hakobune.time.boottime': '3600' } }), ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup', 'time']);
  });

  test('sees the mounts that its configuration says, and no other', async () => {
    const { stdout } = await bench.run({ command: ['cat', '/proc/self/mountinfo'] });
    // Mount point, mount options, optional fields (propagation), type: proc_pid_mountinfo(5).
    const seen = stdout
      .trim()
      .split('\n')
      .map((line) => {
        const [, at, options, optional, type] = /^\S+ \S+ \S+ \S+ (\S+) (\S+) (.*?)- (\S+)/.exec(line)!;
        return `${at} ${type} ${options}${optional ? ` ${optional.trim()}` : ''}`;
      });
    const safe = 'nosuid,nodev,noexec,relatime';
    const device = readFileSync('/proc/self/mountinfo', 'utf8').match(/^\S+ \S+ \S+ \/ \/ \S+ .*?- (\S+)/m)?.[1];
    const cgroups = seen.filter((line) => line.startsWith('/sys/fs/cgroup'));
    assert.deepEqual(
      seen.filter((line) => !cgroups.includes(line) && !/^\/(proc|sys)\/[^ ]+ /.test(line)).toSorted(),
      [
        '/ overlay rw,relatime',
        '/dev tmpfs rw,nosuid',
        `/dev/mqueue mqueue rw,${safe}`,
        '/dev/pts devpts rw,nosuid,noexec,relatime',
        `/dev/shm tmpfs rw,${safe}`,
        ...['hostname', 'hosts', 'resolv.conf'].map((name) => `/etc/${name} ${fileSystemOf(bench.directory) ?? device} rw,relatime`),
        `/proc proc rw,${safe}`,
        `/sys sysfs ro,${safe}`,
      ].toSorted(),
    );
    // Masked or read-only: each of Docker's lists that this kernel has.
    const masked = seen.filter((line) => /^\/(proc|sys)\/(?!fs\/cgroup)[^ ]+ /.test(line));
    const readOnly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys'];
    for (const path of readOnly) assert.ok(masked.includes(`${path} proc ro,${safe}`), `${path} is not read-only: ${masked.join('\n')}`);
    for (const line of masked) assert.match(line, / (proc|tmpfs|devtmpfs) ro,/);
    for (const line of cgroups) assert.match(line, / ro,nosuid,nodev,noexec,relatime$/);
  });

  test('is process 1, by its name, in its cgroup, with standard streams and no other descriptor', async () => {
    const { stdout, stderr, code } = await bench.run({
      command: ['sh', '-c', 'echo $$; hostname; cat /proc/self/cgroup | grep -vc ":/$"; ls /proc/1/fd; pwd; echo no >&2; exit 7'],
    });
    assert.deepEqual([stdout.split('\n'), stderr, code], [['1', 'bench', '0', '0', '1', '2', '/', ''], 'no\n', 7]);
    const started = await bench.start(bench.plan({ command: ['sleep', '100'] }));
    assert.ok(readFileSync(`/proc/${started.process.pid}/cgroup`, 'utf8').includes(bench.cgroup));
    started.process.signal(15); // process 1 has no handler for it
    started.process.signal(9);
    assert.deepEqual(await started.process.exited, { code: 137, signal: 9 });
    await bench.remove(started);
  });

  test('never appears in the mount table of the host', async () => {
    const before = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(bench.directory));
    const started = await bench.start(bench.plan({ command: ['sleep', '100'] }));
    const during = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(bench.directory));
    assert.deepEqual(during, before);
    await bench.remove(started);
  });

  test('in a user namespace is root over its own files and nobody to the host', async () => {
    const plan = bench.plan({
      command: ['sh', '-c', 'id -u; cat /proc/self/uid_map; stat -c %u /usr/bin /dev/null /etc; touch /made; stat -c %u /made'],
      hostConfig: { UsernsMode: 'private:200000:1000' },
    });
    const started = await bench.start(plan);
    const { stdout, stderr, code } = await outcome(started.process);
    await bench.remove(started);
    assert.deepEqual([stderr, code], ['', 0]);
    // The device node is the host's, whose root has no place in the map.
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().replaceAll(/ +/g, ' ')),
      ['0', '0 200000 1000', '0', '65534', '0', '0'],
    );
    assert.equal(statSync(join(plan.overlay.upper, 'made')).uid, 200000);
  });

  test('in a time namespace has been up for longer', async () => {
    const host = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    const { stdout } = await bench.run({ command: ['cat', '/proc/uptime'], hostConfig: { Annotations: { 'hakobune.time.boottime': '1000000' } } });
    assert.ok(Number(stdout.split(' ')[0]) >= host + 1_000_000);
  });

  test('sysctls, host name and limits of its process are in force', async () => {
    const { stdout } = await bench.run({
      command: ['sh', '-c', 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ulimit -n; cat /proc/self/oom_score_adj'],
      hostConfig: { Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '77' }, Ulimits: [{ Name: 'nofile', Soft: 99, Hard: 100 }], OomScoreAdj: 321 },
    });
    assert.deepEqual(stdout.trim().split('\n'), ['77', '99', '321']);
  });

  const nothingLeft = async (before: readonly string[], when: string): Promise<void> => {
    const more = (now: readonly string[]): string[] => difference(before, now).filter((line) => line.startsWith('+'));
    // Only descriptors are waited for: all else goes before the failure is told, and takes long to look for on a busy machine.
    for (let turn = 0; turn < 1000 && more(descriptors()).length > 0; turn++) await setImmediate();
    assert.deepEqual(more(left()), [], when);
  };

  describe('that cannot be started', () => {
    const failure = async (asked: Asked, kernel?: Kernel): Promise<unknown> => {
      const plan = bench.plan(asked);
      try {
        await bench.start(plan, kernel ? { kernel } : {});
      } catch (error) {
        return error;
      }
      return assert.fail('it was started');
    };

    test('says which step failed on what, when the engine fails', async () => {
      const before = await settled();
      const error = await failure({ command: ['true'], mounts: [bind('/does/not/exist', '/mnt')] });
      assert.ok(error instanceof StepError);
      assert.deepEqual([error.step, error.code], ['mount.source', 'ENOENT']);
      assert.match(error.message, /"\/does\/not\/exist"/);
      await nothingLeft(before, 'a failed start');
    });

    test('says which step failed on what, when the new process fails', async () => {
      const before = await settled();
      const error = await failure({ command: ['true'], hostConfig: { Tmpfs: { '/t': 'size=rubbish' } } });
      assert.ok(error instanceof StartError);
      assert.equal(error.code, 125);
      assert.match(
        error.message,
        /^mount tmpfs at \/t: fsconfig\(.*"size", "rubbish".*\) failed: .*\(EINVAL\): tmpfs: Bad value for 'size' \[step mount\.tmpfs\]$/,
      );
      await nothingLeft(before, 'a failed start');
    });

    test('says 127 for a program that there is not, 126 for one that cannot be run', async () => {
      const before = await settled();
      const missing = await failure({ command: ['no-such-program'] });
      assert.ok(missing instanceof StartError);
      assert.deepEqual([missing.code, missing.message.includes('"no-such-program": executable file not found in $PATH')], [127, true]);
      const refused = await failure({ command: ['/etc/passwd'] });
      assert.ok(refused instanceof StartError);
      assert.deepEqual([refused.code, refused.message.includes('EACCES')], [126, true]);
      await nothingLeft(before, 'a failed start');
    });
  });

  function fileSystemOf(path: string): string | undefined {
    const lines = readFileSync('/proc/self/mountinfo', 'utf8')
      .trim()
      .split('\n')
      .map((line) => /^\S+ \S+ \S+ \S+ (\S+) .*?- (\S+)/.exec(line)!);
    return lines.filter(([, at]) => at === '/' || `${path}/`.startsWith(`${at}/`)).toSorted((a, b) => b[1]!.length - a[1]!.length)[0]?.[2];
  }
});
