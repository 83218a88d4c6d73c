#: raw v1
mkdir {{cgroup:cpu}}/first
echo 30000 > {{cgroup:cpu}}/first/cpu.cfs_quota_us
sh -c 'echo $$ > {{cgroup:cpu}}/first/cgroup.procs
  exec unshare --pid --fork --mount-proc --uts sh -c "hostname first; yes > /dev/null"' &

#: raw v2
mkdir {{cgroup:cpu}}/first
echo '30000 100000' > {{cgroup:cpu}}/first/cpu.max
sh -c 'echo $$ > {{cgroup:cpu}}/first/cgroup.procs
  exec unshare --pid --fork --mount-proc --uts sh -c "hostname first; yes > /dev/null"' &

#: hako
hako run -d --name first --cpus 0.3 base sh -c 'yes > /dev/null'
