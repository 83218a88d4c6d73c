#: raw
unshare --pid --fork --mount-proc sleep 1000 &

#: hako
hako ns run --pid --mount-proc sleep 1000 &
