#: raw
pid=$(pgrep -fx 'sleep 33333')
(
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    echo $BASHPID > /sys/fs/cgroup/one/cgroup.procs
  else
    for tree in /sys/fs/cgroup/*/one; do echo $BASHPID > "$tree/cgroup.procs"; done
  fi
  exec nsenter -t "$pid" --mount --uts --ipc --net --pid setpriv --bounding-set=-all,+kill,+net_bind_service,+audit_write sleep 44444
) &

#: hako
hako-oci exec --detach one sleep 44444 < /dev/null > log 2>&1
