#: raw
unshare --mount --pid --fork sh -c '
  mount --rbind /root/rootfs /root/rootfs
  mount -t proc proc /root/rootfs/proc
  mkdir -p /root/rootfs/old
  cd /root/rootfs && pivot_root . old
  umount -l /old && exec sleep 1000' &

#: hako
hako ns run --pid hako root run --proc /root/rootfs sleep 1000 &
