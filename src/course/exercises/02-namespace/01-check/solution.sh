#: raw
for file in /proc/{{fact:pid}}/ns/*; do
  kind=${file##*/}
  [ "$(readlink "$file")" = "$(readlink "/proc/1/ns/$kind")" ] || answer "$(readlink "$file")"
done

#: hako
answer "$(hako ns compare 1 {{fact:pid}} --format json | grep '"same":false' | grep -o '"b":[0-9]*' | cut -d: -f2)"
