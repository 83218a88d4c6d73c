#: raw
unshare -n sh -c 'ip link set lo up; exec /root/serve 8080' &

#: hako
hako net add room
hako net run room /root/serve 8080 &
