#: raw
echo '1000 1000' > /proc/sys/net/ipv4/ping_group_range

#: hako
hako ns show self > /dev/null
sysctl -qw net.ipv4.ping_group_range='1000 1000'
