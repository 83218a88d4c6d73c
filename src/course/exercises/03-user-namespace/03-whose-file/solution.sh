#: raw
setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Ur sh -c '
  touch "/tmp/open/$(cat /tmp/name)"
  stat -c %u "/tmp/open/$(cat /tmp/name)" /tmp/root-only' > seen
answer "$(paste -sd' ' seen)"

#: hako
setpriv --reuid 1000 --regid 1000 --clear-groups hako ns run --map-root-user sh -c '
  touch "/tmp/open/$(cat /tmp/name)"
  stat -c %u "/tmp/open/$(cat /tmp/name)" /tmp/root-only' > seen
answer "$(paste -sd' ' seen)"
