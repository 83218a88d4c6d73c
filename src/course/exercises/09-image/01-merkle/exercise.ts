/** An image is a tree of digests: index, manifest, configuration, layers. See OCI image-spec, image-layout.md, manifest.md. */
import { defineExercise } from '../../../exercise.ts';

export default defineExercise({
  async setup(stage) {
    const nonce = stage.nonce();
    const decoys = [stage.nonce(), stage.nonce(), stage.nonce()];
    await stage.sh(
      `mkdir -p /root/image/blobs/sha256 && cd /root/image
       add() { digest=$(sha256sum "$1" | cut -d' ' -f1); size=$(stat -c %s "$1"); mv "$1" "blobs/sha256/$digest"; }
       layer() { mkdir -p /tmp/l/etc; echo "$1" > /tmp/l/etc/treasure; tar -C /tmp/l -cf /tmp/layer.tar .; diff=$(sha256sum /tmp/layer.tar | cut -d' ' -f1); gzip -nf /tmp/layer.tar; add /tmp/layer.tar.gz; rm -r /tmp/l; }
       for word in $DECOYS; do layer "$word"; done
       layer "$NONCE"; layer_digest=$digest; layer_size=$size
       printf '{"architecture":"amd64","os":"linux","config":{"Cmd":["cat","/etc/treasure"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$diff" > /tmp/config; add /tmp/config; config_digest=$digest; config_size=$size
       printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%s}]}' "$config_digest" "$config_size" "$layer_digest" "$layer_size" > /tmp/manifest; add /tmp/manifest
       printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"treasure:1"}}]}' "$digest" "$size" > index.json
       printf '{"imageLayoutVersion":"1.0.0"}' > oci-layout`,
      { NONCE: nonce, DECOYS: decoys.join(' ') },
    );
    return { nonce };
  },
  conditions: [
    {
      id: 'treasure',
      says: { en: 'Your answer is what the image treasure:1 has in /etc/treasure', ja: '答えが、イメージ treasure:1 の /etc/treasure の中身と一致する' },
      check: (look) => ({ ok: look.answer === look.facts['nonce'], found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } }),
    },
  ],
});
