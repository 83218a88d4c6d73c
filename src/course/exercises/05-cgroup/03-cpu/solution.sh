#: raw v1
mkdir {{cgroup:cpu}}/a {{cgroup:cpu}}/b
echo 30000 > {{cgroup:cpu}}/a/cpu.cfs_quota_us
echo 50000 > {{cgroup:cpu}}/b/cpu.cfs_quota_us
yes > /dev/null & echo $! > {{cgroup:cpu}}/a/cgroup.procs
yes > /dev/null & echo $! > {{cgroup:cpu}}/b/cgroup.procs

#: raw v2
mkdir {{cgroup:cpu}}/a {{cgroup:cpu}}/b
echo '30000 100000' > {{cgroup:cpu}}/a/cpu.max
echo '50000 100000' > {{cgroup:cpu}}/b/cpu.max
yes > /dev/null & echo $! > {{cgroup:cpu}}/a/cgroup.procs
yes > /dev/null & echo $! > {{cgroup:cpu}}/b/cgroup.procs

#: hako
hako cgroup make a --cpus 0.3
hako cgroup make b --cpus 0.5
yes > /dev/null & hako cgroup move a $!
yes > /dev/null & hako cgroup move b $!
