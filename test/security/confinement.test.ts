/** What a program in a container may do: capabilities, system calls, paths of the kernel, devices, control groups. By run and by exec. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { needsRoot } from '../support/needs.ts';
import { field, inside, needsPerl, ways, withPerl } from './inside.ts';

/** Docker's default set. */
const defaultCapabilities = '00000000a80425fb';
const status = ['cat', '/proc/self/status'] as const;

/** System calls that the default filter refuses to who has no capability for them, with numbers on x64 and arm64. */
const refusedCalls = {
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  unshare: [272, 97],
  setns: [308, 268],
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  open_by_handle_at: [304, 265],
  kexec_load: [246, 104],
  init_module: [175, 105],
  delete_module: [176, 106],
  swapon: [167, 224],
  reboot: [169, 142],
  acct: [163, 89],
  settimeofday: [164, 170],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  open_tree: [428, 428],
  fsopen: [430, 430],
} as const;

/** Makes each call with zeroes for arguments, which do no harm even where it is let, and prints its name and errno. */
function tryCalls(): string {
  const column = process.arch === 'arm64' ? 1 : 0;
  const calls = Object.entries(refusedCalls).map(([name, numbers]) => `${name}=>${numbers[column]}`);
  return `my %n = (${calls.join(',')}); for (sort keys %n) { $! = 0; syscall($n{$_}, 0, 0, 0, 0, 0); print "$_ ", $!+0, "\\n" }`;
}

