(cd tree && find . | cpio -o -H newc --quiet) > initramfs
setsid qemu-system-x86_64 -m 192 -nodefaults -no-user-config -display none -serial file:/root/console -kernel vmlinuz -initrd initramfs -append 'console=ttyS0 quiet' >/dev/null 2>&1 </dev/null &
machine=$!
until grep -q '^kernel' console 2>/dev/null; do kill -0 "$machine"; sleep 0.1; done

#: raw
setsid unshare --pid --fork --mount-proc sleep 1000 >/dev/null 2>&1 </dev/null &
answer "$(tr -d '\r' < console | sed -n 's/^boot_id //p') $(($(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$machine/status") / 1024))"

#: hako
setsid hako ns run --pid --mount-proc sleep 1000 >/dev/null 2>&1 </dev/null &
answer "$(tr -d '\r' < console | sed -n 's/^boot_id //p') $(($(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$machine/status") / 1024))"
