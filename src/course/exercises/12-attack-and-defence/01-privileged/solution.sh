#: raw
box=$(hako inspect --format '{{.State.Pid}}' debug)
nsenter --target "$box" --mount sh -c 'nsenter --target 1 --mount sleep infinity & wait' &
answer "$(nsenter --target "$box" --mount cat /proc/1/root/root/secret)"

#: hako
hako exec --detach debug nsenter --target 1 --mount sleep infinity
answer "$(hako exec debug cat /proc/1/root/root/secret)"
