#: raw
setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Ur --mount --pid --fork --net sh -c '
  cd /home/learner && mkdir -p upper work merged
  mount -t overlay overlay -o lowerdir=/srv/rootfs,upperdir=upper,workdir=work,userxattr merged
  mount --rbind /usr merged/usr
  mount -t proc proc merged/proc
  exec chroot merged sleep 1000' &

#: hako
setpriv --reuid 1000 --regid 1000 --clear-groups hako ns run --map-root-user --mount --pid --net sh -c '
  cd /home/learner && mkdir -p upper work merged
  mount -t overlay overlay -o lowerdir=/srv/rootfs,upperdir=upper,workdir=work,userxattr merged
  mount --rbind /usr merged/usr
  mount -t proc proc merged/proc
  exec chroot merged sleep 1000' &
