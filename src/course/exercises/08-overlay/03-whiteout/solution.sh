#: raw
rm /root/merged/gone
rm -r /root/merged/cache
mkdir /root/merged/cache

#: hako
rm /root/merged/gone
rm -r /root/merged/cache
mkdir /root/merged/cache
hako overlay whiteouts /root/merged
