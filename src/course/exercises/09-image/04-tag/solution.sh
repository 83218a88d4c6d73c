registry=http://127.0.0.1:5000
token=$(curl -s "$registry/token?service=lesson&scope=repository:shop/app:pull,push" | sed 's/.*"token":"\([^"]*\)".*/\1/')
ask() { curl -s -H "Authorization: Bearer $token" "$@"; }
push() { # LAYOUT
  manifest=$(grep -o 'sha256:[0-9a-f]*' "$1/index.json")
  for blob in $(grep -o 'sha256:[0-9a-f]*' "$1/blobs/sha256/${manifest#*:}"); do
    place=$(ask -D - -o /dev/null -X POST "$registry/v2/shop/app/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    ask -X PUT --data-binary "@$1/blobs/sha256/${blob#*:}" "$registry$place?digest=$blob"
  done
  ask -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary "@$1/blobs/sha256/${manifest#*:}" "$registry/v2/shop/app/manifests/latest"
}
push /root/one
first=$manifest
push /root/two

#: raw
ask "$registry/v2/shop/app/manifests/$first" > manifest
mkdir tree
for layer in $(grep -o 'sha256:[0-9a-f]*' manifest | tail -n +2); do ask "$registry/v2/shop/app/blobs/$layer" | tar -C tree -x; done
unshare -mpf chroot tree sleep 1000 >/dev/null 2>&1 </dev/null &

#: hako
mkdir -p again/blobs/sha256
cd again
ask "$registry/v2/shop/app/manifests/$first" > "blobs/sha256/${first#*:}"
for blob in $(grep -o 'sha256:[0-9a-f]*' "blobs/sha256/${first#*:}"); do ask "$registry/v2/shop/app/blobs/$blob" > "blobs/sha256/${blob#*:}"; done
size=$(stat -c %s "blobs/sha256/${first#*:}")
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s}]}' "$first" "$size" > index.json
printf '{"imageLayoutVersion":"1.0.0"}' > oci-layout
hako image import . app:first
hako run -d --network none app:first sleep 1000
