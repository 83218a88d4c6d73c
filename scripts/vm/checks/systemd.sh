# An OCI runtime, named by $argument, that has systemd make its cgroups (--systemd-cgroup). Read by scripts/vm/checks.sh; systemd must be
# process 1.
. $here/checks/bundles.sh
make_rootfs "$scratch/rootfs"
# the runtime with the driver, as words of a command
called="$runtime --systemd-cgroup"

bundle unit '.linux.cgroupsPath = "vm-checks.slice:vm:unit" | .linux.resources += {memory: {limit: 67108864, reservation: 33554432},
  cpu: {shares: 2048, quota: 50000, period: 100000, cpus: "0"}, pids: {limit: 20}}' 'while :; do sleep 1000; done'
check 'created in a scope' '^created \[0\]$' sh -c "
  $called create --bundle $scratch/unit --pid-file $scratch/unit/pid unit </dev/null >/dev/null 2>$scratch/unit/output || cat $scratch/unit/output
  $called state unit | jq -r .status"
cgroup=/sys/fs/cgroup/vm.slice/vm-checks.slice/vm-unit.scope
check 'its cgroup' '^0::/vm.slice/vm-checks.slice/vm-unit.scope \[0\]$' sh -c "cat /proc/\$(cat $scratch/unit/pid)/cgroup"
check 'systemd knows it' '^vm-checks.slice~yes~active \[0\]$' systemctl show --value --property Slice,Delegate,ActiveState vm-unit.scope
check 'systemd knows its limits' '^AllowedCPUs=0~CPUQuotaPerSecUSec=500ms~MemoryLow=33554432~MemoryMax=67108864~TasksMax=20 \[0\]$' sh -c '
  systemctl show --property CPUQuotaPerSecUSec,MemoryMax,MemoryLow,TasksMax,AllowedCPUs vm-unit.scope | sort'
check 'and the kernel' '^67108864~33554432~50000 100000~20~0 \[0\]$' sh -c "cd $cgroup && cat memory.max memory.low cpu.max pids.max cpuset.cpus"
check 'started' '^running \[0\]$' sh -c "$called start unit && $called state unit | jq -r .status"
check 'exec is in the scope' '^0::/~20 \[0\]$' $called exec unit /bin/sh -c 'cat /proc/self/cgroup /sys/fs/cgroup/pids.max'
check 'paused' '^1~paused \[0\]$' sh -c "$called pause unit; cat $cgroup/cgroup.freeze; $called state unit | jq -r .status"
check 'resumed' '^0~running \[0\]$' sh -c "$called resume unit; cat $cgroup/cgroup.freeze; $called state unit | jq -r .status"
check 'updated' '^50331648~30000 100000~9~CPUQuotaPerSecUSec=300ms~MemoryMax=50331648~TasksMax=9 \[0\]$' sh -c "
  $called update --memory 50331648 --cpu-quota 30000 --cpu-period 100000 --pids-limit 9 unit; cd $cgroup && cat memory.max cpu.max pids.max
  systemctl show --property CPUQuotaPerSecUSec,MemoryMax,TasksMax vm-unit.scope | sort"
check 'all holds when systemd has read its units again' '^50331648~9~head: .*not permitted~fine \[0\]$' sh -c "systemctl daemon-reload; cd $cgroup && cat memory.max pids.max
  $called exec unit /bin/sh -c 'mknod /tmp/disk b 254 0; head -c 1 /tmp/disk; rm /tmp/disk; head -c 1 /dev/zero >/dev/null && echo fine'"
check 'the exit is seen' '^stopped \[0\]$' sh -c "$called kill unit KILL; i=0
  until [ \"\$($called state unit | jq -r .status)\" = stopped ] || [ \$i = 20 ]; do i=\$((i + 1)); done; $called state unit | jq -r .status"
check 'deleted' '^inactive~gone \[0\]$' sh -c "$called delete unit; systemctl show --value --property ActiveState vm-unit.scope; test -e $cgroup || echo gone"

bundle stopped '.linux.cgroupsPath = ":vm:stopped"' 'trap "exit 3" TERM; while :; do sleep 0.2; done'
check 'systemd may stop it' '^/system.slice/vm-stopped.scope~stopped \[0\]$' sh -c "
  $called run --detach --bundle $scratch/stopped stopped </dev/null >/dev/null 2>&1; systemctl show --value --property ControlGroup vm-stopped.scope
  systemctl stop vm-stopped.scope 2>/dev/null; $called state stopped | jq -r .status; $called delete stopped"
bundle ended '.linux.cgroupsPath = "system.slice:vm:ended"' 'cat /proc/self/cgroup; exit 7'
check 'run' '(^|~)0::/ \[7\]$' $called run --bundle $scratch/ended ended
bundle wrong '.linux.cgroupsPath = "system.slice:vm:wrong"' /no-such-program x
check 'a failed start' 'no-such-program.*\[(1|127)\]$' $called run --bundle $scratch/wrong wrong
bundle path '.linux.cgroupsPath = "/no/unit"' 'echo started'
check 'a path is no unit' 'slice.* \[1\]$' $called run --bundle $scratch/path path
check 'no scope is left' '^0~0 \[0\]$' sh -c "systemctl list-units --all --plain --no-legend 'vm-*.scope' | wc -l; $called list -q | wc -l"
