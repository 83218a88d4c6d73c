# The course on this kernel, where all controllers are on cgroup v2: the solutions of the exercises that $argument names (`5`, `1.3`, with
# `:` between them; nothing: all), by raw commands and by hako's, as `hako learn export` runs them for the book. An exercise that this
# machine cannot do says why, and counts for nothing. Read by scripts/vm/checks.sh.
export HAKO_AS_BUILT=1
only=$(echo "$argument" | tr : ,)
(timeout 3000 /hako/hako learn export --lang en ${only:+--only "$only"} /tmp/book 2>&1 && echo 'done 0' || echo "done $?") | {
  passed=0 skipped=0
  while IFS= read -r line; do
    case $line in
    *': done both ways'*)
      passed=$((passed + 1))
      echo ok >>"$counts"
      echo "ok   $group: ${line#*] }"
      ;;
    *': not on this machine'*)
      skipped=$((skipped + 1))
      echo "skip $group: ${line#*] }"
      ;;
    '['*)
      echo FAIL >>"$counts"
      echo "FAIL $group: ${line#*] }"
      ;;
    'done '*)
      [ "$line" = 'done 0' ] && [ $((passed + skipped)) -gt 0 ] || {
        echo FAIL >>"$counts"
        echo "FAIL $group: $passed passed, and the export ended with ${line#done }"
      }
      ;;
    *) echo "     | $line" ;;
    esac
  done
}
# What did not hold, as the book tells it.
for page in /tmp/book/en/[0-9]*.html; do
  sed -n '/<ul class="conditions">/,/<\/ul>/{/<li class="met">/d;/<li/!d;s/<[^>]*>/ /g;s/^ *\(..*\)/     | \1/p}' "$page" | sed "s|^     |     ${page##*/}|"
done
rm -rf /tmp/book
check 'the lab is started, made anew, used and stopped, and leaves nothing' 'as new.*~vm-lab~.*Nothing is left.*\[0\]' \
  sh -c 'cd /hako && ./hako lab start --name vm-lab && ./hako lab reset --name vm-lab && ./hako lab shell --name vm-lab -- hostname && ./hako lab stop --name vm-lab'
