#: raw
mkdir merged
mount -t overlay overlay -o lowerdir=/root/layers/3:/root/layers/2:/root/layers/1,userxattr /root/merged
cp -a merged slim

#: hako
hako overlay waste ./layers/3:./layers/2:./layers/1 > /dev/null
mkdir merged
hako overlay mount -o userxattr --lower /root/layers/3 --lower /root/layers/2 --lower /root/layers/1 /root/merged
cp -a merged slim
