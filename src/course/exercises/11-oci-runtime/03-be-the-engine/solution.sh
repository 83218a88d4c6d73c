#: raw v1
mkfifo keys
sleep 1000 > keys &
hako run -d --name mine --cpus 0.3 --hostname "$(cat name)" --hand=cgroup.limit.cpu,uts.hostname base sleep 1000 < keys > log 2>&1 &
until grep -q 'cpu.cfs_quota_us: expected' log; do sleep 0.2; done
sleep 1
for file in {{cgroup:cpu}}/hako/*/cpu.cfs_quota_us; do echo 30000 > "$file"; done
until grep -q 'step   uts.hostname' log; do sleep 0.2; done
nsenter -t "$(grep -o 'nsenter -t [0-9]*' log | tail -n 1 | cut -d' ' -f3)" -u hostname "$(cat name)"

#: raw v2
mkfifo keys
sleep 1000 > keys &
hako run -d --name mine --cpus 0.3 --hostname "$(cat name)" --hand=cgroup.limit.cpu,uts.hostname base sleep 1000 < keys > log 2>&1 &
until grep -q 'cpu.max: expected' log; do sleep 0.2; done
sleep 1
for file in /sys/fs/cgroup/hako/*/cpu.max; do echo '30000 100000' > "$file"; done
until grep -q 'step   uts.hostname' log; do sleep 0.2; done
nsenter -t "$(grep -o 'nsenter -t [0-9]*' log | tail -n 1 | cut -d' ' -f3)" -u hostname "$(cat name)"

#: hako
mkfifo keys
sleep 1000 > keys &
hako run -d --name mine --cpus 0.3 --hostname "$(cat name)" --hand=cgroup.limit.cpu,uts.hostname base sleep 1000 < keys > log 2>&1 &
until grep -q ': expected 30000' log; do sleep 0.2; done
sleep 1
container=$(find /sys/fs/cgroup -type d -regex '.*/hako/[0-9a-f]*' | head -n 1)
hako cgroup set "hako/${container##*/}" --cpus 0.3
until grep -q 'step   uts.hostname' log; do sleep 0.2; done
hako ns enter --uts "$(grep -o 'nsenter -t [0-9]*' log | tail -n 1 | cut -d' ' -f3)" hostname "$(cat name)"
