#: raw
cd /root/image
first() { grep -o 'sha256:[0-9a-f]*' "$1" | cut -d: -f2; }
manifest=$(first index.json)
layer=$(first "blobs/sha256/$manifest" | tail -n 1)
answer "$(tar -xzOf "blobs/sha256/$layer" ./etc/treasure)"

#: hako
hako image import /root/image
answer "$(hako overlay cat treasure:1 /etc/treasure)"
