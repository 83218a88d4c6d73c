#: raw
unshare --mount --propagation slave sh -c 'mount -t tmpfs inside /srv/shared/from-inside; exec sleep 1000' &
until pgrep -fx 'sleep 1000' > /dev/null; do sleep 0.1; done
mount -t tmpfs lab /srv/shared/from-lab

#: hako
unshare --mount --propagation unchanged sh -c '
  hako root propagation --recursive /srv/shared slave
  mount -t tmpfs inside /srv/shared/from-inside
  exec sleep 1000' &
until pgrep -fx 'sleep 1000' > /dev/null; do sleep 0.1; done
mount -t tmpfs lab /srv/shared/from-lab
