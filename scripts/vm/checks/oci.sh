# An OCI runtime, named by $argument, with cgroups of its own making (no systemd): its containers' life, and what of it a kernel with
# cgroup v2 alone decides. Read by scripts/vm/checks.sh.
. $here/checks/bundles.sh
make_rootfs "$scratch/rootfs"

$runtime --version | head -n 3

bundle plain . 'id -u; hostname; cat /proc/self/cgroup; grep -E "^(Seccomp|NoNewPrivs|CapEff):" /proc/self/status; exit 7'
check_run 'a container runs' '^0~box~0::/~CapEff:.00000000080000e1~NoNewPrivs:.1~Seccomp:.0 \[7\]$' plain
check 'nothing of it is left' '^0~0 \[0\]$' sh -c "find $cgroups -mindepth 1 -type d 2>/dev/null | wc -l; $runtime list -q | wc -l"

bundle limits '.linux.resources += {memory: {limit: 67108864, swap: 134217728, reservation: 33554432},
  cpu: {shares: 2048, quota: 50000, period: 100000, cpus: "0"}, pids: {limit: 20}, unified: {"memory.high": "60000000"}}' \
  'cd /sys/fs/cgroup; cat memory.max memory.swap.max memory.low memory.high cpu.weight cpu.max cpuset.cpus pids.max'
check_run 'limits are in the files of cgroup v2' '^67108864~67108864~33554432~59998208~(79|174)~50000 100000~0~20 \[0\]$' limits

bundle devices '.linux.resources.devices += [{allow: true, type: "c", major: 10, minor: 200, access: "rw"}] |
  .linux.devices = [{path: "/dev/net/tun", type: "c", major: 10, minor: 200, fileMode: 438, uid: 0, gid: 0}]' '
  echo x >/dev/null && head -c 2 /dev/zero | wc -c; ls -l /dev/net/tun | cut -c 1-10
  mknod /tmp/kmsg c 1 11; head -c 1 /tmp/kmsg; mknod /tmp/disk b 254 0; head -c 1 /tmp/disk; rm -f /tmp/kmsg /tmp/disk'
check_run 'the device filter allows and refuses' '^2~crw-rw-rw-~head: /tmp/kmsg: .*not permitted~head: /tmp/disk: .*not permitted' devices

bundle full '.linux.resources.memory = {limit: 33554432, swap: 33554432}' tail /dev/zero
check_run 'too much memory ends it with 137' '\[137\]$' full

bundle mapped "$mapped" \
  'id -u; tr -s " " </proc/self/uid_map; touch /tmp/made; stat -c %u /tmp/made; ls -l /dev/null | cut -c 1-10; mount -t tmpfs x /tmp'
mapped_rootfs
check_run 'in a user namespace' '^0~ ?0 100000 65536~0~crw-rw-rw-~mount: .* \[[1-9]' mapped
check 'its files belong to the mapped user' '^100000 \[0\]$' stat -c %u $scratch/mapped/tmp/made

bundle mounts '.root.readonly = true | .mounts += [
  {destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["size=1m", "nosuid"]},
  {destination: "/etc/host", type: "bind", source: "/etc", options: ["rbind", "ro"]}]' '
  touch /x; touch /etc/host/x; touch /tmp/x && echo written; wc -c </proc/keys; echo 1 >/proc/sys/kernel/panic; grep -c " /etc/host " /proc/self/mountinfo'
mkdir -p $scratch/rootfs/etc/host
check_run 'mounts' '^touch: /x: Read-only.*~touch: /etc/host/x: Read-only.*~written~0~sh: .*Read-only.*~1 \[0\]$' mounts

bundle life . 'echo up; trap "exit 3" TERM; while :; do sleep 0.2; done'
check 'created' '^created [1-9][0-9]*~0 \[0\]$' sh -c "
  $runtime create --bundle $scratch/life --pid-file $scratch/life/pid life </dev/null >$scratch/life/output 2>&1 || exit
  $runtime state life | jq -r '\"\(.status) \(.pid)\"'; wc -c <$scratch/life/output"
