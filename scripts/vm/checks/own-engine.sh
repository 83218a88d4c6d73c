# The engine of an ordinary user: without a cgroup, and in one that is delegated to the user. Read by scripts/vm/checks.sh; systemd must be
# process 1. No slirp4netns is installed: the containers have each other.

systemctl start user@1000.service
as_user="setpriv --reuid 1000 --regid 1000 --init-groups env HOME=/home/user XDG_RUNTIME_DIR=/run/user/1000"
delegated="systemd-run --quiet --wait --collect --pipe --uid 1000 --property Delegate=yes --property KillMode=none --setenv PATH=$PATH --setenv HOME=/home/user --setenv XDG_RUNTIME_DIR=/run/user/1000"
check 'starts' 'started the engine.*note: containers reach each other' $as_user hako engine start
$as_user hako run --rm base true # makes the image, which takes its time here
check 'runs a container in the granted ids' '^0~ ?0 1000 1~ ?1 100000 65536 \[0\]$' $as_user hako run --rm base sh -c 'id -u; tr -s " " </proc/self/uid_map'
check 'as another user' '^uid=1000 gid=1000 ' $as_user hako run --rm --user 1000:1000 base id
check 'says what limits need' 'no memory controller of cgroup version 2 is delegated' $as_user hako run --rm --memory 64m base true
check 'in the background' '^[0-9a-f]{64} \[0\]$' $as_user hako run -d --name kept base sh -c 'while :; do echo served | nc -lN 80; done'
check 'its processes are of the granted ids' '^1000 \[0\]$' sh -c "stat -c %u /proc/\$($as_user hako inspect --format '{{.State.Pid}}' kept)"
address=$($as_user hako inspect --format '{{.NetworkSettings.IPAddress}}' kept)
check 'reached by others of its network' '^served \[0\]$' $as_user hako run --rm base nc -w 10 "$address" 80
kill -9 "$(cat /run/user/1000/hako/hakod.lock)"
check 'found again' '(^|~)kept \[0\]$' $as_user hako ps --format '{{.Names}}'
check 'entered' '^sh~ \[0\]$|^sh \[0\]$' $as_user hako exec kept cat /proc/1/comm
check 'committed' 'sha256' $as_user hako commit kept again
check 'removed' '^kept \[0\]$' $as_user hako rm -f kept
check 'ends' 'has ended' $as_user hako engine stop
check 'and leaves no process' '^0 \[0\]$' sh -c 'ps -eo args | grep -c "^hako-holder\|^hako-monitor\|^hakod" || true'

# Who starts the engine is in the cgroup, too, until it moves on: with a shell there that stays, no controller can be handed down.
check 'no limits beside others, but it runs' 'no memory controller .* is delegated to you.*~ran~? \[0\]$' $delegated --unit beside.service sh -c '
  hako engine start 2>/dev/null; hako run --rm --memory 64m base echo ran; hako engine stop >/dev/null'

check 'limits in a delegated cgroup, and pauses' '67108864~20~frozen 1~ls: .* \[2\]$' $delegated --unit own.service sh -c '
  cd /sys/fs/cgroup/system.slice/own.service; mkdir shell; hako engine start 2>/dev/null; echo 0 >shell/cgroup.procs
  hako run --rm --memory 64m --pids-limit 20 base sh -c "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"
  hako run -d --name paused base sleep 1000 >/dev/null; hako pause paused >/dev/null
  grep frozen /sys/fs/cgroup/system.slice/own.service/hako/*/cgroup.events
  hako unpause paused >/dev/null; hako rm -f paused >/dev/null; hako engine stop >/dev/null; ls -d hako*'
systemctl stop user@1000.service
