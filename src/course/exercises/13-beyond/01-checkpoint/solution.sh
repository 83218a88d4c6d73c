#: raw v1
echo FROZEN > {{cgroup:freezer}}/counter/freezer.state
until grep -q FROZEN {{cgroup:freezer}}/counter/freezer.state; do :; done
sleep 1
number=$(cat count)
kill -9 {{fact:pid}}
echo THAWED > {{cgroup:freezer}}/counter/freezer.state
while [ -e /proc/{{fact:pid}} ]; do :; done
setsid unshare --pid --fork --mount-proc sh -c 'echo 41 > /proc/sys/kernel/ns_last_pid; sh /root/counter "$0" & wait' "$number" >/dev/null 2>&1 </dev/null &

#: raw v2
echo 1 > /sys/fs/cgroup/counter/cgroup.freeze
until grep -q 'frozen 1' /sys/fs/cgroup/counter/cgroup.events; do :; done
sleep 1
number=$(cat count)
echo 1 > /sys/fs/cgroup/counter/cgroup.kill
while [ -e /proc/{{fact:pid}} ]; do :; done
setsid unshare --pid --fork --mount-proc sh -c 'echo 41 > /proc/sys/kernel/ns_last_pid; sh /root/counter "$0" & wait' "$number" >/dev/null 2>&1 </dev/null &

#: hako
hako cgroup freeze counter
sleep 1
number=$(cat count)
hako cgroup kill counter
hako cgroup thaw counter
while [ -e /proc/{{fact:pid}} ]; do :; done
setsid hako ns run --pid --mount-proc sh -c 'echo 41 > /proc/sys/kernel/ns_last_pid; sh /root/counter "$0" & wait' "$number" >/dev/null 2>&1 </dev/null &
