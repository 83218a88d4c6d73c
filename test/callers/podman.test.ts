/** podman and conmon with hako-oci: what they do with it is what they do with runc. The life of containers; podman-options.test.ts has the rest. */
import { test } from 'node:test';
import { compare, type Expected } from '../support/callers/compare.ts';
import { podmanOn } from '../support/callers/podman.ts';
import { onBench } from '../support/callers/on-bench.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const skip = firstOf(needsRoot(), needs('podman', 'conmon', 'runc', 'script'));
const podman = onBench(skip, podmanOn);

const same = (lines: readonly Expected[]): Promise<void> => compare(podman(), lines);

test('run: output, input, exit status; nothing is left', { skip }, () =>
  same([
    { line: "podman run --rm $N $I sh -c 'echo out; echo err >&2; exit 5'", status: 5, stdout: 'out\n', stderr: /^err$/m },
    { line: 'podman run --rm -i $N $I cat', input: 'through the pipe\n', stdout: 'through the pipe\n' },
    { line: 'podman run --rm $N $I', stdout: '' },
    { line: 'podman ps -aq', stdout: '' },
    { line: "podman run --rm $N $I sh -c 'ls /proc/self/fd | wc -l'", stdout: '4\n' },
  ]),
);

test('a program that is not there is 127, one that cannot be executed 126', { skip }, () =>
  same([
    { line: 'podman run --rm $N $I nothere', status: 127, stderr: /nothere.*executable file not found in \$PATH.*command that was not found/ },
    { line: 'podman run --rm $N $I /not/there', status: 127, stderr: /\/not\/there.*no such file or directory/ },
    { line: 'podman run --rm $N $I /etc/text', status: 126, stderr: /\/etc\/text.*permission denied.*OCI permission denied/ },
    { line: 'podman run --rm $N $I /etc', status: 126, stderr: /permission denied/ },
    { line: 'podman ps -aq', stdout: '' },
  ]),
);

test('a terminal: the program has it, and its size', { skip }, () =>
  same([
    { line: "podman run --rm -it $N $I sh -c 'tty; test -t 0 && test -t 1 && test -t 2 && echo terminal'", tty: true, stdout: '/dev/pts/0\nterminal\n' },
    { line: "stty rows 33 cols 99; podman run --rm -it $N $I sh -c 'sleep 0.3; stty size'", tty: true, stdout: '33 99\n' },
    { line: "podman run --rm -it $N $I sh -c 'ls -l /dev/console | cut -c1-10; exit 9'", tty: true, status: 9, stdout: 'crw--w----\n' },
    { line: 'podman run --rm -it $N $I nothere', tty: true, status: 127, stdout: /executable file not found/, varies: true },
  ]),
);

test('a container in the background: exec, logs, top, stats, inspect', { skip }, () =>
  same([
    { line: "podman run -d --name $C $N $I sh -c 'echo started; exec sleep 1000'", stdout: /^[0-9a-f]{64}\n$/ },
    { line: 'podman logs $C', stdout: 'started\n' },
    { line: "podman inspect -f '{{.State.Status}} {{.State.Running}}' $C", stdout: 'running true\n' },
    { line: 'podman exec $C echo in', stdout: 'in\n' },
    { line: "podman exec $C sh -c 'exit 7'", status: 7 },
    {
      line: "podman exec -u writer -w /tmp -e A=b $C sh -c 'id; pwd; echo $A'",
      stdout: 'uid=1000(writer) gid=1000(writers) groups=1000(writers),1001(readers)\n/tmp\nb\n',
    },
    { line: 'podman exec -u 5:6 $C id', stdout: 'uid=5 gid=6 groups=6\n' },
    { line: 'podman exec -i $C cat', input: 'to exec\n', stdout: 'to exec\n' },
    { line: 'podman exec -it $C tty', tty: true, stdout: '/dev/pts/0\n' },
    { line: "podman exec --privileged $C sh -c 'grep CapEff /proc/self/status'", stdout: /CapEff:\t0*1ff/ },
    { line: 'podman exec $C nothere', status: 127, stderr: /nothere.*executable file not found/ },
    { line: 'podman exec $C /etc/text', status: 126, stderr: /\/etc\/text.*permission denied/ },
    { line: 'podman exec -w /not/there $C true', status: 127, stderr: /not\/there/ },
    { line: 'podman exec --preserve-fds 2 $C cat /proc/self/fd/3 3</etc/hostname 4</dev/null', stdout: /\S/ },
    {
      line: "podman exec -d $C bash -c 'exec -a marked sleep 1000' && eventually sh -c 'podman top $C args | grep marked' && podman top $C args",
      stdout: /marked 1000/,
    },
    { line: 'podman top $C user pid comm | head -2', stdout: 'USER        PID         COMMAND\nroot        1           sleep\n' },
    { line: "podman stats --no-stream --format '{{.Name}} {{.PIDS}}' $C", stdout: /^c-[a-z-]+ 2\n$/ },
    { line: 'podman rm -f -t 0 $C', stdout: /^c-/ },
    { line: 'podman ps -aq', stdout: '' },
  ]),
);

