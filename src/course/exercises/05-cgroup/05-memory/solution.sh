#: raw v1
mkdir {{cgroup:memory}}/ten
echo 10000000 > {{cgroup:memory}}/ten/memory.limit_in_bytes
status=0
sh -c 'echo $$ > {{cgroup:memory}}/ten/cgroup.procs; exec tail /dev/zero' || status=$?
answer "$status"

#: raw v2
mkdir {{cgroup:memory}}/ten
echo 10000000 > {{cgroup:memory}}/ten/memory.max
status=0
sh -c 'echo $$ > {{cgroup:memory}}/ten/cgroup.procs; exec tail /dev/zero' || status=$?
answer "$status"

#: hako
hako cgroup make ten --memory 10000000
status=0
hako cgroup run ten -- tail /dev/zero || status=$?
answer "$status"
