#: raw
mkdir -p /root/tiny/bin
for program in /bin/sh /bin/sleep; do
  cp "$program" /root/tiny/bin/
  for file in $(ldd "$program" | grep -o '/[^ ]*'); do cp --parents "$file" /root/tiny/; done
done
chroot /root/tiny /bin/sh -c 'sleep 1000; :' &

#: hako
mkdir -p /root/tiny/bin
for program in /bin/sh /bin/sleep; do
  cp "$program" /root/tiny/bin/
  for file in $(ldd "$program" | grep -o '/[^ ]*'); do cp --parents "$file" /root/tiny/; done
done
hako root run --chroot /root/tiny /bin/sh -c 'sleep 1000; :' &
