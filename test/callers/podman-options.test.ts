/**
 * The options of podman run with hako-oci: what they ask for is in the kernel, as it is with runc. On a hybrid machine hako-oci shows a
 * container its v2 cgroup, too, which runc leaves out; that is not compared.
 */
import { test } from 'node:test';
import { compare, type Expected } from '../support/callers/compare.ts';
import { podmanOn } from '../support/callers/podman.ts';
import { onBench } from '../support/callers/on-bench.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const skip = firstOf(needsRoot(), needs('podman', 'conmon', 'runc'));
// As with a runtime of which podman knows that it writes JSON: other ways of an error.
const podman = onBench(skip, (bench) => podmanOn(bench, true));

const same = (lines: readonly Expected[]): Promise<void> => compare(podman(), lines);

test('errors arrive as JSON in the log that podman names', { skip }, () =>
  same([
    {
      line: '$R $I nothere',
      status: 127,
      stderr: /^Error: [a-z-]+: .*nothere.*executable file not found in \$PATH.*: OCI runtime attempted to invoke a command that was not found\n$/,
    },
    { line: '$R $I /etc/text', status: 126, stderr: /^Error: [a-z-]+: .*\/etc\/text.*permission denied.*: OCI permission denied\n$/ },
    { line: 'podman run -d --name $C $N $I sleep 1000' },
    { line: 'podman exec $C nothere', status: 127, stderr: /^Error: [a-z-]+: .*nothere.*executable file not found/ },
    { line: 'podman exec $C /etc/text', status: 126, stderr: /^Error: [a-z-]+: .*permission denied/ },
    { line: 'podman rm -f -t 0 $C' },
  ]),
);

test('namespaces: of the host, of another container, of users', { skip }, () =>
  same([
    { line: '$R --pid=host $I readlink /proc/self/ns/pid; readlink /proc/self/ns/pid', stdout: /^(pid:\S+)\n\1\n$/ },
    { line: 'podman run --rm --network=host $P $I readlink /proc/self/ns/net; readlink /proc/self/ns/net', stdout: /^(net:\S+)\n\1\n$/ },
    {
      line: '$R --uts=host --ipc=host $I readlink /proc/self/ns/uts /proc/self/ns/ipc; readlink /proc/self/ns/uts /proc/self/ns/ipc',
      stdout: /^(uts:\S+\nipc:\S+\n)\1$/,
    },
    { line: '$R --hostname somewhere $I hostname', stdout: 'somewhere\n' },
    { line: '$R --cgroupns=private $I cat /proc/self/cgroup', stdout: /:pids:\/\n/ },
    { line: '$R --cgroupns=host $I cat /proc/self/cgroup', stdout: /:pids:\/hako-test-callers-\d+\/libpod-/ },
    { line: 'podman run -d --name $C $N $I sleep 1000 && $R --pid=container:$C --ipc=container:$C $I ps -eo comm', stdout: /\nCOMMAND\nsleep\nps\n$/ },
    { line: 'podman rm -f -t 0 $C' },
    {
      line: "$R --uidmap 0:100000:65536 $I sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u; touch /new; stat -c %u /new'",
      stdout: /^ +0 +100000 +65536\n +0 +100000 +65536\n0\n0\n$/,
    },
    { line: '$R --uidmap 0:100000:65536 --user writer $I id', stdout: 'uid=1000(writer) gid=1000(writers) groups=1000(writers),1001(readers)\n' },
    { line: '$R --userns=auto $I cat /proc/self/uid_map', stdout: /^ +0 +2147483647 +\d+\n$/ },
    { line: '$R --userns=keep-id $I cat /proc/self/uid_map', status: 125 },
  ]),
);

test('capabilities, no_new_privs, seccomp', { skip }, () =>
  same([
    { line: '$R $I grep -E "Cap|NoNewPrivs|Seccomp:" /proc/self/status', stdout: /CapEff:\t0+a8[^]*NoNewPrivs:\t0\nSeccomp:\t2\n/ },
    { line: '$R --cap-add SYS_ADMIN --cap-drop chown $I grep Cap /proc/self/status', stdout: /CapEff/ },
    { line: '$R --cap-drop all $I grep Cap /proc/self/status', stdout: /CapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0+\n/ },
    { line: '$R --user writer --cap-add net_raw $I grep Cap /proc/self/status', stdout: /CapEff:\t0+2000\n/ },
    { line: '$R --privileged $I grep -E "Cap|Seccomp:" /proc/self/status', stdout: /CapEff:\t0+1f[0-9a-f]+\n[^]*Seccomp:\t0\n/ },
    {
      line: '$R --privileged $I sh -c \'mount -t tmpfs x /mnt && ls -l /dev/null /dev/loop0 | cut -c1-10; ls /dev | grep -vE "loop|core" | sort\'',
      stdout: /^brw-.*\ncrw-rw-rw-\n/,
    },
    { line: '$R --security-opt no-new-privileges $I grep NoNewPrivs /proc/self/status', stdout: 'NoNewPrivs:\t1\n' },
    { line: '$R --security-opt seccomp=unconfined $I grep -E "Seccomp:" /proc/self/status', stdout: 'Seccomp:\t0\n' },
    {
      line: `echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' >$DIR/seccomp.json; $R --security-opt seccomp=$DIR/seccomp.json $I mkdir /new`,
      status: 1,
      stderr: /Operation not supported/,
    },
  ]),
);