test('stop asks, then kills; kill, restart, start, wait', { skip }, () =>
  same([
    {
      line: "podman run -d --name $C $N $I sh -c 'trap \"echo asked; exit 3\" TERM; echo up; while :; do sleep 0.1; done' && eventually sh -c 'podman logs $C | grep up'",
    },
    { line: 'podman stop -t 20 $C', stdout: /^c-/ },
    { line: 'podman logs $C', stdout: 'up\nasked\n' },
    { line: "podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' $C", stdout: 'exited 3\n' },
    { line: `podman start $C && eventually sh -c '[ $(podman logs $C | grep -c up) = 2 ]'` },
    { line: 'podman restart -t 20 $C' },
    { line: 'podman kill -s KILL $C && podman wait $C', stdout: /\n137\n$/ },
    { line: 'podman kill $C', status: 125, stderr: /can only kill running containers/ },
    { line: 'podman rm $C' },
    { line: 'podman run -d --name $C $N $I sleep 1000' },
    { line: 'podman stop -t 1 $C', stderr: /resorting to SIGKILL/ },
    { line: "podman inspect -f '{{.State.ExitCode}}' $C", stdout: '137\n' },
    { line: 'podman rm $C && podman create --name $C $N $I sleep 1000' },
    { line: "podman init $C && podman inspect -f '{{.State.Status}}' $C", stdout: /\n(created|initialized)\n$/ },
    { line: 'podman start $C && podman exec $C cat /proc/1/comm', stdout: /\nsleep\n$/ },
    { line: 'podman rm -f -t 0 $C' },
  ]),
);

test('a container that is killed behind the back of podman: it learns of it', { skip }, () =>
  same([
    { line: 'podman run -d --name $C $N $I sleep 1000' },
    // conmon stands still, so the process stays a zombie: there is a state of the runtime alone.
    {
      line: `kill -STOP $(podman inspect -f '{{.State.ConmonPid}}' $C) && p=$(podman inspect -f '{{.State.Pid}}' $C) && kill -KILL $p && eventually grep 'State:.Z' /proc/$p/status && podman kill $C`,
      status: 125,
      stderr: /container not running/,
    },
    {
      line: "kill -CONT $(podman inspect -f '{{.State.ConmonPid}}' $C); eventually sh -c \"podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' $C | grep -x 'exited 137'\" && podman rm $C",
    },
  ]),
);

test('pause and unpause', { skip }, () =>
  same([
    { line: 'podman run -d --name $C $N $I sleep 1000' },
    { line: "podman pause $C && podman inspect -f '{{.State.Status}}' $C", stdout: /\npaused\n$/ },
    { line: 'podman exec $C true', status: 255, stderr: /can only create exec sessions on running/ },
    { line: 'podman unpause $C && podman exec $C echo goes on', stdout: /\ngoes on\n$/ },
    { line: 'podman pause $C && podman rm -f -t 0 $C' },
  ]),
);

test('limits are set, and changed by update', { skip }, () => {
  const memory = '/sys/fs/cgroup/memory/memory.limit_in_bytes';
  return same([
    { line: `podman run -d --name $C $N --memory 40m --cpus 0.5 --pids-limit 20 $I sleep 1000` },
    { line: `podman exec $C cat ${memory} /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/pids/pids.max`, stdout: '41943040\n50000\n20\n' },
    { line: `podman update --memory 30m --cpus 0.25 $C && podman exec $C cat ${memory} /sys/fs/cgroup/cpu/cpu.cfs_quota_us`, stdout: /\n31457280\n25000\n$/ },
    { line: 'podman rm -f -t 0 $C' },
    { line: `podman run --rm $N --memory 20m $I sh -c 'head -c 100m /dev/zero | tail'`, status: 137 },
  ]);
});

