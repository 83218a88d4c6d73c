# The engine: containers, images, networks, volumes, recovery, and the element commands. Read by scripts/vm/checks.sh.
engine_pid() { pgrep -o -x hakod; }

check 'a container runs' '^uid=0\(root\).*~[0-9a-f]{12}~.* sh -c .*inet 10\.|inet 172\.|inet 192\.' hako run --rm base sh -c 'id; hostname; ps aux; ip addr'
check 'its exit status is passed on' '\[7\]$' hako run --rm base sh -c 'exit 7'
check 'it is in a cgroup namespace of its own' '^0::/ \[0\]$' hako run --rm base sh -c 'cat /proc/self/cgroup'
check 'limits are in the files of cgroup v2' '^67108864~90000 100000~20 \[0\]$' \
  hako run --rm --memory 64m --cpus 0.9 --pids-limit 20 base sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max'
check 'too much memory ends it with 137' '\[137\]$' hako run --rm --memory 64m --memory-swap 64m base sh -c 'tail /dev/zero'
check 'a busy container is throttled' 'nr_throttled [1-9]' \
  hako run --rm --cpus 0.2 base sh -c 'timeout 1 sh -c "while :; do :; done"; cat /sys/fs/cgroup/cpu.stat'
check 'too many processes are refused' '(Resource temporarily unavailable|[Cc]annot fork|retry)' \
  hako run --rm --pids-limit 5 base sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'
check 'the device filter refuses' 'Operation not permitted' hako run --rm base sh -c 'mknod /tmp/d b 254 0 && cat /tmp/d'
check '/dev/null can be used' '^fine \[0\]$' hako run --rm base sh -c 'echo x >/dev/null && echo fine'
check 'a masked path is hidden' '^0 \[0\]$' hako run --rm base sh -c 'wc -c </proc/keys'
check 'a read-only path stays so' 'Read-only file system' hako run --rm base sh -c 'echo 1 >/proc/sys/kernel/panic'
check 'a read-only root' 'Read-only file system' hako run --rm --read-only base touch /x
check 'a tmpfs' 'tmpfs' hako run --rm --tmpfs /scratch:size=1m base sh -c 'grep " /scratch " /proc/mounts'
check 'a file that was not in the image is written' '^hello \[0\]$' hako run --rm base sh -c 'echo hello >/new; cat /new'
check 'a directory of the image is renamed' '\[0\]$' hako run --rm base sh -c 'mv /etc/ssl /etc/ssl2 2>/dev/null || mv /etc/alternatives /etc/alternatives2 2>/dev/null || mv /srv /srv2'

check 'started in the background' '^[0-9a-f]{64} \[0\]$' hako run -d --name web -p 8080:80 base sh -c 'echo up; exec sleep 1000'
check 'listed' 'web' hako ps
check 'exec' '^uid=0' hako exec web id
check 'exec with a terminal' '/dev/pts/0' script -qec 'hako exec -it web tty' /dev/null
check 'run with a terminal' '/dev/pts/0|/dev/console' script -qec 'hako run --rm -it base tty' /dev/null
check 'stats' 'web .*% .*[KM]iB / ' hako stats --no-stream
check 'top' 'sleep 1000' hako top web
check 'logs' '^up \[0\]$' hako logs web
check 'pause' '\[0\]$' hako pause web
check 'paused' 'Paused' hako ps
check 'the cgroup is frozen' '^1 \[0\]$' sh -c 'cat /sys/fs/cgroup/hako/*/cgroup.freeze'
check 'unpause' '\[0\]$' hako unpause web
check 'update of the limits' '^134217728 \[0\]$' sh -c 'hako update --memory 128m web >/dev/null; cat /sys/fs/cgroup/hako/*/memory.max'
check 'copied in and out' '^debian12 \[0\]$' sh -c 'hako cp /etc/hostname web:/tmp/h >/dev/null && hako cp web:/tmp/h - 2>/dev/null | tar -xO'
check 'diff' 'A /tmp/h' hako diff web
check 'commit' 'sha256' hako commit web committed
check 'an image of two layers runs' '^debian12 \[0\]$' hako run --rm committed cat /tmp/h

check 'a server' '\[0\]$' hako run -d --name server -p 8081:80 base sh -c 'while :; do printf "HTTP/1.0 200 OK\r\n\r\nserved\n" | nc -lN 80; done'
wait_for 10 curl -sf --max-time 2 http://127.0.0.1:8081/
check 'a published port answers at 127.0.0.1' '^served \[0\]$' curl -sS --max-time 10 --retry 3 --retry-connrefused http://127.0.0.1:8081/
address=$(hako inspect --format '{{.NetworkSettings.IPAddress}}' server)
check 'the container answers at its own address' '^served \[0\]$' curl -sS --max-time 10 --retry 3 --retry-connrefused "http://$address/"
check 'from another container' '^served \[0\]$' hako run --rm base curl -sS --max-time 10 --retry 3 --retry-connrefused "http://$address/"
check 'the network of the host' ' lo:' hako run --rm --network host base ip addr
check 'no network' '^1 \[0\]$' hako run --rm --network none base sh -c 'ip -o link | wc -l'

