#: raw
# What create and start are, with a shell that waits at a FIFO: it is called as hako's own waiting process is.
cd /root/bundle
mkfifo /root/start
cat > /root/waits <<'END'
mount --rbind /root/bundle/rootfs /root/bundle/rootfs
mount -t proc proc /root/bundle/rootfs/proc
exec 3<> /root/start
cd /root/bundle/rootfs && mkdir -p old && pivot_root . old && umount -l /old && cd /
read -r _ <&3
exec sleep 22222
END
unshare --mount --pid --fork --uts --ipc bash -c 'exec -a hako-monitor bash /root/waits' &
until pid=$(pgrep -o -f '^hako-monitor'); do sleep 0.1; done
answer "$pid"
sleep 2
echo go > /root/start

#: hako
cd /root/bundle
hako-oci create one < /dev/null > log 2>&1
answer "$(hako-oci state one | grep -o '"pid": *[0-9]*' | grep -o '[0-9]*')"
sleep 2
hako-oci start one
