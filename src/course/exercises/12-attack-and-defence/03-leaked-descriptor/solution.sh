#: raw
answer "$(/root/toy cat /proc/self/fd/8/root/secret)"
/root/toy sh -c 'cd /proc/self/fd/8/root; exec sleep infinity' &
sed 's|^exec unshare|exec 8<\&-\n&|' /root/toy >/root/toy-sealed
chmod 755 /root/toy-sealed
/root/toy-sealed sleep infinity &

#: hako
answer "$(/root/toy cat /proc/self/fd/8/root/secret)"
/root/toy sh -c 'cd /proc/self/fd/8/root; exec sleep infinity' &
sed 's|^exec unshare --mount --pid --fork|exec 8<\&-\nexec hako ns run --mount --pid|' /root/toy >/root/toy-sealed
chmod 755 /root/toy-sealed
/root/toy-sealed sleep infinity &
