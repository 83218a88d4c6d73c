#: raw
mkdir upper work merged
mount -t overlay overlay -o lowerdir=/root/layer2:/root/layer1,upperdir=/root/upper,workdir=/root/work,userxattr /root/merged
echo hello > merged/new

#: hako
mkdir upper work merged
hako overlay mount -o userxattr --lower /root/layer2 --lower /root/layer1 --upper /root/upper --work /root/work /root/merged
echo hello > merged/new
