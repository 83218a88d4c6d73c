letters=$(while read -r line; do
  case $line in
  *'kernel of the machine'* | *'no second kernel'*) printf c ;;
  *'no second Linux'* | *'slower by each'*) printf g ;;
  *) printf v ;;
  esac
done < quiz.en)

#: raw
once() { s=$(date +%s%N); "$@" >/dev/null 2>&1; e=$(date +%s%N); echo $((e - s)); }
plain=$(once dd if=/dev/zero of=/dev/null bs=1 count=20000)
traced=$(once strace -o /dev/null dd if=/dev/zero of=/dev/null bs=1 count=20000)
answer "$((traced / plain)) $letters"

#: hako
hako ns run --pid --mount-proc dd if=/dev/zero of=/dev/null bs=1 count=20000 2> plain
seconds() { sed -n 's/.*copied, \([0-9.]*\) s.*/\1/p' "$1"; }
strace -o /dev/null dd if=/dev/zero of=/dev/null bs=1 count=20000 2> traced
answer "$(awk "BEGIN { print int($(seconds traced) / $(seconds plain)) }") $letters"
