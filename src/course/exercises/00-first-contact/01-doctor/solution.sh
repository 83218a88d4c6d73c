#: raw
form=v1
if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
  form=v2
elif mount -t cgroup2 | grep -q .; then
  form=hybrid
fi
answer "$form" "$(cat /proc/sys/user/max_user_namespaces)"

#: hako
form=$(hako doctor --format json | grep -o '"mode": "[a-z0-9]*"' | cut -d'"' -f4)
answer "$form" "$(cat /proc/sys/user/max_user_namespaces)"
