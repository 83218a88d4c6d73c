# An OCI runtime, named by $argument, of an ordinary user: without a cgroup, in one that was delegated to the user, and by the user's own
# systemd. Read by scripts/vm/checks.sh; systemd must be process 1.
. $here/checks/bundles.sh

make_rootfs "$scratch/rootfs"
chown -hR 1000:1000 "$scratch/rootfs"
# With a root of the user's.
runtime=$program
run_directory=/run/user/1000
systemctl start user@1000.service
# As the user, in a cgroup that is root's.
as_user="setpriv --reuid 1000 --regid 1000 --init-groups env -u DBUS_SESSION_BUS_ADDRESS HOME=/home/user XDG_RUNTIME_DIR=$run_directory"
# As the user, in a cgroup that is the user's.
delegated="systemd-run --quiet --wait --collect --pipe --uid 1000 --property Delegate=yes --setenv XDG_RUNTIME_DIR=$run_directory"
# By the user's systemd: a process can only be moved within what is the user's.
managed="systemd-run --quiet --collect --pipe --wait --user --machine user@.host"

rootless='.linux.namespaces += [{type: "user"}] | del(.mounts[] | select(.type == "sysfs")) |
  .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] | .linux.gidMappings = .linux.uidMappings | del(.linux.resources) | del(.linux.cgroupsPath)'
bundle alone "$rootless" 'id -u; tr -s " " </proc/self/uid_map; touch /tmp/made; stat -c %u /tmp/made; hostname; exit 7'
check 'runs as an ordinary user' '^0~ ?0 1000 1~0~box \[7\]$' $as_user $runtime run --bundle $scratch/alone alone
check 'its files belong to the user' '^1000 \[0\]$' stat -c %u $scratch/rootfs/tmp/made
check 'what it leaves lies with the user' '^[^~]*0 \[0\]$' sh -c "find $run_directory -mindepth 2 -name alone | wc -l"
bundle life "$rootless" 'while :; do sleep 1000; done'
check 'created, started, entered, killed, deleted' '^created~running~0~7~stopped \[0\]$' $as_user sh -c "
  $runtime create --bundle $scratch/life life </dev/null >/dev/null 2>/tmp/life-output || cat /tmp/life-output
  $runtime state life | jq -r .status; $runtime start life; $runtime state life | jq -r .status
  $runtime exec life /bin/sh -c 'id -u; exit 7'; echo \$?; $runtime kill life KILL; i=0
  until [ \"\$($runtime state life | jq -r .status)\" = stopped ] || [ \$i = 20 ]; do i=\$((i + 1)); done
  $runtime state life | jq -r .status; $runtime delete life"
bundle many "$rootless"' | .linux.uidMappings += [{containerID: 1, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings' \
  'tr -s " " </proc/self/uid_map; chown 7:7 /tmp/made; stat -c %u /tmp/made'
check 'with the ids of /etc/subuid, by newuidmap' '^ ?0 1000 1~ ?1 100000 65536~7 \[0\]$' $as_user $runtime run --bundle $scratch/many many
rm -f $scratch/rootfs/tmp/made

bundle limited "$rootless"' | .linux.cgroupsPath = "CGROUP/limited" | .linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}}' \
  'cat /proc/self/cgroup; cd /sys/fs/cgroup; cat memory.max pids.max'
sed -i 's|"CGROUP/|"/system.slice/delegated.service/|' $scratch/limited/config.json
# The no-internal-process rule: who uses a delegated cgroup goes into a part of it, and lets the other part have the controllers.
check 'limits in a delegated cgroup' '^0::/~67108864~20~gone \[0\]$' $delegated --unit delegated.service sh -c "
  cd /sys/fs/cgroup/system.slice/delegated.service && mkdir own && echo 0 >own/cgroup.procs && echo +memory +pids >cgroup.subtree_control
  $runtime run --bundle $scratch/limited limited; test -e limited || echo gone"
bundle scoped "$rootless"' | .linux.cgroupsPath = "user.slice:vm:scoped" | .linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}}' \
  'cat /proc/self/cgroup; cd /sys/fs/cgroup; cat memory.max pids.max'
check "a scope of the user's systemd" '(^|~)0::/~67108864~20 \[0\]$' $managed $runtime --systemd-cgroup run --bundle $scratch/scoped scoped
check 'which is gone' '^0 \[0\]$' sh -c 'find /sys/fs/cgroup -name vm-scoped.scope | wc -l'
systemctl stop user@1000.service
