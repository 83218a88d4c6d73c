#: raw
mkdir -p /etc/netns/client
printf '127.0.0.1 localhost\n10.10.0.2 web\n' >/etc/netns/client/hosts
echo 'nameserver 127.0.0.11' >/etc/netns/client/resolv.conf
ip netns exec client /root/names 127.0.0.11 &
ip netns exec client sleep infinity &

#: hako
printf '127.0.0.1 localhost\n10.10.0.2 web\n' >/root/hosts
echo 'nameserver 127.0.0.11' >/root/resolv.conf
hako net run client /root/names 127.0.0.11 &
hako net run client hako ns run --mount sh -c '
  mount --bind /root/hosts /etc/hosts
  mount --bind /root/resolv.conf /etc/resolv.conf
  exec sleep infinity' &
