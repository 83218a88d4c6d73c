#: raw
mkdir {{cgroup:pids}}/bomb
echo 20 > {{cgroup:pids}}/bomb/pids.max
timeout 3 bash -c 'echo $$ > {{cgroup:pids}}/bomb/cgroup.procs; :(){ :|:& };:' 2> /dev/null || true

#: hako
hako cgroup make bomb --pids-limit 20
timeout 3 hako cgroup run bomb -- bash -c ':(){ :|:& };:' 2> /dev/null || true
hako cgroup kill bomb
