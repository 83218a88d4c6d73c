#: raw v1
unshare --ipc sh -c 'ipcmk -Q; exec sleep 1000' > /dev/null &
mkdir {{cgroup:cpu}}/tour
sh -c 'echo $$ > {{cgroup:cpu}}/tour/cgroup.procs; exec unshare --cgroup sleep 2000' &
unshare --time --boottime 86400 --fork sleep 3000 &

#: raw v2
unshare --ipc sh -c 'ipcmk -Q; exec sleep 1000' > /dev/null &
mkdir {{cgroup:cpu}}/tour
sh -c 'echo $$ > {{cgroup:cpu}}/tour/cgroup.procs; exec unshare --cgroup sleep 2000' &
unshare --time --boottime 86400 --fork sleep 3000 &

#: hako
hako ns run --ipc sh -c 'ipcmk -Q; exec sleep 1000' > /dev/null &
hako cgroup make tour
hako cgroup run tour -- hako ns run --cgroup sleep 2000 &
hako ns run --time --boottime 86400 sleep 3000 &
