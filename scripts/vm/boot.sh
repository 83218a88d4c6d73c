#!/bin/sh
# Process 1 of the virtual machine where systemd is not (scripts/vm/run.sh): mounts what systemd would have mounted, then runs the
# checks and ends the machine.
export PATH=/hako:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t securityfs security /sys/kernel/security
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs tmp /tmp
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup /sys/fs/cgroup
mount --make-rshared / # as systemd leaves it
hostname debian12
ip link set lo up

sh /hako/scripts/vm/checks.sh </dev/null 2>&1
sync
echo o >/proc/sysrq-trigger # power off; process 1 must not end before
while :; do sleep 1; done
