#: raw
hako run -d --network none base sleep 55555
kill -9 "$(pgrep -x hakod)"
sleep 3
hako ps
hako run -d --network none --restart always base sleep 44444

#: hako
hako run -d --network none base sleep 55555
pkill -9 -x hakod
sleep 3
hako engine start
hako run -d --network none --restart on-failure base sleep 44444
