#: raw
cp -r /root/upper /root/layer 2> /dev/null || true
rm -f /root/layer/etc/gone
touch /root/layer/etc/.wh.gone
tar -C /root/layer -cf /root/layer.tar .
answer "$(sha256sum /root/layer.tar | cut -d' ' -f1)"

#: hako
hako overlay pack --userxattr /root/merged -o /root/layer.tar
answer "$(sha256sum /root/layer.tar | cut -d' ' -f1)"