test('mounts: read-only, tmpfs, binds, volumes, devices', { skip }, () =>
  same([
    { line: "$R --read-only $I sh -c 'touch /new'", status: 1, stderr: /Read-only file system/ },
    { line: "$R --read-only $I sh -c 'touch /tmp/new /run/new && ls /tmp'", stdout: 'new\n' },
    { line: "$R --tmpfs /t:size=1m,mode=700 $I sh -c 'touch /t/new && df -k /t | tail -1; stat -c %a /t'", stdout: /^tmpfs +1024 +0 +1024 +0% \/t\n700\n$/ },
    { line: '$R --tmpfs /etc $I cat /etc/text', stdout: 'no program\n' },
    {
      line: "mkdir -p $DIR/src && echo here >$DIR/src/file && $R -v $DIR/src:/data:ro,z $I sh -c 'cat /data/file; touch /data/new'",
      status: 1,
      stdout: 'here\n',
      stderr: /Read-only file system/,
    },
    { line: "$R -v $DIR/src:/data $I sh -c 'echo written >/data/new' && cat $DIR/src/new && rm $DIR/src/new", stdout: 'written\n' },
    { line: '$R -v $DIR/src/file:/etc/new-file:ro $I cat /etc/new-file', stdout: 'here\n' },
    { line: '$R -v $DIR/src:/a/b/c $I cat /a/b/c/file', stdout: 'here\n' },
    {
      line: "$R -v v-$RUNTIME:/home/writer $I sh -c 'touch /home/writer/kept; stat -c %u /home/writer' && $R -v v-$RUNTIME:/v $I ls /v && podman volume rm v-$RUNTIME",
      stdout: /^1000\nkept\n/,
    },
    {
      line: `mkdir -p $DIR/shared && mount -t tmpfs x $DIR/shared && mount --make-shared $DIR/shared && podman run -d --name $C $N -v $DIR/shared:/data:rslave $I sleep 1000 &&
        mkdir $DIR/shared/sub && mount -t tmpfs x $DIR/shared/sub && podman exec $C mountpoint /data/sub`,
      stdout: /\/data\/sub is a mountpoint\n$/,
    },
    { line: 'podman rm -f -t 0 $C; umount $DIR/shared/sub $DIR/shared' },
    { line: "$R --device /dev/null:/dev/other:rw $I sh -c 'stat -c %t:%T:%F /dev/other && echo x >/dev/other'", stdout: '1:3:character special file\n' },
    { line: "$R --cap-add mknod $I sh -c 'mknod /mem c 1 1 && head -c1 /mem'", status: 1, stderr: /Operation not permitted/ },
    { line: '$R $I sh -c \'cut -d" " -f5 /proc/self/mountinfo | sort\' | grep -v unified', stdout: /\/proc\/keys/ },
    { line: "$R $I sh -c 'ls -l /dev | cut -c1-10,30- | grep -v total; readlink /dev/fd /dev/stdin /dev/ptmx'", stdout: /\/proc\/self\/fd\n/, varies: true },
    {
      line: "$R $I sh -c 'cat /proc/keys /proc/timer_list | wc -c; ls /sys/firmware | wc -l; echo 1000 >/proc/sys/kernel/msgmax'",
      status: 2,
      stdout: '0\n0\n',
      stderr: /Read-only file system/,
    },
    {
      line: "$R $I sh -c 'ls /sys/fs/cgroup | grep -v unified; grep -cx 1 /sys/fs/cgroup/pids/cgroup.procs; mkdir /sys/fs/cgroup/pids/x'",
      status: 1,
      stdout: /\bmemory\n[^]*\n1\n$/,
      stderr: /Read-only/,
    },
  ]),
);

test('the process: user, directory, environment, rlimits, umask, init, sysctl, oom score', { skip }, () =>
  same([
    {
      line: '$R --user 1000:5 -w /data -e A=1 -e "B=2 3" $I sh -c \'id; pwd; echo $A $B; echo $HOME\'',
      stdout: 'uid=1000(writer) gid=5(5) groups=5(5)\n/data\n1 2 3\n/home/writer\n',
    },
    { line: '$R -w /not/there $I pwd', status: 126, stderr: /workdir .* does not exist/ },
    {
      line: "$R --ulimit nofile=100:200 --ulimit nproc=300:300 --ulimit core=0 $I sh -c 'ulimit -n; ulimit -Hn; ulimit -p; ulimit -c'",
      stdout: '100\n200\n300\n0\n',
    },
    { line: '$R --umask 0077 $I sh -c umask', stdout: '0077\n' },
    { line: '$R --init $I ps -eo comm', stdout: 'COMMAND\npodman-init\nps\n' },
    { line: '$R --sysctl kernel.msgmax=1000 $I cat /proc/sys/kernel/msgmax', stdout: '1000\n' },
    { line: '$R --oom-score-adj 500 $I cat /proc/self/oom_score_adj', stdout: '500\n' },
    { line: '$R --shm-size 1m $I df -k /dev/shm', stdout: /^shm +1024 /m },
    { line: '$R --group-add 77 $I id -G', stdout: '0 77\n' },
    { line: '$R --env-host=false --entrypoint \'["echo","a b"]\' $I c', stdout: 'a b c\n' },
    { line: '$R --annotation run.oci.keep_original_groups=0 --label a=b $I true' },
  ]),
);

test('--cgroups=disabled leaves the container in the cgroup of its caller', { skip }, () =>
  same([
    {
      line: 'podman run --rm --network=none --cgroups=disabled $I cat /proc/self/cgroup | grep -v hako-test-callers | grep -c :',
      stdout: /^[1-9]\d*\n$/,
      runc: { status: 1, stderr: /not compatible with NoCgroups/ },
    },
  ]),
);