check 'a volume' '\[0\]$' hako run --rm -v data:/data base sh -c 'echo kept >/data/file'
check 'a volume keeps its files' '^kept \[0\]$' hako run --rm -v data:/data base cat /data/file
check 'a read-only bind mount' 'Read-only file system' hako run --rm -v /etc:/host:ro base touch /host/x
check 'a user' '^uid=1000 gid=1000 ' hako run --rm --user 1000:1000 base id
check 'seccomp' '^Seccomp:.2 \[0\]$' hako run --rm base sh -c 'grep ^Seccomp: /proc/self/status'
check 'an init' '^ *1 init' hako run --rm --init base ps -o pid,args --no-headers -p 1
check 'private user namespaces are refused in one sentence' '^[^~]*6\.13[^~]* \[125\]$' hako run --rm --userns private base true

old=$(engine_pid)
kill -9 "$old"
wait_for 5 test ! -e "/proc/$old"
check 'a killed engine comes back and knows its containers' '(server.*web|web.*server)' hako ps --format '{{.Names}}'
check 'with exec' '^uid=0' hako exec web id
check 'with stop' '\[0\]$' hako stop -t 1 web
check 'with the exit status' '^(137|143) \[0\]$' hako inspect --format '{{.State.ExitCode}}' web
check 'with the published port' '^served \[0\]$' curl -sS --max-time 10 --retry 3 --retry-connrefused http://127.0.0.1:8081/
check 'removed by force' '\[0\]$' hako rm -f server
check 'removed' '\[0\]$' hako rm web
# Many layers: before Linux 6.5 they are named in one string of 256 bytes.
image=committed
for n in 3 4 5 6 7 8 9 10 11 12 13 14; do
  hako run --name layer "$image" sh -c "echo $n >>/layers" >/dev/null 2>&1
  hako commit layer "layer$n" >/dev/null 2>&1
  hako rm -f layer >/dev/null 2>&1
  image=layer$n
done
check 'an image of fourteen layers runs' '^12 \[0\]$' hako run --rm layer14 sh -c 'wc -l </layers'

# Of the shell and its tools alone: Debian's, with limits, the device filter and the seccomp filter of the engine's own.
# Its shells are in the cgroup, too, and emulated: less of a processor would take minutes.
hako create --name scripted --network none --memory 64m --cpus 0.9 --pids-limit 20 base \
  sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max; grep Seccomp: /proc/self/status; mknod /tmp/d b 254 0; cat /tmp/d; exit 5' >/dev/null
hako export-script -o /tmp/scripted.sh scripted
check 'a container by its script alone' '^67108864~90000 100000~20~Seccomp:.2~.*Operation not permitted \[5\]$' sh /tmp/scripted.sh
check 'which leaves nothing' '^0 \[0\]$' sh -c 'find /sys/fs/cgroup -name "hako-script-*" | wc -l'
hako rm scripted >/dev/null

# The element commands need no engine.
check 'a cgroup is made by hand' '^/demo \[0\]$' hako cgroup make demo
check 'limited' '^30000 100000~9~0~1 \[0\]$' \
  sh -c 'hako cgroup set demo --cpus 0.3 --pids-limit 9 cpuset.cpus=0 && cd /sys/fs/cgroup/demo && cat cpu.max pids.max cpuset.cpus && grep -c cpuset cgroup.controllers'
check 'a command is born in it' '^0::/demo \[0\]$' hako cgroup run demo -- cat /proc/self/cgroup
check 'watched' '"path":"/demo".*"cpuCeiling":30,.*"throttled":[1-9]' \
  sh -c 'hako cgroup run demo -- timeout 20 sh -c "while :; do :; done" & sleep 3; hako cgroup top --once --format json demo; hako cgroup kill demo >/dev/null; wait'
check 'shown with meanings' 'cpu.max +30000 100000.*0.3 processors' sh -c 'hako cgroup show demo | tr "\n" " " | tr -s " "'
check 'removed by hand' '^demo~gone \[0\]$' sh -c 'hako cgroup remove demo; test -e /sys/fs/cgroup/demo || echo gone'
check 'the kernel gives what is predicted, by its older rules too' 'pass 5~.*fail 0' \
  env HAKO_CASES=150 /hako/node_modules/.bin/node --test --test-reporter=spec /hako/src/element/cap/execve.test.ts
check 'capabilities are chosen' '^CapAmb:.*0000000000002000 \[0\]$' hako cap run --drop all --add net_raw --ambient net_raw --user nobody -- grep CapAmb /proc/self/status

check 'no cgroup of a container is left' '^0 \[0\]$' sh -c 'find /sys/fs/cgroup/hako -mindepth 1 -type d | wc -l'
check 'no overlay is in the mount table' '^0 \[0\]$' sh -c 'grep -c overlay /proc/self/mountinfo; true'
check 'no monitor is left' '^0 \[0\]$' sh -c 'pgrep -c hako-monitor; true'
# The engine keeps endpoints ready, which the kernel takes away with it.
kill "$(engine_pid)"
wait_for 10 sh -c '[ -z "$(ip -o link show type veth)" ]'
check 'no interface of a container is left once the engine has ended' '^0 \[0\]$' sh -c 'ip -o link show type veth | wc -l'

! failed || tail -n 40 /run/hako/*.log 2>/dev/null
