#: raw
nsenter -t {{fact:pid}} -u sleep 1000 &

#: hako
hako ns enter --uts {{fact:pid}} sleep 1000 &
