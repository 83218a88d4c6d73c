/** dockerd 20.10 with hako-oci as one of its runtimes, and as the default one: what it does with it is what it does with runc. */
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compare, runtimes, type Expected, type Runtime } from '../support/callers/compare.ts';
import { dockerOn } from '../support/callers/docker.ts';
import { onBench } from '../support/callers/on-bench.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const skip = firstOf(needsRoot(), needs('dockerd', 'containerd', 'runc', 'script'));
const docker = onBench(skip, dockerOn);

const hasEveryCapability = /^CapBnd:\t0*[13]f+$/m.test(readFileSync('/proc/self/status', 'utf8'));

const same = (lines: readonly Expected[]): Promise<void> => compare(docker(), lines);

test('run: output, input, exit status, errors, terminal', { skip }, () =>
  same([
    { line: "$R $I sh -c 'echo out; echo err >&2; exit 3'", status: 3, stdout: 'out\n', stderr: /^err$/m },
    { line: '$R -i $I cat', input: 'through the pipe\n', stdout: 'through the pipe\n' },
    { line: "$R $I sh -c 'ls /proc/self/fd | wc -l'", stdout: '4\n' },
    { line: '$R $I nothere', status: 127, stderr: /OCI runtime create failed: .*nothere.*executable file not found in \$PATH/ },
    { line: '$R $I /etc/text', status: 126, stderr: /OCI runtime create failed: .*\/etc\/text.*permission denied/ },
    { line: '$R -v /etc:/etc/text $I true', status: 125, stderr: /not a directory.*: unknown: Are you trying to mount a directory onto a file/ },
    { line: "$R -it $I sh -c 'tty; ls -l /dev/console | cut -c1-10; exit 9'", tty: true, status: 9, stdout: '/dev/pts/0\ncrw--w----\n' },
    { line: "stty rows 33 cols 99; $R -it $I sh -c 'sleep 0.5; stty size'", tty: true, stdout: '33 99\n' },
    { line: '$R --init $I ps -eo comm', stdout: 'COMMAND\ndocker-init\nps\n' },
    { line: 'docker ps -aq', stdout: '' },
  ]),
);

test('a container in the background: exec, logs, top, stats, stop, restart, kill', { skip }, () =>
  same([
    { line: '$D -d --name $C $I sh -c \'trap "echo asked; exit 3" TERM; echo up; while :; do sleep 0.1; done\'', stdout: /^[0-9a-f]{64}\n$/ },
    { line: "docker exec $C sh -c 'echo in; exit 4'", status: 4, stdout: 'in\n' },
    {
      line: "docker exec -u writer -w /tmp -e A=b $C sh -c 'id; pwd; echo $A'",
      stdout: 'uid=1000(writer) gid=1000(writers) groups=1000(writers),1001(readers)\n/tmp\nb\n',
    },
    { line: 'docker exec -i $C cat', input: 'to exec\n', stdout: 'to exec\n' },
    { line: 'docker exec -it $C tty', tty: true, stdout: '/dev/pts/0\n' },
    { line: 'docker exec $C nothere', status: 126, stdout: /OCI runtime exec failed: .*nothere.*executable file not found in \$PATH/, varies: true },
    { line: 'docker exec $C /etc/text', status: 126, stdout: /OCI runtime exec failed: .*\/etc\/text.*permission denied/, varies: true },
    { line: 'docker exec -d $C sleep 1000 && eventually sh -c "docker top $C -o pid,args | grep \'sleep 1000\'"' },
    { line: "docker stats --no-stream --format '{{.Name}} {{.PIDs}}' $C", stdout: /^c-[a-z-]+ [23]\n$/, varies: true },
    { line: 'docker stop -t 20 $C && docker logs $C', stdout: /\nup\nasked\n$/ },
    { line: "docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.HostConfig.Runtime}}' $C", stdout: /^exited 3 / },
    { line: 'docker start $C && docker restart -t 20 $C && docker kill $C && docker wait $C', stdout: /\n137\n$/ },
    { line: 'docker rm $C && $D -d --name $C $I sleep 1000' },
    { line: 'docker stop -t 1 $C && docker wait $C', stdout: /\n137\n$/ },
    { line: 'docker rm $C' },
    { line: 'docker ps -aq', stdout: '' },
  ]),
);

