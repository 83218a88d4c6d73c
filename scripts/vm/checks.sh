#!/bin/sh
# What must work on a stock kernel, checked inside the virtual machine that scripts/vm/run.sh boots. One line a check; last line: the count.
passed=0
failed=0

# check NAME EXPECTED COMMAND…: the command's output (both streams) must match the extended regular expression, over all its lines.
check() {
  name=$1 expected=$2
  shift 2
  output=$(timeout 60 "$@" 2>&1)
  status=$?
  if printf '%s' "$output [$status]" | tr '\n' '~' | grep -qE -- "$expected"; then
    passed=$((passed + 1))
    echo "ok   $name"
  else
    failed=$((failed + 1))
    echo "FAIL $name"
    printf '%s [%s]\n' "$output" "$status" | sed 's/^/     | /'
  fi
}
# wait_for SECONDS COMMAND…: until it succeeds
wait_for() {
  left=$(($1 * 10))
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ $left -gt 0 ] || return 1
    sleep 0.1
  done
}
engine_pid() { pgrep -o -x hakod; }

echo "Linux $(uname -r), $(findmnt -n -o FSTYPE,OPTIONS /sys/fs/cgroup), controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"

check 'a container runs' '^uid=0\(root\).*~[0-9a-f]{12}~.* sh -c .*inet 10\.|inet 172\.|inet 192\.' hako run --rm base sh -c 'id; hostname; ps aux; ip addr'
check 'its exit status is passed on' '\[7\]$' hako run --rm base sh -c 'exit 7'
check 'it is in a cgroup namespace of its own' '^0::/ \[0\]$' hako run --rm base sh -c 'cat /proc/self/cgroup'
check 'limits are in the files of cgroup v2' '^67108864~30000 100000~20 \[0\]$' \
  hako run --rm --memory 64m --cpus 0.3 --pids-limit 20 base sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max'
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

check 'no cgroup of a container is left' '^0 \[0\]$' sh -c 'find /sys/fs/cgroup/hako -mindepth 1 -type d | wc -l'
check 'no overlay is in the mount table' '^0 \[0\]$' sh -c 'grep -c overlay /proc/self/mountinfo; true'
check 'no monitor is left' '^0 \[0\]$' sh -c 'pgrep -c hako-monitor; true'
# The engine keeps endpoints ready, which the kernel takes away with it.
kill "$(engine_pid)"
wait_for 10 sh -c '[ -z "$(ip -o link show type veth)" ]'
check 'no interface of a container is left once the engine has ended' '^0 \[0\]$' sh -c 'ip -o link show type veth | wc -l'

[ $failed -eq 0 ] || tail -n 40 /run/hako/*.log 2>/dev/null
echo "$passed passed, $failed failed"
