#: raw
chroot /root/jail setpriv --bounding-set=-sys_chroot sleep 1000 &

#: hako
hako root run --chroot /root/jail setpriv --bounding-set=-sys_chroot sleep 1000 &
