#: raw
names=
for n in 1 2 3 4 5; do
  if ip -n box$n -o -4 address show eth0 | grep -q /8; then
    names="$names mask"
    ip -n box$n address add 10.20.$n.2/24 dev eth0
    ip -n box$n address del 10.20.$n.2/8 dev eth0
    ip -n box$n route replace default via 10.20.$n.1
  elif [ -z "$(ip -n box$n route show default)" ]; then
    names="$names route"
    ip -n box$n route add default via 10.20.$n.1
  elif [ "$(cat /proc/sys/net/ipv4/conf/to-box$n/forwarding)" = 0 ]; then
    names="$names forward"
    echo 1 >/proc/sys/net/ipv4/conf/to-box$n/forwarding
  elif [ "$(cat /sys/class/net/to-box$n/mtu)" != 1500 ]; then
    names="$names mtu"
    ip link set to-box$n mtu 1500
  else
    names="$names chain"
    nft add rule ip guard forward ip saddr 10.20.$n.0/24 accept
  fi
done
answer $names

#: hako
names=
for n in 1 2 3 4 5; do
  path=$(hako net path box$n 10.99.0.1:80 || :)
  case $path in
  *"nobody on the wire"*)
    names="$names mask"
    hako net address --ns box$n --rm eth0 10.20.$n.2/8
    hako net address --ns box$n eth0 10.20.$n.2/24
    hako net route --ns box$n default --via 10.20.$n.1
    ;;
  *"no route to 10.99.0.1"*)
    names="$names route"
    hako net route --ns box$n default --via 10.20.$n.1
    ;;
  *"does not forward"*)
    names="$names forward"
    echo 1 >/proc/sys/net/ipv4/conf/to-box$n/forwarding
    ;;
  *"drops it"*)
    names="$names chain"
    nft add rule ip guard forward ip saddr 10.20.$n.0/24 accept
    ;;
  *)
    names="$names mtu"
    hako net link to-box$n --mtu 1500
    ;;
  esac
done
answer $names
