#: raw
ip link add br0 type bridge
ip link set br0 up
for n in 2 3; do
  ip netns add box$n
  ip link add port$n type veth peer name eth0 netns box$n
  ip link set port$n master br0
  ip link set port$n up
  ip -n box$n address add 10.10.0.$n/24 dev eth0
  ip -n box$n link set eth0 up
done
ip netns exec box2 /root/serve 8080 &

#: hako
hako net bridge br0
hako net add box2 box3
for n in 2 3; do
  hako net veth box$n:eth0 port$n --bridge br0 --address 10.10.0.$n/24
done
hako net run box2 /root/serve 8080 &
