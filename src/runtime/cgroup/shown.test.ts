/** What the kernel shows of what is written: texts as Linux 6.18 has them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { pageSize } from '../../kernel/page-size.ts';
import { shows } from './shown.ts';

const page = pageSize();
const cases: readonly (readonly [file: string, value: string, yes: readonly string[], no: readonly string[]])[] = [
  ['memory.limit_in_bytes', String(100 * page + 1), [String(100 * page)], [String(99 * page), String(101 * page), 'max']],
  ['memory.memsw.limit_in_bytes', '-1', ['9223372036854771712'], ['0', '4096']],
  ['memory.max', 'max', ['max'], ['0']],
  ['memory.swap.max', '0', ['0'], ['max', String(page)]],
  ['memory.swappiness', '10', ['10'], ['100', '60']],
  ['memory.oom_control', '1', ['oom_kill_disable 1\nunder_oom 0\noom_kill 0'], ['oom_kill_disable 0\nunder_oom 1\noom_kill 1']],
  ['memory.oom.group', '1', ['1'], ['0']],
  ['hugetlb.2MB.limit_in_bytes', '5000000', ['4194304'], ['5000000000', '6291456']],
  ['hugetlb.1GB.rsvd.max', '1', ['0'], ['1073741824', 'max']],
  ['cpuset.cpus', '0,1', ['0-1'], ['0', '0-2', '']],
  ['cpuset.mems', '0-1,3', ['0-1,3'], ['0-3']],
  ['cpu.max', 'max 50000', ['max 50000'], ['max 100000']],
  ['cpu.weight', '100', ['100'], ['1000']],
  ['pids.max', 'max', ['max'], ['0']],
  ['cgroup.procs', '7', ['5\n7\n8'], ['77']],
  ['blkio.throttle.read_bps_device', '8:0 1000', ['8:0 1000', '8:16 5\n8:0 1000'], ['', '8:0 10000', '8:16 1000']],
  ['blkio.throttle.read_bps_device', '8:0 0', ['', '8:16 5'], ['8:0 1000']],
  ['blkio.bfq.weight', '200', ['200'], ['100']],
  ['io.weight', '200', ['default 200\n8:0 300'], ['default 100\n8:0 200']],
  ['io.weight', '8:0 200', ['default 100\n8:0 200'], ['default 200']],
  ['io.max', '8:0 rbps=1000', ['8:0 rbps=1000 wbps=max riops=max wiops=max'], ['', '8:0 rbps=10000 wbps=max riops=max wiops=max']],
  ['io.max', '8:0 wiops=max', ['', '8:0 rbps=5 wbps=max riops=max wiops=max'], ['8:0 rbps=5 wbps=max riops=max wiops=5']],
];
for (const [file, value, yes, no] of cases)
  test(`${file} shows ${value}`, () => {
    assert.deepEqual(
      yes.filter((text) => !shows(file, value, text)),
      [],
    );
    assert.deepEqual(
      no.filter((text) => shows(file, value, text)),
      [],
    );
  });
