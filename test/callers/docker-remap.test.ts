/**
 * dockerd with userns-remap: every container in a user namespace, its root file system the mapped root's. Not compared is the owner of
 * /dev/mqueue: the kernel makes it with the IPC namespace, and that is with hako-oci before there are mapped users.
 */
import { test } from 'node:test';
import { compare } from '../support/callers/compare.ts';
import { dockerOn } from '../support/callers/docker.ts';
import { onBench } from '../support/callers/on-bench.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const skip = firstOf(needsRoot(), needs('dockerd', 'containerd', 'runc', 'script'));
const docker = onBench(skip, (bench) => dockerOn(bench, { 'userns-remap': 'dockremap' }));

test('containers of mapped users', { skip }, () =>
  compare(docker(), [
    { line: "$R $I sh -c 'cat /proc/self/uid_map; id -u; touch /new; stat -c %u /new'", stdout: /^ +0 +200000 +65536\n0\n0\n$/ },
    { line: '$R $I sh -c \'stat -c "%n %A %t:%T %u" /dev/* | grep -vE "/dev/(core|mqueue)"\'', stdout: /\/dev\/null crw-rw-rw- 1:3 65534\n/ },
    { line: '$R -it $I sh -c \'tty; stat -c "%A %u:%g" /dev/console\'', tty: true, stdout: '/dev/pts/0\ncrw--w---- 0:5\n' },
    { line: 'mkdir -p $DIR/src && $R -v $DIR/src:/data $I stat -c %u /data', stdout: '65534\n' },
    { line: '$R --sysctl net.ipv4.ip_forward=1 $I cat /proc/sys/net/ipv4/ip_forward', stdout: '1\n' },
    { line: "$R --read-only --tmpfs /t --shm-size 1m $I sh -c 'touch /t/x /dev/shm/x && touch /new'", status: 1, stderr: /'\/new': Read-only/ },
    { line: '$R --cgroupns private $I cat /proc/self/cgroup', stdout: /:pids:\/\n/ },
    { line: '$R --userns host $I cat /proc/self/uid_map', stdout: /^ +0 +0 +4294967295\n$/ },
    { line: '$R $I mount -t tmpfs x /mnt', status: 32, stderr: /permission denied/ },
    { line: '$D -d --name $C $I sleep 1000 && docker exec -u writer $C id -un', stdout: /\nwriter\n$/ },
    { line: 'docker top $C -o pid,uid | tail -n 1 | tr -s " " | cut -d" " -f2', stdout: '200000\n' },
    { line: 'docker pause $C && docker unpause $C && docker stop -t 1 $C && docker rm $C' },
  ]),
);
