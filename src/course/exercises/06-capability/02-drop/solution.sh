#: raw
setpriv --bounding-set=-net_raw sleep 1000 &
answer EPERM

#: hako
hako cap run --drop net_raw sleep 1000 &
answer EPERM