test("pause, update and other containers' namespaces", { skip }, () =>
  same([
    { line: '$D -d --name $C --memory 50m --memory-swap 50m --cpus 0.5 --pids-limit 50 $I sleep 1000' },
    { line: "docker pause $C && docker inspect -f '{{.State.Status}}' $C && docker unpause $C", stdout: /\npaused\n/ },
    {
      line: 'docker exec $C cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/pids/pids.max',
      stdout: '52428800\n50000\n50\n',
    },
    {
      line: 'docker update --memory 60m --memory-swap 60m --pids-limit 40 $C && docker exec $C cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/pids/pids.max',
      stdout: /\n62914560\n50000\n40\n$/,
    },
    { line: '$R --pid container:$C --network container:$C --ipc host $I ps -eo comm', stdout: 'COMMAND\nsleep\nps\n' },
    { line: '$R --pid host $I readlink /proc/self/ns/pid; readlink /proc/self/ns/pid', stdout: /^(pid:\S+)\n\1\n$/ },
    { line: '$R --network host $I readlink /proc/self/ns/net; readlink /proc/self/ns/net', stdout: /^(net:\S+)\n\1\n$/ },
    { line: '$R --memory 20m --memory-swap 20m $I sh -c "head -c 100m /dev/zero | tail; exit \\$?"', status: 137 },
    { line: 'docker rm -f $C' },
  ]),
);

test('networks: a hook of dockerd connects the container while it is created', { skip }, () =>
  same([
    { line: '$R $I ip -4 -o addr show eth0', stdout: /inet 172\.\d+\.0\.\d+\/16/, varies: true },
    { line: '$R --network none $I ip -o link', stdout: /^1: lo: [^\n]*\n$/ },
    { line: 'docker network create n-$RUNTIME && $D -d --name $C --network n-$RUNTIME $I sleep 1000' },
    { line: '$R --network n-$RUNTIME $I getent hosts $C', stdout: /^172\.\d+\.0\.2 /, varies: true },
    { line: 'docker network connect bridge $C && docker exec $C ip -o link | grep -c eth', stdout: '2\n' },
    { line: 'docker rm -f $C && docker network rm n-$RUNTIME' },
  ]),
);

test('restart policies and health checks', { skip }, () =>
  same([
    { line: "$D --name $C --restart on-failure:2 $I sh -c 'exit 1'", status: 1 },
    { line: "eventually sh -c \"docker inspect -f '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}' $C | grep -x '2 exited 1'\" && docker rm $C" },
    { line: "$D -d --name $C --health-cmd 'test -e /ok' --health-interval 1s --health-retries 1 $I sh -c 'touch /ok; exec sleep 1000'" },
    { line: 'eventually sh -c "docker inspect -f \'{{.State.Health.Status}}\' $C | grep -x healthy"' },
    { line: 'docker exec $C rm /ok && eventually sh -c "docker inspect -f \'{{.State.Health.Status}}\' $C | grep -x unhealthy"' },
    { line: 'docker rm -f $C' },
  ]),
);