describe('a program in a container', { skip: needsRoot() }, () => {
  let engine: TestEngine;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
  });
  after(() => engine?.close());

  for (const way of ways) {
    describe(`by ${way}`, () => {
      const run = async (place: Parameters<typeof inside>[2], ...command: readonly string[]): Promise<string> => {
        const { stdout, stderr } = await inside(engine, way, place, ...command);
        return stdout + stderr;
      };

      test('has the default capabilities, none of them inheritable or ambient', async () => {
        const text = await run({}, ...status);
        assert.deepEqual(
          ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => field(text, name)),
          ['0000000000000000', defaultCapabilities, defaultCapabilities, defaultCapabilities, '0000000000000000'],
        );
      });

      test('holds no capability as another user, and gains those of the bounding set at most', async () => {
        const text = await run({ program: ['--user', '1000:1000'], container: ['--cap-add', 'SYS_TIME', '--cap-drop', 'CHOWN'] }, ...status);
        assert.deepEqual(
          ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => field(text, name)),
          ['0000000000000000', '0000000000000000', '0000000000000000', '00000000aa0425fa', '0000000000000000'],
        );
      });

      test('is under the system call filter', { skip: needsPerl() }, async () => {
        const text = await run({ container: withPerl }, 'perl', '-e', tryCalls());
        const EPERM = 1;
        assert.equal(
          text,
          Object.keys(refusedCalls)
            .toSorted()
            .map((name) => `${name} ${EPERM}\n`)
            .join(''),
        );
        assert.equal(field(await run({}, ...status), 'Seccomp'), '2');
      });

      test('makes no namespace, and so no mount of its own', async () => {
        assert.match(await run({}, 'unshare', '-UrmC', 'sh', '-c', 'mount -t tmpfs none /mnt && echo mounted'), /unshare failed: Operation not permitted/);
      });

      test('keeps no_new_privs where it is asked for, and only there', async () => {
        assert.equal(field(await run({ container: ['--security-opt', 'no-new-privileges'] }, ...status), 'NoNewPrivs'), '1');
        assert.equal(field(await run({}, ...status), 'NoNewPrivs'), '0');
      });

      test('cannot read what is masked', async () => {
        const script =
          'for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/sched_debug /proc/latency_stats; do [ ! -e $f ] || wc -c < $f; done; ' +
          'for d in /sys/firmware /proc/acpi /proc/scsi /sys/devices/virtual/powercap; do [ ! -e $d ] || ls -A $d | wc -l; done';
        const counts = (await run({}, 'sh', '-c', script)).trim().split('\n');
        assert.ok(counts.length >= 3, 'this kernel has some of them');
        assert.deepEqual(new Set(counts), new Set(['0']));
      });

      test('cannot write to what is read-only of the kernel', async () => {
        const paths = [
          '/proc/sys/kernel/core_pattern',
          '/proc/sys/vm/drop_caches',
          '/proc/sys/net/ipv4/ip_forward',
          '/proc/sysrq-trigger',
          '/proc/irq/default_smp_affinity',
          '/sys/kernel/uevent_helper',
          '/sys/kernel/mm/ksm/run',
        ];
        const script = 'for f; do [ -e $f ] && (echo "" >> $f) 2>&1; done; true';
        const lines = (await run({}, 'sh', '-c', script, 'sh', ...paths)).trim().split('\n');
        assert.ok(lines.length >= 4);
        for (const line of lines) assert.match(line, /Read-only file system/);
      });

      test('cannot write to control groups, nor mount them anew', async () => {
        const script =
          'find /sys/fs/cgroup -type f -name "*.procs" -o -name release_agent -o -name "*limit_in_bytes" -o -name "*.max" | while read f; do (echo 0 > $f) 2>&1; done; ' +
          'mkdir /tmp/c; mount -t cgroup -o memory none /tmp/c 2>&1; mount -t cgroup2 none /tmp/c 2>&1; mount -o remount,rw /sys/fs/cgroup 2>&1; ls /tmp/c';
        const lines = (await run({}, 'sh', '-c', script))
          .trim()
          .split('\n')
          .filter((line) => !line.includes('dmesg(1)'));
        assert.ok(lines.length >= 4);
        for (const line of lines) assert.match(line, /Read-only file system|permission denied|must be superuser/i);
      });

      test('finds no release_agent, even where it may mount', async () => {
        // With CAP_SYS_ADMIN it may mount its control group; the root of the hierarchy, which has the file, is outside (CVE-2022-0492).
        const script =
          'mkdir /tmp/c; for c in memory cpu rdma; do mount -t cgroup -o $c none /tmp/c 2>/dev/null && { ls /tmp/c | grep release_agent; umount /tmp/c; }; done; find /sys/fs/cgroup -name release_agent; echo done';
        const again = `unshare -UrmC sh -c '${script.replaceAll('mkdir /tmp/c; ', '')}'`;
        assert.equal(await run({ container: ['--cap-add', 'SYS_ADMIN'] }, 'sh', '-c', `${script}; ${again}`), 'done\ndone\n');
      });

      test('opens no device of the host', async () => {
        const script =
          'mknod /tmp/disk b 254 0 && mknod /tmp/mem c 1 1 && mknod /tmp/null c 1 3; for d in /tmp/disk /tmp/mem /tmp/null; do (head -c1 $d >/dev/null) 2>&1 && echo $d; done';
        assert.match(await run({}, 'sh', '-c', script), /disk.*Operation not permitted\n.*mem.*Operation not permitted\n\/tmp\/null\n$/);
      });

      test('cannot write to a read-only root, but to what is mounted in it', async () => {
        const script = '(touch /file) 2>&1; (mkdir /etc/d) 2>&1; touch /dev/shm/a /cache/a && echo written';
        const text = await run({ container: ['--read-only', '--tmpfs', '/cache'] }, 'sh', '-c', script);
        assert.match(text, /file.*Read-only file system\n.*d.*Read-only file system\nwritten\n$/);
      });

      test('has in its supplementary groups those that were asked for, exactly', async () => {
        const groups = async (...args: readonly string[]): Promise<string | undefined> =>
          field(
            await run(
              { container: args.includes('--group-add') ? args.slice(0, 2) : [], program: args.includes('--group-add') ? args.slice(2) : args },
              ...status,
            ),
            'Groups',
          );
        assert.equal(await groups(), '0');
        assert.equal(await groups('--user', '1000:2000'), '2000');
        assert.equal(await groups('--group-add', '3000', '--user', '1000:2000'), '2000 3000');
      });
    });
  }

  test('a privileged container has everything, and says so by what it has', async () => {
    const { stdout } = await inside(
      engine,
      'run',
      { container: ['--privileged'] },
      'sh',
      '-c',
      'cat /proc/self/status; [ -w /proc/sys/kernel/core_pattern ] && echo writable; ls /dev | wc -l',
    );
    assert.equal(field(stdout, 'Seccomp'), '0');
    assert.equal(field(stdout, 'CapInh'), '0000000000000000');
    const effective = BigInt(`0x${field(stdout, 'CapEff')}`);
    const admin = 1n << 21n;
    assert.notEqual(effective & admin, 0n);
    assert.match(stdout, /writable/);
    assert.ok(Number(stdout.trim().split('\n').at(-1)) > 20, 'the devices of the host');
  });

  test('an exec is privileged only by being asked to, and is not by default in a container that is not', async () => {
    const { stdout } = await inside(engine, 'exec', { program: ['--privileged'] }, ...status);
    assert.equal(field(stdout, 'Seccomp'), '0');
    assert.notEqual(field(stdout, 'CapEff'), defaultCapabilities);
  });

  test('capabilities that were dropped are dropped in run and exec', async () => {
    for (const way of ways)
      assert.equal(
        field((await inside(engine, way, { container: ['--cap-drop', 'ALL', '--cap-add', 'NET_BIND_SERVICE'] }, ...status)).stdout, 'CapBnd'),
        '0000000000000400',
      );
  });

  test('a filter of one’s own holds in run and exec', async () => {
    const profile = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }] });
    const path = `${engine.directory}/profile.json`;
    writeFileSync(path, profile);
    for (const way of ways)
      assert.match((await inside(engine, way, { container: ['--security-opt', `seccomp=${path}`] }, 'mkdir', '/d')).stderr, /No space left/);
  });
});
