# Tests of the project's own (files of node:test) on this kernel: those that $argument names, with `:` between them. They are named for
# what only this machine has, so one that is skipped has failed. Read by scripts/vm/checks.sh.
# shellcheck disable=SC2086 # one argument a file
(cd /hako && HAKO_TEST_ENTRY=dist timeout 600 node_modules/.bin/node --test --test-reporter=tap $(echo "$argument" | tr : ' ') 2>&1 && echo 'done 0' || echo "done $?") | {
  passed=0 telling=false
  while IFS= read -r line; do
    case $line in
    'not ok '* | 'ok '*'# SKIP'*)
      telling=true
      echo FAIL >>"$counts"
      echo "FAIL $group: $line"
      ;;
    'ok '*)
      telling=false passed=$((passed + 1))
      echo ok >>"$counts"
      echo "ok   $group: ${line#ok * - }"
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
