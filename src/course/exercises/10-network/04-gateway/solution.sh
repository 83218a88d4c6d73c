#: raw
ip address add 10.10.0.1/24 dev br0
ip -n box route add default via 10.10.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward
nft add table ip mynat
nft add chain ip mynat post '{ type nat hook postrouting priority srcnat; }'
nft add rule ip mynat post ip saddr 10.10.0.0/24 oifname uplink counter masquerade

#: hako
hako net address br0 10.10.0.1/24
hako net route --ns box default --via 10.10.0.1
hako net nat 10.10.0.0/24 --out uplink
