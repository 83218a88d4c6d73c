#: raw
cat > loop <<'END'
while :; do
  while [ "$(pgrep -fxc 'sleep 71717')" -lt 3 ]; do
    unshare --pid --fork sleep 71717 &
    sleep 0.2
  done
  sleep 0.5
done
END
setsid bash loop > /dev/null 2>&1 < /dev/null &

#: hako
cat > loop <<'END'
while :; do
  while [ "$(pgrep -fxc 'sleep 71717')" -lt 3 ]; do
    hako ns run --pid sleep 71717 &
    sleep 1
  done
  sleep 0.5
done
END
setsid bash loop > /dev/null 2>&1 < /dev/null &
