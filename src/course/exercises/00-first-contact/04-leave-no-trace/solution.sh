#: raw
umount /srv/data
umount /root/kept-uts
umount /run/netns/lost && rm /run/netns/lost
find /sys/fs/cgroup -type d -name abandoned -exec rmdir {} +
pkill -f 'sleep 100000'

#: hako
umount /srv/data
hako ns release /root/kept-uts
hako net rm lost
hako cgroup remove abandoned
pkill -f 'sleep 100000'
