#: raw
unshare -u sh -c 'hostname "$(cat /root/name)"; exec sleep 1000' &

#: hako
hako ns run --uts sh -c 'hostname "$(cat /root/name)"; exec sleep 1000' &
