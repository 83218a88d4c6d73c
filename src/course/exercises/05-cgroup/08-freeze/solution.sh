#: raw v1
mkdir {{cgroup:freezer}}/herd
for pid in $(pgrep -f '^sleep 40000'); do echo "$pid" > {{cgroup:freezer}}/herd/cgroup.procs; done
echo FROZEN > {{cgroup:freezer}}/herd/freezer.state
sleep 2
for pid in $(cat {{cgroup:freezer}}/herd/cgroup.procs); do kill -9 "$pid"; done
echo THAWED > {{cgroup:freezer}}/herd/freezer.state

#: raw v2
mkdir /sys/fs/cgroup/herd
for pid in $(pgrep -f '^sleep 40000'); do echo "$pid" > /sys/fs/cgroup/herd/cgroup.procs; done
echo 1 > /sys/fs/cgroup/herd/cgroup.freeze
sleep 2
echo 1 > /sys/fs/cgroup/herd/cgroup.kill
echo 0 > /sys/fs/cgroup/herd/cgroup.freeze

#: hako
hako cgroup make herd
hako cgroup move herd $(pgrep -f '^sleep 40000')
hako cgroup freeze herd
sleep 2
hako cgroup kill herd
hako cgroup thaw herd
