/** One byte changed, and the digest says so. See OCI image-spec descriptor.md, "Verification". */
import { defineExercise } from '../../../exercise.ts';

export default defineExercise({
  async setup(stage) {
    const which = (Number.parseInt(stage.nonce(), 16) % 6) + 1;
    const digest = await stage.sh(
      `mkdir -p /root/blobs/sha256 && cd /root/blobs/sha256
       for n in 1 2 3 4 5 6; do head -c 200000 /dev/urandom > new; mv new "$(sha256sum new | cut -d' ' -f1)"; done
       victim=$(ls | sed -n "$WHICH"p)
       byte=$(od -An -tu1 -j 77777 -N 1 "$victim"); printf "\\\\$(printf %o $(( (byte + 1) % 256 )))" | dd of="$victim" bs=1 seek=77777 conv=notrunc 2>/dev/null
       touch -r . "$victim"; echo "$victim"`,
      { WHICH: String(which) },
    );
    return { digest: digest.trim() };
  },
  conditions: [
    {
      id: 'found',
      says: {
        en: 'Your answer is the blob that is not what its name says (the first 12 digits or more)',
        ja: '答えが、名前と中身の合わないブロブ(先頭 12 桁以上)と一致する',
      },
      check(look) {
        const given = look.answer?.replace(/^sha256:/, '') ?? '';
        return { ok: given.length >= 12 && look.facts['digest']!.startsWith(given), found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } };
      },
    },
  ],
});
