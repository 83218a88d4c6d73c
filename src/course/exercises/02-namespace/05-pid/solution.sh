#: raw
unshare --pid --fork sh -c 'sleep 1000 & sleep 2000; :' &

#: hako
hako ns run --pid sh -c 'sleep 1000 & sleep 2000; :' &
