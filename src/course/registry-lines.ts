/** The lessons' registry (registry/main.ts) for scenes: started in the lab, in the background, with the images of OCI layouts. */

/** Where its requests are logged, a line each: `GET /v2/shop/app/manifests/1 200 sha256:…`. */
export const registryLog = '/var/log/registry';

const program = import.meta.filename.endsWith('.ts') ? 'src/course/registry/main.ts' : 'dist/lesson-registry.js';

/** Lines of sh(1), which end when it listens on 127.0.0.1:5000. @param images `NAME:TAG=LAYOUT`, a layout being a directory in the lab */
export const registryLines = (...images: readonly string[]): string => `
setsid /opt/hako/node_modules/.bin/node /opt/hako/${program} 5000 ${registryLog} ${images.join(' ')} >/dev/null 2>&1 </dev/null &
until [ -e ${registryLog} ]; do kill -0 $! || exit 1; done
`;

/** Lines of sh(1) with which scenes write OCI layouts: \`blob FILE\` moves it to its place in the layout around, and sets \`digest\` and \`size\`. */
export const layoutLines = `
case $(uname -m) in aarch64) architecture=arm64 ;; *) architecture=amd64 ;; esac
blob() { digest=$(sha256sum "$1" | cut -d' ' -f1); size=$(stat -c %s "$1"); mv "$1" "blobs/sha256/$digest"; }
layout() { # LAYER… (tar files of this directory), which becomes an image
  mkdir -p blobs/sha256; ids= layers=
  for layer; do
    blob "$layer"
    ids="$ids\${ids:+,}\\"sha256:$digest\\""
    layers="$layers\${layers:+,}{\\"mediaType\\":\\"application/vnd.oci.image.layer.v1.tar\\",\\"digest\\":\\"sha256:$digest\\",\\"size\\":$size}"
  done
  printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' "$architecture" "$ids" > config; blob config
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' "$digest" "$size" "$layers" > manifest; blob manifest
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}]}' "$digest" "$size" > index.json
  printf '{"imageLayoutVersion":"1.0.0"}' > oci-layout
}
`;
