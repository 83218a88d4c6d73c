#: raw
sleep 1000 &
answer "$(pgrep -fx 'sleep 1000')"

#: hako
hako ns run --cgroup sleep 1000 &
until pgrep -fx 'sleep 1000' > /dev/null; do sleep 0.1; done
answer "$(pgrep -fx 'sleep 1000')"
hako ns show "$(pgrep -fx 'sleep 1000')"
