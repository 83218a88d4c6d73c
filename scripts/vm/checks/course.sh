# The course on this kernel, where all controllers are on cgroup v2: its lab, and the exercises that $argument names (`5`, `1.3`, with `:`
# between them; nothing: all). An exercise may be skipped, with its reason. Read by scripts/vm/checks.sh.
files=test/lab.test.ts
for one in $(echo "${argument:-0:1:2:3:4:5:6:7:8:9:10:11:12:13}" | tr : '\n' | cut -d. -f1 | sort -un); do files="$files test/course/chapter-$(printf %02d "$one").test.ts"; done
# shellcheck disable=SC2086 # one argument a file
(cd /hako && HAKO_COURSE_ONLY=$(echo "$argument" | tr : ,) timeout 1700 node_modules/.bin/node --test --test-concurrency=2 --test-reporter=tap $files 2>&1 && echo 'done 0' || echo "done $?") | {
  passed=0 telling=false
  while IFS= read -r line; do
    case ${line#"${line%%[! ]*}"} in
    'not ok '*)
      telling=true
      echo FAIL >>"$counts"
      echo "FAIL $group: ${line#"${line%%[! ]*}"}"
      ;;
    'ok '*'# SKIP'*) telling=false && echo "skip $group: ${line#*ok * - }" ;;
    'ok '*)
      telling=false passed=$((passed + 1))
      echo ok >>"$counts"
      echo "ok   $group: ${line#*ok * - }"
      ;;
    'done '*)
      [ "$line" = 'done 0' ] && [ $passed -gt 0 ] || {
        echo FAIL >>"$counts"
        echo "FAIL $group: $passed passed, and node ended with ${line#done }"
      }
      ;;
    *) if $telling; then echo "     | $line"; fi ;;
    esac
  done
}
