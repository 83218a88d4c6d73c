#: raw
sh -c 'true & exec sleep 3' &
sh -c 'sleep 1000 &'
sleep 4

#: hako
hako ns run --ipc sh -c 'true & exec sleep 3' &
sh -c 'sleep 1000 &'
sleep 5
