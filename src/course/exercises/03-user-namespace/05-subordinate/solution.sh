#: raw
setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user sleep 1000 &
until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done
printf '0 1000 1\n1 10000 20000\n' | dd bs=100 iflag=fullblock of=/proc/$!/uid_map 2> /dev/null
printf '0 1000 1\n1 10000 20000\n' | dd bs=100 iflag=fullblock of=/proc/$!/gid_map 2> /dev/null
nsenter -t $! -U --setuid 33 --setgid 33 sleep 2000 &

#: hako
setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user sleep 1000 &
until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done
printf '0 1000 1\n1 10000 20000\n' | dd bs=100 iflag=fullblock of=/proc/$!/uid_map 2> /dev/null
printf '0 1000 1\n1 10000 20000\n' | dd bs=100 iflag=fullblock of=/proc/$!/gid_map 2> /dev/null
hako ns enter --user $! setpriv --reuid 33 --regid 33 --clear-groups sleep 2000 &
