registry=http://127.0.0.1:5000
curl -s -o /dev/null "$registry/v2/shop/treasure/manifests/1"
token=$(curl -s "$registry/token?service=lesson&scope=repository:shop/treasure:pull" | sed 's/.*"token":"\([^"]*\)".*/\1/')
get() { curl -s -H "Authorization: Bearer $token" "$registry/v2/shop/treasure/$1"; }

#: raw
get manifests/1 > manifest
layer=$(grep -o 'sha256:[0-9a-f]*' manifest | tail -n 1)
get "blobs/$layer" > layer
answer "$(tar -xOf layer ./etc/treasure)"

#: hako
mkdir -p image/blobs/sha256
cd image
get manifests/1 > manifest
for digest in $(grep -o 'sha256:[0-9a-f]*' manifest); do get "blobs/$digest" > "blobs/sha256/${digest#*:}"; done
size=$(stat -c %s manifest) name=$(sha256sum manifest | cut -d' ' -f1)
mv manifest "blobs/sha256/$name"
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}]}' "$name" "$size" > index.json
printf '{"imageLayoutVersion":"1.0.0"}' > oci-layout
hako image import . treasure:1
answer "$(hako overlay cat treasure:1 /etc/treasure)"
