#: raw v1
mkdir {{cgroup:cpu}}/ship
echo 30000 > {{cgroup:cpu}}/ship/cpu.cfs_quota_us
sh -c 'echo $$ > {{cgroup:cpu}}/ship/cgroup.procs
  exec unshare --mount --uts --ipc --net --pid --fork --user --map-root-user sh -c "
    mount -t proc proc /root/rootfs/proc &&
    mount --bind /dev/null /root/rootfs/dev/null &&
    hostname $(cat /root/name) &&
    exec chroot /root/rootfs setpriv --bounding-set=-sys_chroot sh -c \"yes > /dev/null\""' &

#: raw v2
mkdir {{cgroup:cpu}}/ship
echo '30000 100000' > {{cgroup:cpu}}/ship/cpu.max
sh -c 'echo $$ > {{cgroup:cpu}}/ship/cgroup.procs
  exec unshare --mount --uts --ipc --net --pid --fork --user --map-root-user sh -c "
    mount -t proc proc /root/rootfs/proc &&
    mount --bind /dev/null /root/rootfs/dev/null &&
    hostname $(cat /root/name) &&
    exec chroot /root/rootfs setpriv --bounding-set=-sys_chroot sh -c \"yes > /dev/null\""' &

#: hako
hako cgroup make ship
hako cgroup set ship --cpus 0.3
hako cgroup run ship -- hako ns run --all --map-root-user sh -c '
  mount --bind /dev/null /root/rootfs/dev/null
  hostname "$(cat /root/name)"
  exec hako cap run --drop sys_chroot -- hako root run --proc /root/rootfs sh -c "yes > /dev/null"' &