test('healthcheck run; info and version name the runtime; checkpoint says what is missing', { skip }, () =>
  same([
    { line: "podman run -d --name $C --health-cmd 'test -e /ok' --health-interval disable $N $I sleep 1000" },
    { line: 'podman healthcheck run $C', status: 1, stdout: /unhealthy/ },
    { line: 'podman exec $C touch /ok && podman healthcheck run $C', stdout: '' },
    { line: 'podman container checkpoint $C', status: 125, stderr: /CRIU|criu|does not support checkpoint/ },
    { line: "podman info -f '{{.Host.OCIRuntime.Name}}'", stdout: /^(runc|hako-oci)\n$/ },
    { line: "podman info -f '{{.Host.OCIRuntime.Version}}'", stdout: /^(runc|hako-oci) version \d+\.\d+\.\d+[^]*spec: 1\.\d/, varies: true },
    { line: 'podman rm -f -t 0 $C' },
  ]),
);

test('pods: an infra container, namespaces that are shared', { skip }, () =>
  same([
    { line: 'podman pod create --name p-$RUNTIME $N && podman run -d --pod p-$RUNTIME --name $C $I sleep 1000' },
    {
      line: "podman run --rm --pod p-$RUNTIME $I sh -c 'readlink /proc/self/ns/uts /proc/self/ns/ipc /proc/self/ns/net' >$DIR/first; podman exec $C readlink /proc/self/ns/uts /proc/self/ns/ipc /proc/self/ns/net; podman exec $C readlink /proc/self/ns/uts /proc/self/ns/ipc /proc/self/ns/net | diff - $DIR/first",
    },
    { line: 'podman run --rm --pod p-$RUNTIME $I hostname', stdout: /^p-/ },
    { line: "podman pod pause p-$RUNTIME && podman pod inspect -f '{{.State}}' p-$RUNTIME", stdout: /\nPaused\n$/ },
    { line: 'podman pod unpause p-$RUNTIME && podman pod top p-$RUNTIME comm', stdout: /^sleep$/m, varies: true },
    { line: 'podman pod stop -t 1 p-$RUNTIME && podman pod start p-$RUNTIME && podman pod rm -f -t 0 p-$RUNTIME' },
    { line: 'podman pod create --name p-$RUNTIME --share pid,net $N && podman run -d --pod p-$RUNTIME --name $C $I sleep 1000' },
    { line: 'podman run --rm --pod p-$RUNTIME $I ps -eo comm', stdout: /catatonit\nsleep\nps\n/ },
    { line: 'podman pod rm -f -t 0 p-$RUNTIME' },
    { line: 'podman ps -aq', stdout: '' },
  ]),
);

test('build: each step of buildah is a container of the runtime', { skip }, () => {
  podman().bench.file(
    'Containerfile',
    'FROM localhost/base\nRUN echo built >/built && id -un\nUSER writer\nRUN --mount=type=tmpfs,target=/data mountpoint /data && id -un\nCMD ["cat", "/built"]\n',
  );
  podman().bench.file('Containerfile.fails', 'FROM localhost/base\nRUN exit 7\n');
  return same([
    { line: 'podman build --quiet --network none --tag built-$RUNTIME $DIR -f $DIR/Containerfile && podman run --rm $N built-$RUNTIME', stdout: /\nbuilt\n$/ },
    { line: 'podman build --network none -f $DIR/Containerfile.fails $DIR', status: 7, stderr: /exit status 7/, varies: true },
  ]);
});

test('what podman brings into a container: secrets, files, a copy, a pod of Kubernetes', { skip }, () => {
  podman().bench.file(
    'pod.yaml',
    'apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube\nspec:\n  hostNetwork: true\n  containers:\n  - name: a\n    image: localhost/base\n    command: ["sleep", "1000"]\n    securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true}\n',
  );
  return same([
    {
      line: 'printf hidden | podman secret create s-$RUNTIME - && podman run --rm $N --secret s-$RUNTIME $I cat /run/secrets/s-$RUNTIME',
      stdout: /\nhidden$/,
      varies: true,
    },
    { line: 'podman run --rm $N --preserve-fds 1 $I cat /proc/self/fd/3 3</etc/hostname', stdout: /\S/ },
    { line: 'podman run -d --name $C $N $I sleep 1000 && podman cp /etc/hostname $C:/etc/copied && podman exec $C cat /etc/copied && podman rm -f -t 0 $C' },
    {
      line: 'podman play kube $DIR/pod.yaml && podman exec kube-a id -u && podman exec kube-a touch /x',
      status: 1,
      stdout: /\n1000\n$/,
      stderr: /Read-only/,
      varies: true,
    },
    { line: 'podman play kube --down $DIR/pod.yaml' },
  ]);
});
