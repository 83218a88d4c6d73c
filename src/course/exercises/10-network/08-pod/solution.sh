#: raw
unshare --net --ipc --mount sh -c 'ip link set lo up; echo $$ >/root/first; exec /root/serve 8080' &
until [ -s /root/first ]; do sleep 0.02; done
nsenter --target="$(cat /root/first)" --net --ipc unshare --mount sleep infinity &

#: hako
hako ns run --net --ipc --mount sh -c 'hako net link lo --up; echo $$ >/root/first; exec /root/serve 8080' &
until [ -s /root/first ]; do sleep 0.02; done
hako ns enter --net --ipc "$(cat /root/first)" hako ns run --mount sleep infinity &
