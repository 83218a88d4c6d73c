#: raw
ip netns add left
ip netns add right
ip link add eth0 netns left type veth peer name eth0 netns right
ip -n left address add 10.9.0.1/24 dev eth0
ip -n right address add 10.9.0.2/24 dev eth0
ip -n left link set eth0 up
ip -n right link set eth0 up
ip netns exec right /root/serve 8080 &

#: hako
hako net add left right
hako net veth left:eth0 right:eth0 --address 10.9.0.1/24 --peer-address 10.9.0.2/24
hako net run right /root/serve 8080 &
