# What all groups of checks have in common; read by scripts/vm/checks.sh.

# check NAME EXPECTED COMMAND…: the command's output (both streams) must match the extended regular expression. Lines are joined by
# `~`, and the exit status comes last, in brackets.
check() {
  name=$1 expected=$2
  shift 2
  output=$(timeout 60 "$@" 2>&1)
  status=$?
  if printf '%s' "$output [$status]" | tr '\n' '~' | grep -qE -- "$expected"; then
    echo ok >>"$counts"
    echo "ok   $group: $name"
  else
    echo FAIL >>"$counts"
    # At once: other groups may be writing, too.
    printf 'FAIL %s: %s\n%s\n' "$group" "$name" "$(printf '%s [%s]' "$output" "$status" | sed 's/^/     | /')"
  fi
}

# wait_for SECONDS COMMAND…: until it succeeds
wait_for() {
  left=$(($1 * 10))
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ $left -gt 0 ] || return 1
    sleep 0.1
  done
}

# failed: whether a check has failed so far
failed() { grep -q FAIL "$counts"; }
