#: raw
unshare --mount sh -c '
  cd /root/rootfs/dev
  for name in null zero urandom; do touch $name; mount --bind /dev/$name $name; done
  mkdir -p pts shm
  mount -t devpts -o newinstance,ptmxmode=0666 devpts pts
  mount -t tmpfs shm shm
  exec chroot /root/rootfs sleep 1000' &

#: hako
hako ns run --mount sh -c '
  cd /root/rootfs/dev
  for name in null zero urandom; do touch $name; mount --bind /dev/$name $name; done
  mkdir -p pts shm
  mount -t devpts -o newinstance,ptmxmode=0666 devpts pts
  mount -t tmpfs shm shm
  exec hako root run --chroot /root/rootfs sleep 1000' &
