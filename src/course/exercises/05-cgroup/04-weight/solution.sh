#: raw v1
mkdir {{cgroup:cpu}}/gold {{cgroup:cpu}}/tin
echo 3072 > {{cgroup:cpu}}/gold/cpu.shares
echo 1024 > {{cgroup:cpu}}/tin/cpu.shares
taskset -c 0 yes > /dev/null & echo $! > {{cgroup:cpu}}/gold/cgroup.procs
taskset -c 0 yes > /dev/null & echo $! > {{cgroup:cpu}}/tin/cgroup.procs

#: raw v2
mkdir {{cgroup:cpu}}/gold {{cgroup:cpu}}/tin
echo 300 > {{cgroup:cpu}}/gold/cpu.weight
echo 100 > {{cgroup:cpu}}/tin/cpu.weight
taskset -c 0 yes > /dev/null & echo $! > {{cgroup:cpu}}/gold/cgroup.procs
taskset -c 0 yes > /dev/null & echo $! > {{cgroup:cpu}}/tin/cgroup.procs

#: hako v1
hako cgroup make gold --cpu-shares 3072
hako cgroup make tin --cpu-shares 1024
taskset -c 0 yes > /dev/null & hako cgroup move gold $!
taskset -c 0 yes > /dev/null & hako cgroup move tin $!

#: hako v2
hako cgroup make gold cpu.weight=300
hako cgroup make tin cpu.weight=100
taskset -c 0 yes > /dev/null & hako cgroup move gold $!
taskset -c 0 yes > /dev/null & hako cgroup move tin $!
