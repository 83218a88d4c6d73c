#: raw
for signal in TERM INT HUP KILL; do
  kill "-$signal" {{fact:pid}}
  sleep 0.2
  kill -0 {{fact:pid}} 2> /dev/null || { answer "$signal"; break; }
done

#: hako
for signal in TERM INT HUP KILL; do
  hako ns show {{fact:pid}} > /dev/null || break
  kill "-$signal" {{fact:pid}}
  sleep 0.2
  kill -0 {{fact:pid}} 2> /dev/null || { answer "$signal"; break; }
done
