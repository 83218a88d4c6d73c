#: raw
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs mine /mnt; exec sleep 1000' &
answer be

#: hako
hako ns run --map-root-user --mount sh -c 'mount -t tmpfs mine /mnt; exec sleep 1000' &
answer be
