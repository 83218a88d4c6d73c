#: raw v1
mkdir -p {{cgroup:cpu}}/outer/inner {{cgroup:pids}}/outer/inner
sleep 1000 &
echo $! > {{cgroup:cpu}}/outer/inner/cgroup.procs
echo $! > {{cgroup:pids}}/outer/inner/cgroup.procs

#: raw v2
mkdir /sys/fs/cgroup/outer
echo '+cpu +pids' > /sys/fs/cgroup/outer/cgroup.subtree_control
mkdir /sys/fs/cgroup/outer/inner
sleep 1000 &
echo $! > /sys/fs/cgroup/outer/inner/cgroup.procs

#: hako
hako cgroup make outer
hako cgroup make outer/inner --cpus 1 --pids-limit 50
sleep 1000 &
hako cgroup move outer/inner $!