check_run 'its id is taken' 'already exists.*\[1\]$' life
check 'it waits in its cgroup' "^0::/${cgroups##*/}/life \[0\]$" sh -c "cat /proc/\$(cat $scratch/life/pid)/cgroup"
check 'started' '^running \[0\]$' sh -c "$runtime start life && $runtime state life | jq -r .status"
check 'it is not started twice' '\[1\]$' $runtime start life
check 'a running one is not deleted' '\[1\]$' $runtime delete life
check 'exec' '^1000~/tmp~yes~0::/~sh \[5\]$' $runtime exec --user 1000:1000 --cwd /tmp --env MINE=yes life \
  /bin/sh -c 'id -u; pwd; echo $MINE; cat /proc/self/cgroup; cat /proc/1/comm; exit 5'
check 'exec with a terminal' '/dev/pts/0' script -qec "$runtime exec --tty life tty" /dev/null
check 'exec of a missing program' 'no-such-program.*\[(127|255|1)\]$' $runtime exec life no-such-program
check 'ps' '^[1-9][0-9]* \[0\]$' sh -c "$runtime ps --format json life | jq length"
check 'paused' '^1~paused \[0\]$' sh -c "$runtime pause life; cat $cgroups/life/cgroup.freeze; $runtime state life | jq -r .status"
check 'resumed' '^0~running \[0\]$' sh -c "$runtime resume life; cat $cgroups/life/cgroup.freeze; $runtime state life | jq -r .status"
check 'updated' '^50331648~30000 100000~9 \[0\]$' sh -c "$runtime update --memory 50331648 --cpu-quota 30000 --cpu-period 100000 --pids-limit 9 life
  cd $cgroups/life && cat memory.max cpu.max pids.max"
check 'updated from a file' '^41943040~11 \[0\]$' sh -c "echo '{\"memory\": {\"limit\": 41943040}, \"pids\": {\"limit\": 11}}' |
  $runtime update --resources - life; cd $cgroups/life && cat memory.max pids.max"
check 'the device filter has outlived the updates' '^head: .*not permitted~removed \[0\]$' $runtime exec life \
  /bin/sh -c 'mknod /tmp/disk b 254 0; head -c 1 /tmp/disk; rm /tmp/disk && echo removed'
if [ "$argument" != crun ]; then # which has no events
  check 'events' '^stats life true 41943040 true \[0\]$' sh -c "$runtime events --stats life |
    jq -r '\"\(.type) \(.id) \(.data.memory.usage.usage > 0) \(.data.memory.usage.limit) \(.data.pids.current > 0)\"'"
fi
check 'a signal' '^stopped \[0\]$' sh -c "$runtime kill life TERM; i=0
  until [ \"\$($runtime state life | jq -r .status)\" = stopped ] || [ \$i = 20 ]; do i=\$((i + 1)); done; $runtime state life | jq -r .status"
check 'its output' '^up \[0\]$' cat $scratch/life/output
check 'no signal once it has stopped' '\[1\]$' $runtime kill life TERM
check 'deleted' '^0 \[0\]$' sh -c "$runtime delete life && find $cgroups -mindepth 1 -type d | wc -l"
check 'unknown then' '(does not exist|No such file).* \[1\]$' $runtime state life

bundle forced . 'sleep 1000 & sleep 1001 & wait'
check 'deleted by force, with all of its processes' '^0~0 \[0\]$' sh -c "
  $runtime run --detach --bundle $scratch/forced forced </dev/null >/dev/null 2>&1 && $runtime delete --force forced
  find $cgroups -mindepth 1 -type d | wc -l; $runtime list -q | wc -l"

bundle missing . /no-such-program x
check_run 'a missing program is told' 'no-such-program.*\[(127|1)\]$' missing
bundle seccomp '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
  syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}' 'mkdir /tmp/d; grep ^Seccomp: /proc/self/status'
check_run 'seccomp' '^mkdir: .*(not supported).*~Seccomp:.2 \[0\]$' seccomp
bundle times '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000}}' 'cut -d. -f1 /proc/uptime | sed "s/.....$//"'
case $argument in hako-oci) check_run 'a time namespace' '^10 \[0\]$' times ;; esac
check 'nothing is left' '^0~0~0 \[0\]$' sh -c "find $cgroups -mindepth 1 -type d | wc -l; $runtime list -q | wc -l; grep -c $scratch /proc/self/mountinfo; true"
rmdir $cgroups 2>/dev/null
