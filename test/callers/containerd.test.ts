/** containerd 1.6, its shim and ctr with hako-oci: what they do with it is what they do with runc. */
import { test } from 'node:test';
import { compare, type Expected } from '../support/callers/compare.ts';
import { containerdOn } from '../support/callers/containerd.ts';
import { onBench } from '../support/callers/on-bench.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const skip = firstOf(needsRoot(), needs('containerd', 'runc', 'script'));
const containerd = onBench(skip, containerdOn);

const same = (lines: readonly Expected[]): Promise<void> => compare(containerd(), lines);

test('run: output, input, exit status, errors', { skip }, () =>
  same([
    { line: "ctr run --rm $R $I $C sh -c 'echo out; echo err >&2; exit 3'", status: 3, stdout: 'out\n', stderr: /^err$/m },
    { line: 'ctr run --rm $R $I $C head -n 1', input: 'through the pipe\n', stdout: 'through the pipe\n' },
    { line: "ctr run --rm $R $I $C sh -c 'ls /proc/self/fd | wc -l'", stdout: '4\n' },
    { line: 'ctr run --rm $R $I $C nothere', status: 1, stderr: /OCI runtime create failed: .*nothere.*executable file not found in \$PATH/ },
    { line: 'ctr run --rm $R $I $C /etc/text', status: 1, stderr: /OCI runtime create failed: .*\/etc\/text.*permission denied/ },
    { line: 'ctr run --rm $R --cwd /made/here $I $C pwd', stdout: '/made/here\n' },
    { line: 'ctr tasks ls -q; ctr containers ls -q', stdout: '' },
    { line: 'ctr run --rm -t $R $I $C tty', tty: true, stdout: /\/dev\/pts\/0\r?\n/, varies: true },
    { line: 'ctr run --rm --null-io $R $I $C true' },
  ]),
);

test('a task: exec, ps, metrics, pause, kill, delete', { skip }, () =>
  same([
    { line: 'ctr run -d $R $I $C sleep 1000', stdout: '' },
    { line: 'ctr tasks ls | tr -s " " | cut -d" " -f1,3', stdout: /^c-[a-z-]+ RUNNING$/m },
    { line: "ctr tasks exec --exec-id e1 $C sh -c 'echo in; exit 4'", status: 4, stdout: 'in\n' },
    { line: "ctr tasks exec --exec-id e2 --user writer --cwd /tmp $C sh -c 'id -u; pwd'", stdout: '1000\n/tmp\n' },
    { line: 'ctr tasks exec --exec-id e3 $C head -n 1', input: 'to exec\n', stdout: 'to exec\n' },
    { line: 'ctr tasks exec --exec-id e4 -t $C tty', tty: true, stdout: /\/dev\/pts\/0\r?\n/, varies: true },
    { line: 'ctr tasks exec --exec-id e5 $C nothere', status: 1, stderr: /OCI runtime exec failed: .*nothere.*executable file not found in \$PATH/ },
    { line: 'ctr tasks exec --exec-id e6 $C /etc/text', status: 1, stderr: /OCI runtime exec failed: .*\/etc\/text.*permission denied/ },
    { line: 'ctr tasks exec -d --exec-id e7 $C sleep 1001 && eventually sh -c "[ $(ctr tasks ps $C | wc -l) = 3 ]"; ctr tasks ps $C | wc -l', stdout: '3\n' },
    {
      line: 'ctr tasks metrics $C | grep -oE "^(memory.usage_in_bytes|pids.current +2|cpuacct.usage )"',
      stdout: /memory\.usage_in_bytes[^]*pids\.current +2\n/,
    },
    { line: 'ctr tasks pause $C && ctr tasks ls | grep -o PAUSED && ctr tasks resume $C && ctr tasks ls | grep -o RUNNING', stdout: 'PAUSED\nRUNNING\n' },
    { line: 'ctr tasks kill -s TERM $C; ctr tasks kill -s KILL $C', stdout: '' },
    { line: 'eventually sh -c "ctr tasks ls | grep STOPPED"; ctr tasks ls | grep -o STOPPED', stdout: 'STOPPED\n' },
    { line: 'ctr tasks kill -s KILL $C', status: 1, stderr: /process already finished: not found/ },
    { line: 'ctr tasks delete $C; ctr containers delete $C', stderr: /137/ },
    { line: 'ctr tasks ls -q; ctr containers ls -q', stdout: '' },
  ]),
);

