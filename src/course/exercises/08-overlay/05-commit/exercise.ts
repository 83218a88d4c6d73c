/** Commit: an upper directory becomes a layer, a tar with whiteouts as files. See OCI image-spec layer.md, "Whiteouts". */
import { createHash } from 'node:crypto';
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';

/** The names in the learner's archive, as tar(1) lists them. */
const listed = async (look: Look): Promise<readonly string[]> =>
  (await look.run(['tar', '-tf', '/root/layer.tar'])).stdout.split('\n').map((name) => name.replace(/^\.\//, ''));

export default defineExercise({
  async setup(stage) {
    const name = `note-${stage.nonce().slice(0, 6)}`;
    await stage.sh(
      `mkdir -p /root/lower/etc /root/upper /root/work /root/merged
       echo old > /root/lower/etc/gone; echo keep > /root/lower/etc/kept
       mount -t overlay overlay -o lowerdir=/root/lower,upperdir=/root/upper,workdir=/root/work,userxattr /root/merged
       rm /root/merged/etc/gone; echo "$NAME" > "/root/merged/etc/$NAME"`,
      { NAME: name },
    );
    return { name };
  },
  conditions: [
    {
      id: 'new',
      says: {
        en: 'The archive /root/layer.tar has the new file etc/{{fact:name}}',
        ja: 'アーカイブ /root/layer.tar に、新しいファイル etc/{{fact:name}} がある',
      },
      async check(look) {
        const names = await listed(look);
        return {
          ok: names.includes(`etc/${look.facts['name']}`),
          found: names.filter(Boolean).join(', ') || { en: 'no such archive', ja: 'アーカイブがない' },
        };
      },
    },
    {
      id: 'whiteout',
      says: { en: 'What was deleted is in it as a whiteout file: etc/.wh.gone', ja: '消されたものが、ホワイトアウトのファイル etc/.wh.gone として入っている' },
      async check(look) {
        const names = await listed(look);
        return {
          ok: names.includes('etc/.wh.gone') && !names.includes('etc/gone'),
          expected: 'etc/.wh.gone',
          found: names.filter((name) => name.includes('gone')).join(', ') || '-',
        };
      },
    },
    {
      id: 'only',
      says: { en: 'What was not changed is not in it', ja: '変わっていないものは入っていない' },
      async check(look) {
        const names = await listed(look);
        return {
          ok: names.some(Boolean) && !names.includes('etc/kept'),
          found: names.includes('etc/kept') ? 'etc/kept' : { en: 'nothing of that kind', ja: 'そのようなものはない' },
        };
      },
    },
    {
      id: 'digest',
      says: { en: "Your answer is the layer's digest: the SHA-256 of the archive", ja: '答えが層のダイジェスト(アーカイブの SHA-256)と一致する' },
      async check(look) {
        const { stdout } = await look.run(['sha256sum', '/root/layer.tar']);
        const digest = stdout.split(' ')[0] ?? '';
        return {
          ok: digest.length === createHash('sha256').update('').digest('hex').length && look.answer?.replace(/^sha256:/, '') === digest,
          found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' },
        };
      },
    },
  ],
});
