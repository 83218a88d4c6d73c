# podman, whose runtime is the one that $argument names and whose cgroups systemd makes: as root and as an ordinary user. Read by
# scripts/vm/checks.sh; systemd must be process 1.
. $here/checks/bundles.sh
podman="podman --log-level error --runtime $(command -v $program) --cgroup-manager systemd --events-backend file"

make_rootfs "$scratch/rootfs"
tar -cf "$scratch/image.tar" -C "$scratch/rootfs" .
check 'an image is imported' 'localhost/box|sha256|[0-9a-f]{64}' $podman import --change 'CMD ["sh"]' "$scratch/image.tar" localhost/box
run="$podman run --network none"
check 'run' '^0~0::/~67108864~20 \[7\]$' $run --rm --memory 64m --pids-limit 20 localhost/box \
  sh -c 'id -u; cat /proc/self/cgroup /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max; exit 7'
check 'run -d' '^[0-9a-f]{64} \[0\]$' $run --detach --name held localhost/box sh -c 'echo up; trap "exit 3" TERM; while :; do sleep 0.2; done'
check 'in a scope of its own' '^0::/machine.slice/libpod-[0-9a-f]{64}.scope(/container)? \[0\]$' sh -c "cat /proc/\$($podman inspect --format '{{.State.Pid}}' held)/cgroup"
check 'exec' '^5~0::/ \[4\]$' $podman exec --env N=5 held sh -c 'echo $N; cat /proc/self/cgroup; exit 4'
check 'exec -t' '/dev/pts/[0-9]' script -qec "$podman exec --tty held tty" /dev/null
check 'pause and unpause' 'paused~running \[0\]$' sh -c "$podman pause held >/dev/null; $podman inspect --format '{{.State.Status}}' held
  $podman unpause held >/dev/null; $podman inspect --format '{{.State.Status}}' held"
check 'stats' '^[1-9][0-9.]*[kMG]?B / .*[1-9] \[0\]$' $podman stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' held
check 'logs' '^up \[0\]$' $podman logs held
check 'stop' '3 \[0\]$' sh -c "$podman stop held >/dev/null; $podman inspect --format '{{.State.ExitCode}}' held"
check 'start again, kill' '137 \[0\]$' sh -c "$podman start held >/dev/null && $podman kill held >/dev/null; $podman wait held >/dev/null
  $podman inspect --format '{{.State.ExitCode}}' held"
check 'a missing program' 'executable file.*not found.*\[127\]$' $run --rm localhost/box no-such-program
check 'rm' '^0 \[0\]$' sh -c "$podman rm --force held >/dev/null; find /sys/fs/cgroup/machine.slice -name 'libpod-*.scope' 2>/dev/null | wc -l"

systemctl start user@1000.service
chmod 755 "$scratch"
user="systemd-run --quiet --collect --pipe --wait --user --machine user@.host env HOME=/home/user $podman"
check 'an ordinary user imports an image' 'localhost/box|sha256|[0-9a-f]{64}' $user import "$scratch/image.tar" localhost/box
check 'an ordinary user runs' '^0~0 1000 1~1 100000 65536~67108864 \[7\]$' $user run --rm --network none --memory 64m localhost/box \
  sh -c 'id -u; tr -s " " </proc/self/uid_map | sed "s/^ //"; cat /sys/fs/cgroup/memory.max; exit 7'
check 'with --userns keep-id' '^1000 \[0\]$' $user run --rm --network none --userns keep-id localhost/box id -u
systemctl stop user@1000.service
