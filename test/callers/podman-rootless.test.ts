/**
 * podman as an ordinary user calls it, with hako-oci: what it does is what it does with runc. hako-oci is then root of podman's user
 * namespace, and no more of the machine than the user: no cgroup, no node of a device, no limit above the user's own.
 */
import { test } from 'node:test';
import { compare, type Expected } from '../support/callers/compare.ts';
import { rootlessPodmanOn } from '../support/callers/podman-rootless.ts';
import { onBench } from '../support/callers/on-bench.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const skip = firstOf(needsRoot(), needs('podman', 'conmon', 'runc', 'script', 'newuidmap', 'slirp4netns', 'setpriv'));
const podman = onBench(skip, rootlessPodmanOn);

const same = (lines: readonly Expected[]): Promise<void> => compare(podman(), lines);

test('run: output, exit status, users; a program that is not there', { skip }, () =>
  same([
    { line: "podman info -f '{{.Host.Security.Rootless}}'", stdout: 'true\n' },
    {
      line: "$R $I sh -c 'id -u; cat /proc/self/uid_map; echo err >&2; exit 5'",
      status: 5,
      stdout: /^0\n +0 +64998 +1\n +1 +300000 +65536\n$/,
      stderr: /^err$/m,
    },
    { line: '$R -u 1000:1001 --group-add 5 $I id', stdout: 'uid=1000(writer) gid=1001(readers) groups=1001(readers),5\n' },
    { line: 'podman run --rm $N -i $I cat', input: 'through the pipe\n', stdout: 'through the pipe\n' },
    { line: '$R $I nothere', status: 127, stderr: /nothere.*executable file not found in \$PATH/ },
    { line: '$R $I /etc/text', status: 126, stderr: /\/etc\/text.*permission denied/ },
    { line: '$R -u 70000 $I id', status: 126, stderr: /invalid argument/ },
    { line: 'podman ps -aq', stdout: '' },
  ]),
);

test('a terminal; the devices are the machine’s, bound', { skip }, () =>
  same([
    { line: "$R -it $I sh -c 'tty; test -t 0 && test -t 2 && echo terminal'", tty: true, stdout: '/dev/pts/0\nterminal\n' },
    { line: '$R -it $I stat -c "%n %A %t:%T %u" /dev/console /dev/null /dev/zero /dev/tty', tty: true, stdout: /\/dev\/null crw-rw-rw- 1:3 65534\r?\n/ },
    { line: '$R --device /dev/null:/dev/other $I sh -c \'echo a >/dev/other; stat -c "%t:%T" /dev/other\'', stdout: '1:3\n' },
  ]),
);

test('a container in the background: exec, with a terminal too, logs, top, copy, stop, kill, restart', { skip }, () =>
  same([
    {
      line: "podman run -d --name $C $N $I sh -c 'trap \"echo asked; exit 3\" TERM; echo up; while :; do sleep 0.1; done' && eventually sh -c 'podman logs $C | grep up'",
    },
    { line: 'podman exec -i $C cat', input: 'to exec\n', stdout: 'to exec\n' },
    { line: "podman exec -it $C sh -c 'tty; ls /proc/self/fd | wc -l; exit 7'", tty: true, status: 7, stdout: '/dev/pts/0\n4\n' },
    { line: "podman exec -u writer -w /tmp -e A=b $C sh -c 'id -un; pwd; echo $A'", stdout: 'writer\n/tmp\nb\n' },
    { line: "podman exec --privileged $C sh -c 'grep CapEff /proc/self/status'", stdout: /CapEff:\t0*1ff/ },
    { line: 'podman exec $C nothere', status: 127, stderr: /nothere.*executable file not found/ },
    { line: 'podman exec -w /not/there $C true', status: 127, stderr: /not\/there/ },
    { line: 'podman top $C user pid comm | head -2', stdout: 'USER        PID         COMMAND\nroot        1           sh\n' },
    { line: 'podman cp /etc/hostname $C:/etc/copied && podman exec $C cat /etc/copied', stdout: /\S/ },
    { line: 'podman pause $C', status: 125, stderr: /can not pause containers on rootless containers with cgroup V1|^$/ },
    { line: "podman stop -t 20 $C && podman logs $C && podman inspect -f '{{.State.ExitCode}}' $C", stdout: /\nup\nasked\n3\n$/ },
    { line: 'podman start $C && podman restart -t 20 $C && podman kill -s KILL $C && podman wait $C', stdout: /\n137\n$/ },
    {
      line: 'podman rm $C && podman create --name $C $N $I sleep 1000 && podman init $C && podman start $C && podman exec $C cat /proc/1/comm',
      stdout: /\nsleep\n$/,
    },
    { line: 'podman rm -f -t 0 $C && podman ps -aq', stdout: /^c-[a-z-]+\n$/ },
  ]),
);

test('user namespaces within: the user’s own id, further ranges, one that is shared', { skip }, () =>
  same([
    { line: "$R --userns=keep-id $I sh -c 'id -un; cat /proc/self/uid_map'", stdout: /^ordinary\n +0 +1 +64998\n +64998 +0 +1\n/ },
    { line: '$R --userns=keep-id -u root $I id -un', stdout: 'root\n' },
    { line: "$R --uidmap 0:100:1000 $I sh -c 'cat /proc/self/uid_map; touch /new; stat -c %u /new'", stdout: /^ +0 +100 +1000\n0\n$/ },
    { line: '$R --userns=nomap $I cat /proc/self/uid_map', stdout: /^ +0 +1 +65536\n$/ },
    { line: '$R --userns=auto $I cat /proc/self/uid_map', stdout: /^ +0 +1 +1024\n$/ },
    {
      line: 'podman run -d --name $C --userns=keep-id $N $I sleep 1000 && podman exec $C id -un && podman exec -u root $C id -un',
      stdout: /\nordinary\nroot\n$/,
    },
    { line: 'podman run --rm --userns container:$C --network container:$C $I cat /proc/self/uid_map', stdout: /^ +0 +1 +64998\n/ },
    { line: 'podman rm -f -t 0 $C' },
  ]),
);

