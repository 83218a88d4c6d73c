# The conformance suite (test/conformance) on this kernel, against the runtime that $argument names: `hako-oci`, or with some of the
# properties, `hako-oci:ps:update`. Each property that holds counts, and one failure where a claim fails that is not known to. Read by
# scripts/vm/checks.sh.
case $argument in
hako-oci*) program=/hako/hako-oci ;;
*) program=$(command -v "${argument%%:*}") ;;
esac
properties=
case $argument in *:*) properties=$(echo "${argument#*:}" | tr : ' ') ;; esac
{
  # shellcheck disable=SC2086 # one argument a property
  /hako/node_modules/.bin/node /hako/test/conformance/run.ts --runtime "$program" --jobs 2 $properties 2>&1
  echo $? >/tmp/conformance-status
} | while IFS= read -r line; do
  case $line in 'ok '*) echo ok >>"$counts" ;; esac
  echo "$line"
done
[ "$(cat /tmp/conformance-status)" = 0 ] || {
  echo FAIL >>"$counts"
  echo "FAIL $group: a claim that is not known to fail"
}