test('options: capabilities, seccomp, mounts, devices, rlimits, sysctls, users', { skip }, () =>
  same([
    { line: '$R $I grep -E "Cap|NoNewPrivs|Seccomp:" /proc/self/status', stdout: /CapEff:\t0+a80425fb\n[^]*Seccomp:\t2\n/ },
    {
      line: '$R --cap-drop all --cap-add chown --security-opt no-new-privileges --security-opt seccomp=unconfined $I grep -E "Cap|NoNewPrivs|Seccomp:" /proc/self/status',
      stdout: /NoNewPrivs:\t1\nSeccomp:\t0\n/,
    },
    {
      line: '$R --privileged $I grep CapEff /proc/self/status',
      stdout: /CapEff:\t0+[13]f[0-9a-f]+\n/,
      // A machine may lack a capability (CAP_SYS_RESOURCE), and runc does not start without one that is asked for.
      runc: { status: hasEveryCapability ? 0 : 125 },
    },
    {
      line: "$R --read-only --tmpfs /t:size=1m $I sh -c 'touch /t/new && df -k /t | tail -1; touch /new'",
      status: 1,
      stdout: /^tmpfs +1024 +0 +1024 /,
      stderr: /Read-only file system/,
    },
    {
      line: "mkdir -p $DIR/src && echo here >$DIR/src/file; $R -v $DIR/src:/data:ro $I sh -c 'cat /data/file; touch /data/new'",
      status: 1,
      stdout: 'here\n',
      stderr: /Read-only/,
    },
    { line: '$R -v v-$RUNTIME:/home/writer $I stat -c %u /home/writer && docker volume rm v-$RUNTIME', stdout: /^1000\n/ },
    { line: "$R --device /dev/null:/dev/other:r $I sh -c 'stat -c %t:%T:%F /dev/other'", stdout: '1:3:character special file\n' },
    { line: "$R --ulimit nofile=100:200 $I sh -c 'ulimit -n; ulimit -Hn'", stdout: '100\n200\n' },
    { line: '$R --sysctl kernel.msgmax=1000 $I cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_unprivileged_port_start', stdout: '1000\n0\n' },
    {
      line: "$R --user 1000:5 --group-add 77 --hostname somewhere -w /made/here $I sh -c 'id; hostname; pwd'",
      stdout: 'uid=1000(writer) gid=5 groups=5,77\nsomewhere\n/made/here\n',
    },
    { line: "$R --oom-score-adj 500 --shm-size 1m $I sh -c 'cat /proc/self/oom_score_adj; df -k /dev/shm | tail -1'", stdout: /^500\nshm +1024 / },
    { line: '$R $I sh -c \'cut -d" " -f5 /proc/self/mountinfo | sort\' | grep -v unified', stdout: /\/proc\/keys/ },
    { line: '$R $I sh -c \'stat -c "%n %A %U:%G %t:%T" /dev/*\'', stdout: /full/ },
    {
      line: "$R --device-cgroup-rule 'c 1:11 rwm' --cap-add mknod $I sh -c 'mknod /kmsg c 1 11 && test -r /kmsg; mknod /mem c 1 1; head -c1 /mem'",
      status: 1,
      stderr: /\/mem.*Operation not permitted/,
    },
    {
      line: '$R --memory 50m --memory-reservation 30m --memory-swap 60m --memory-swappiness 10 --cpuset-cpus 0 --cpu-shares 512 --device-read-bps $(lsblk -dpno NAME | grep -vE "loop|ram" | head -n 1):1mb $I sh -c \'cd /sys/fs/cgroup; cat memory/memory.soft_limit_in_bytes memory/memory.memsw.limit_in_bytes memory/memory.swappiness cpuset/cpuset.cpus cpu/cpu.shares; cut -d" " -f2 blkio/blkio.throttle.read_bps_device\'',
      stdout: '31457280\n62914560\n10\n0\n512\n1048576\n',
    },
    { line: "$R --entrypoint '' $I ''", status: 127, stderr: /executable file not found/ },
    { line: '$R --cgroupns private $I cat /proc/self/cgroup', stdout: /:pids:\/\n/ },
    { line: '$R --userns host --uts host $I readlink /proc/self/ns/uts; readlink /proc/self/ns/uts', stdout: /^(uts:\S+)\n\1\n$/ },
  ]),
);

test('as the default runtime: build runs its steps with it; info names it', { skip }, async () => {
  await docker().bench.must('mkdir $DIR/context');
  docker().bench.file('context/Dockerfile', 'FROM localhost/base\nRUN echo built >/built && id -un\nUSER writer\nRUN id -un\nCMD ["cat", "/built"]\n');
  for (const runtime of Object.keys(runtimes) as Runtime[]) {
    await docker().setDefault(runtime);
    const printed = await docker().bench.must('docker build --no-cache --tag built $DIR/context && docker run --rm built', {
      env: docker().environment(runtime),
    });
    for (const line of ['root', 'writer', 'built']) if (!printed.split('\n').includes(line)) throw new Error(`${runtime}: no ${line} in ${printed}`);
    await docker().bench.must(
      `docker run --name c1 localhost/base true && [ "$(docker inspect -f '{{.HostConfig.Runtime}}' c1)" = ${runtime} ] && docker rm c1`,
    );
  }
  await docker().setDefault('runc');
});
