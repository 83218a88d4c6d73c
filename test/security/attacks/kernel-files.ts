/** Attacks on files of the kernel: what is masked, read-only, or written by us for a container. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { TarEntry } from '../../support/tar.ts';
import { byExec, byRun, type Attack } from '../attack.ts';
import { attempt, HostDirectory } from '../targets.ts';

const link = (name: string, linkname: string): TarEntry => ({ name, type: '2', linkname });
const directory = (name: string): TarEntry => ({ name, type: '5' });

const pattern = '/proc/sys/kernel/core_pattern';

/** Paths that are masked, as those of the kernels that have them. */
const masked =
  'for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/sched_debug /proc/latency_stats; do [ ! -e $f ] || wc -c < $f; done; ' +
  'for d in /sys/firmware /proc/acpi /proc/scsi /sys/devices/virtual/powercap; do [ ! -e $d ] || ls -A $d | wc -l; done';

const writes = `for f in ${pattern} /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/irq/default_smp_affinity /sys/kernel/uevent_helper /sys/kernel/mm/ksm/run; do
  [ ! -e $f ] || (echo "" >> $f) 2>&1; done; mount -o remount,rw /proc/sys 2>&1; umount /proc/sys 2>&1; true`;

export const kernelFiles: readonly Attack[] = [
  {
    row: 'masks',
    name: 'reading what is masked, and writing to core_pattern, sysrq-trigger and others',
    attack: async (target) => {
      const before = readFileSync(pattern, 'utf8');
      await using session = await target.open({});
      const counts = (await session.run({}, 'sh', '-c', masked)).stdout.trim().split('\n');
      assert.ok(counts.length >= 3, 'this kernel has some of them');
      assert.deepEqual(new Set(counts), new Set(['0']));
      const { stdout } = await session.run({}, 'sh', '-c', writes);
      const lines = stdout
        .trim()
        .split('\n')
        .filter((line) => !line.includes('dmesg(1)'));
      assert.ok(lines.length >= 5, stdout);
      for (const line of lines) assert.match(line, /Read-only file system|permission denied|must be superuser|not permitted/i);
      assert.equal(readFileSync(pattern, 'utf8'), before);
    },
  },
  {
    row: 'null-device',
    name: 'an image whose /dev/null is a link to core_pattern',
    attack: async (target) => {
      const image = [directory('dev/'), link('dev/null', pattern)];
      const { stdout } = await attempt(
        target,
        { image },
        {},
        'sh',
        '-c',
        'stat -c "%F %t %T" /dev/null /proc/keys; wc -c < /proc/keys; (echo x >/proc/keys) 2>&1',
      );
      assert.match(stdout, /^character special file 1 3\ncharacter special file 1 3\n0\n/);
    },
  },
  {
    row: 'console',
    name: "an image with links under /dev/pts and in the place of /dev/console: to core_pattern, and to the host's",
    attack: async (target) => {
      using host = new HostDirectory();
      const image = [
        directory('dev/pts/'),
        link('dev/pts/0', pattern),
        link('dev/pts/ptmx', `${host.path}/secret`),
        link('dev/ptmx', `${host.path}/secret`),
        link('dev/console', `${host.path}/made`),
      ];
      const { stdout } = await attempt(
        target,
        { image },
        { terminal: true },
        'sh',
        '-c',
        'stat -f -c %T /dev/pts/0; tty; [ ! -e /dev/console ] || stat -f -c %T /dev/console',
      );
      assert.match(stdout.replaceAll('\r', ''), /^devpts\n\/dev\/pts\/\d+\n(devpts\n)?$/);
      host.unchanged();
    },
  },
  {
    row: 'console',
    name: 'a container that has put something else where its terminals are opened',
    by: byExec,
    attack: async (target) => {
      for (const script of [
        'umount /dev/pts; ln -s /proc/1/fd/1 /dev/pts/ptmx',
        'umount /dev/pts; ln -s ../null /dev/pts/ptmx',
        'umount /dev/pts; mkfifo /dev/pts/ptmx',
        'umount /dev/pts; mkdir /dev/pts/ptmx',
      ]) {
        await using session = await target.open({ capabilities: ['SYS_ADMIN'] });
        assert.equal((await session.run({}, 'sh', '-c', script)).code, 0);
        const { code, stderr } = await session.run({ terminal: true }, 'true');
        assert.notEqual(code, 0, script);
        assert.match(stderr, /ptmx|terminal/, script);
      }
    },
  },
  {
    row: 'procfs',
    name: "an image whose /proc is a link to a directory of the host's",
    attack: async (target) => {
      using host = new HostDirectory({ 'sys/kernel/msgmax': 'untouched', 'self/oom_score_adj': 'untouched', 'self/attr/exec': 'untouched' });
      const image = [link('proc', host.path)];
      // It may be refused, or find a procfs there: never the directory.
      const { stdout } = await attempt(
        target,
        { image, sysctl: { 'kernel.msgmax': '9000' }, oomScoreAdj: 100 },
        {},
        'sh',
        '-c',
        'stat -f -c %T /proc; cat /proc/sys/kernel/msgmax',
      );
      assert.match(stdout, /^(proc\n9000\n)?$/);
      host.unchanged();
    },
  },
  {
    row: 'procfs',
    name: 'a volume that a link of the image leads into /proc',
    attack: async (target) => {
      using host = new HostDirectory({ msgmax: 'untouched', 'kernel/msgmax': 'untouched' });
      for (const [place, to] of [
        ['way', '/proc/sys'],
        ['way', '/proc/self'],
        ['way', 'proc/sys/kernel'],
      ] as const) {
        const image = [link(place, to)];
        const { code, stdout } = await attempt(
          target,
          { image, volumes: [[host.path, `/${place}`]], sysctl: { 'kernel.msgmax': '9000' } },
          {},
          'cat',
          '/proc/sys/kernel/msgmax',
        );
        if (code === 0) assert.equal(stdout, '9000\n', `${place} → ${to}`);
        host.unchanged();
      }
    },
  },
  {
    row: 'sysctls',
    name: 'keys that are not those of a namespace, and ways around their names',
    by: byRun,
    attack: async (target) => {
      const before = readFileSync(pattern, 'utf8');
      for (const [key, value] of [
        ['kernel.core_pattern', '|/bin/sh'],
        ['vm.drop_caches', '1'],
        ['net.ipv4/../../kernel/core_pattern', 'x'],
        ['net.../kernel.core_pattern', 'x'],
        ['kernel/core_pattern', 'x'],
        ['fs.file-max', '1'],
        ['fs.mqueue./../file-max', '1'],
        ['kernel.sem\n', '1'],
      ] as const) {
        const { code, stderr } = await attempt(target, { sysctl: { [key]: value } }, {}, 'true');
        assert.notEqual(code, 0, key);
        assert.match(stderr, /sysctl/, key);
      }
      for (const [asked, key] of [[{ hostNetwork: true }, 'net.ipv4.ip_forward']] as const) {
        const { code, stderr } = await attempt(target, { ...asked, sysctl: { [key]: '1' } }, {}, 'true');
        assert.notEqual(code, 0, key);
        assert.match(stderr, /sysctl/, key);
      }
      assert.equal(readFileSync(pattern, 'utf8'), before);
    },
  },
];
