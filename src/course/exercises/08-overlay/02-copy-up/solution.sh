#: raw
printf x >> /root/merged/big
answer "$(du -sm /root/upper | cut -f1)"

#: hako
printf x >> /root/merged/big
hako overlay changes /root/merged
answer "$(du -sm /root/upper | cut -f1)"
