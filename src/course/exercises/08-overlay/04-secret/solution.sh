#: raw
answer "$(tar -xOf /root/image/layer2.tar ./srv/.credentials | cut -d= -f2)"

#: hako
mkdir l1 l2
tar -C l1 -xf /root/image/layer1.tar
tar -C l2 -xf /root/image/layer2.tar
answer "$(hako overlay cat ./l2:./l1 srv/.credentials | cut -d= -f2)"