test('a signal to all; checkpoint is refused', { skip }, () =>
  same([
    { line: "ctr run -d $R $I $C sh -c 'sleep 1000 & sleep 1001'" },
    { line: 'ctr tasks kill -a -s KILL $C && eventually sh -c "ctr tasks ls | grep STOPPED" && ctr tasks rm -f $C && ctr containers rm $C' },
    { line: 'ctr run -d $R $I $C sleep 1000' },
    { line: 'ctr tasks checkpoint $C', status: 1, stderr: /\S/ },
    { line: 'ctr run -d $R $I $C sleep 1000', status: 1, stderr: /already exists/ },
    { line: 'ctr tasks rm -f $C && ctr containers rm $C' },
  ]),
);

test('options: limits, mounts, capabilities, seccomp, namespaces, devices', { skip }, () => {
  const cgroup = '/sys/fs/cgroup';
  const mounted = `--mount type=bind,src=${cgroup},dst=/cg,options=rbind:ro`;
  return same([
    {
      line: `ctr run -d $R --memory-limit 20000000 --cpus 0.5 ${mounted} $I $C sleep 1000 && ctr tasks exec --exec-id e1 $C sh -c 'cat /cg/memory/'$NAMESPACE/$C'/memory.limit_in_bytes /cg/cpu/'$NAMESPACE/$C'/cpu.cfs_quota_us'`,
      stdout: '19996672\n50000\n',
    },
    { line: 'ctr tasks rm -f $C && ctr containers rm $C' },
    { line: `ctr run --rm $R --mount type=bind,src=/etc,dst=/data,options=rbind:ro $I $C touch /data/new`, status: 1, stderr: /Read-only file system/ },
    { line: 'ctr run --rm $R --read-only $I $C touch /new', status: 1, stderr: /Read-only file system/ },
    { line: 'ctr run --rm $R --cap-add CAP_SYS_ADMIN $I $C grep -E "Cap|NoNewPrivs" /proc/self/status', stdout: /CapEff:\t0+a82425fb\n/ },
    { line: 'ctr run --rm $R --seccomp $I $C grep Seccomp: /proc/self/status', stdout: 'Seccomp:\t2\n' },
    { line: "ctr run --rm $R --env A=b --cwd /tmp $I $C sh -c 'id; echo $A; pwd'", stdout: /^uid=0\(root\) gid=0\(root\)[^]*b\n\/tmp\n$/ },
    { line: 'ctr run --rm $R --net-host $I $C readlink /proc/self/ns/net; readlink /proc/self/ns/net', stdout: /^(net:\S+)\n\1\n$/ },
    { line: "ctr run --rm $R --device /dev/fuse $I $C sh -c 'stat -c %t:%T:%F /dev/fuse'", stdout: 'a:e5:character special file\n' },
    { line: 'ctr run --rm $R --uidmap 0:100000:65536 --gidmap 0:100000:65536 $I $C cat /proc/self/uid_map', stdout: /^ +0 +100000 +65536\n$/ },
    { line: 'ctr run --rm $R $I $C sh -c \'cut -d" " -f5 /proc/self/mountinfo | sort\' | grep -v unified', stdout: /\/proc\/keys/ },
    { line: 'ctr run --rm $R --pid-file $DIR/pid-$RUNTIME $I $C true && grep -cE "^[0-9]+$" $DIR/pid-$RUNTIME', stdout: '1\n' },
  ]);
});