test('binds, volumes, read-only roots, file systems in memory, limits of a process', { skip }, () =>
  same([
    {
      line: "as-user mkdir -p vol && $R -v $DIR/home/vol:/vol $I sh -c 'echo x >/vol/x; stat -c %u:%g /vol/x' && stat -c %u $DIR/home/vol/x",
      stdout: '0:0\n64998\n',
    },
    { line: '$R --userns=keep-id -v $DIR/home/vol:/vol $I sh -c "touch /vol/k; stat -c %u /vol/k"', stdout: '64998\n' },
    { line: '$R -v $DIR/home/vol:/vol:ro $I touch /vol/y', status: 1, stderr: /Read-only/ },
    { line: '$R -v $DIR/home/vol:/vol:O $I sh -c "touch /vol/y" && ls $DIR/home/vol', stdout: 'k\nx\n' },
    { line: "$R -v named-$RUNTIME:/vol $I sh -c 'touch /vol/y; stat -c %u /vol'", stdout: '0\n' },
    { line: '$R -v /etc:/hostetc:rslave $I ls /hostetc/passwd', stdout: '/hostetc/passwd\n' },
    { line: "$R --read-only --tmpfs /t --shm-size 1m $I sh -c 'touch /t/x /dev/shm/x && touch /new'", status: 1, stderr: /'\/new': Read-only/ },
    { line: "$R --ulimit nofile=100:200 $I sh -c 'ulimit -n; ulimit -Hn'", stdout: '100\n200\n' },
    { line: '$R --ulimit nofile=99999999:99999999 $I true', status: 126, stderr: /operation not permitted/ },
    { line: '$R --oom-score-adj=500 $I cat /proc/self/oom_score_adj', stdout: '500\n' },
    { line: '$R --oom-score-adj=-500 $I true', status: 126 },
    { line: '$R --memory 50m --pids-limit 50 $I echo all the same', stdout: 'all the same\n', stderr: /ignored on cgroups V1|^$/ },
    { line: '$R --sysctl kernel.msgmax=9000 $I cat /proc/sys/kernel/msgmax', stdout: '9000\n' },
    { line: '$R --cap-drop all --security-opt no-new-privileges $I grep -E "Cap|NoNew|Seccomp:" /proc/self/status', stdout: /CapBnd:\t0+\n[^]*NoNewPrivs:\t1/ },
    { line: '$R --privileged $I grep CapEff /proc/self/status', stdout: /CapEff:\t0*1ff/ },
    { line: '$R --cap-add sys_admin $I sh -c "mount -t tmpfs x /mnt && stat -f -c %T /mnt"', stdout: 'tmpfs\n' },
  ]),
);

test('networks: none, the machine’s, one of slirp4netns', { skip }, () =>
  same([
    { line: '$R $I ip -br link | cut -d" " -f1', stdout: 'lo\n' },
    { line: 'podman run --rm --network host $I readlink /proc/self/ns/net; readlink /proc/self/ns/net', stdout: /^(net:\S+)\n\1\n$/ },
    { line: 'podman run --rm $I ip -br -4 address | tr -s " "', stdout: /\ntap0 UNKNOWN 10\.0\.2\.100\/24/ },
  ]),
);

test('pods: namespaces that are shared, a user namespace among them', { skip }, () =>
  same([
    { line: 'podman pod create --name p-$RUNTIME --network none && podman run -d --pod p-$RUNTIME --name $C $I sleep 1000' },
    {
      line: 'n=$(podman run --rm --pod p-$RUNTIME $I sh -c \'cd /proc/self/ns; readlink uts ipc net user\'); [ "$n" = "$(podman exec $C sh -c \'cd /proc/self/ns; readlink uts ipc net user\')" ]',
    },
    { line: 'podman pod stop -t 1 p-$RUNTIME && podman pod start p-$RUNTIME && podman pod rm -f -t 0 p-$RUNTIME' },
    { line: 'podman pod create --name p-$RUNTIME --share pid,net --userns=keep-id --network none && podman run -d --pod p-$RUNTIME --name $C $I sleep 1000' },
    { line: "podman run --rm --pod p-$RUNTIME $I sh -c 'ps -eo comm; id -u'", stdout: /catatonit\nsleep\nsh\nps\n64998\n/ },
    { line: 'podman pod rm -f -t 0 p-$RUNTIME && podman ps -aq', stdout: /^[0-9a-f]{64}\n$/ },
  ]),
);

test('build: each step is a container', { skip }, () => {
  podman().bench.file('Containerfile', 'FROM localhost/base\nRUN echo built >/built && id -un\nUSER writer\nRUN id -un\nCMD ["cat", "/built"]\n');
  podman().bench.file('Containerfile.fails', 'FROM localhost/base\nRUN exit 7\n');
  return same([
    { line: 'podman build --no-cache --quiet --network none --tag built-$RUNTIME -f $DIR/Containerfile $DIR/home && $R built-$RUNTIME', stdout: /\nbuilt\n$/ },
    { line: 'podman build --network none -f $DIR/Containerfile.fails $DIR/home', status: 7, stderr: /exit status 7/, varies: true },
  ]);
});
