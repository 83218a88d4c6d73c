#: raw v1
mkdir {{cgroup:cpu}}/slow /sys/fs/cgroup/unified/slow
echo 10000 > {{cgroup:cpu}}/slow/cpu.cfs_quota_us
yes > /dev/null &
echo $! > {{cgroup:cpu}}/slow/cgroup.procs
echo $! > /sys/fs/cgroup/unified/slow/cgroup.procs

#: raw v2
mkdir /sys/fs/cgroup/slow
echo '10000 100000' > /sys/fs/cgroup/slow/cpu.max
yes > /dev/null &
echo $! > /sys/fs/cgroup/slow/cgroup.procs

#: hako
hako cgroup make slow --cpus 0.1
hako cgroup run slow -- sh -c 'yes > /dev/null' &
