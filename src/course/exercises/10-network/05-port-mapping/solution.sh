#: raw
nft -f - <<'RULES'
table ip ports {
  chain pre {
    type nat hook prerouting priority dstnat;
    ip daddr 203.0.113.2 tcp dport 8080 counter dnat to 10.10.0.2:80
  }
  chain out {
    type nat hook output priority -100;
    fib daddr type local tcp dport 8080 counter dnat to 10.10.0.2:80
  }
  chain post {
    type nat hook postrouting priority srcnat;
    ip saddr 10.10.0.0/24 oifname br0 counter masquerade
    ip saddr 127.0.0.0/8 oifname br0 counter masquerade
  }
}
RULES
echo 1 >/proc/sys/net/ipv4/conf/br0/route_localnet

#: hako
hako net publish 8080 10.10.0.2:80
hako net nat 10.10.0.0/24 --out br0
hako net nat 127.0.0.0/8 --out br0
echo 1 >/proc/sys/net/ipv4/conf/br0/route_localnet
