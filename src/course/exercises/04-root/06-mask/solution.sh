#: raw
unshare --mount sh -c '
  mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys
  mount --bind /dev/null /proc/keys
  mount -t tmpfs -o ro empty /proc/irq
  exec sleep 1000' &

#: hako
hako ns run --mount sh -c '
  mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys
  mount --bind /dev/null /proc/keys
  mount -t tmpfs -o ro empty /proc/irq
  exec sleep 1000' &
