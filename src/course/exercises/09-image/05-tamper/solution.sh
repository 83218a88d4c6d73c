#: raw
cd /root/blobs/sha256
for file in *; do
  [ "$(sha256sum < "$file" | cut -d' ' -f1)" = "$file" ] || answer "$file"
done

#: hako
cd /root
for file in blobs/sha256/*; do
  digest=${file##*/}
  size=$(stat -c %s "$file")
  mkdir -p try/blobs/sha256
  cp "$file" try/blobs/sha256/
  printf '{"imageLayoutVersion":"1.0.0"}' > try/oci-layout
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}]}' "$digest" "$size" > try/index.json
  if hako image import try 2>&1 | grep -qi 'digest\|sha256.*but'; then answer "$digest"; fi
  rm -r try
done
