#: raw
mkdir -p image/blobs/sha256
cd image
add() { digest=$(sha256sum "$1" | cut -d' ' -f1); size=$(stat -c %s "$1"); mv "$1" "blobs/sha256/$digest"; }
tar -C /root/tree -cf layer .
add layer
layer=$digest layer_size=$size
case $(uname -m) in aarch64) architecture=arm64 ;; *) architecture=amd64 ;; esac
printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$architecture" "$layer" > config
add config
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' "$digest" "$size" "$layer" "$layer_size" > manifest
add manifest
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}]}' "$digest" "$size" > index.json
printf '{"imageLayoutVersion":"1.0.0"}' > oci-layout
hako image import /root/image mine:1
hako run -d --network none mine:1 sleep 1000

#: hako
tar -C /root/tree -c . | hako import - mine:1
hako save mine:1 -o saved.tar
mkdir image
tar -C image -xf saved.tar
hako run -d --network none mine:1 sleep 1000
