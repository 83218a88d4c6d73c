#: raw
touch /root/kept
unshare --uts=/root/kept hostname "$(cat /root/name)"

#: hako
hako ns run --uts sh -c 'hostname "$(cat /root/name)"; exec sleep 100' &
until pgrep -fx 'sleep 100' > /dev/null; do sleep 0.1; done
hako ns keep "$(pgrep -fx 'sleep 100')" uts /root/kept
pkill -fx 'sleep 100'
