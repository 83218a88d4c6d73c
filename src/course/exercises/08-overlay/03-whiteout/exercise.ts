/** How something is deleted that cannot be deleted: whiteouts and opaque directories. See overlayfs.rst, "whiteouts and opaque directories". */
import { defineExercise } from '../../../exercise.ts';
import { attributeOf, statusOf } from '../../../look/files.ts';
import { overlaysOf } from '../../../look/overlay.ts';
import { isWhiteoutDevice } from '../../../../kernel/file-at.ts';

export default defineExercise({
  needs: ['tmpfs-xattr'],
  async setup(stage) {
    await stage.sh(`mkdir -p /root/lower/cache /root/upper /root/work /root/merged
      echo old > /root/lower/gone; echo stale > /root/lower/cache/a; echo stale > /root/lower/cache/b
      mount -t overlay overlay -o lowerdir=/root/lower,upperdir=/root/upper,workdir=/root/work,userxattr /root/merged`);
  },
  conditions: [
    {
      id: 'whiteout',
      says: { en: 'In the upper layer a whiteout stands for the file "gone"', ja: '上の層に、ファイル「gone」のホワイトアウトがある' },
      check(look) {
        const found = overlaysOf(look).flatMap(({ process, upper }) => (upper === undefined ? [] : (statusOf(process, `${upper}/gone`) ?? [])));
        return {
          ok: found.some(isWhiteoutDevice),
          expected: { en: 'a character device 0:0', ja: 'キャラクターデバイス 0:0' },
          found: found.map(({ mode, major, minor }) => `${(mode & 0o170000).toString(8)} ${major}:${minor}`).join(', ') || {
            en: 'nothing of that name',
            ja: 'その名前のものがない',
          },
        };
      },
    },
    {
      id: 'opaque',
      says: {
        en: 'The directory "cache" in the upper layer is opaque: nothing below it shows',
        ja: '上の層のディレクトリー「cache」が opaque で、下の層の中身が透けない',
      },
      check(look) {
        const marks = overlaysOf(look).flatMap(({ process, upper }) =>
          upper === undefined
            ? []
            : (['user', 'trusted'] as const).flatMap((family) => attributeOf(process, `${upper}/cache`, `${family}.overlay.opaque`) ?? []),
        );
        return { ok: marks.includes('y'), expected: 'overlay.opaque="y"', found: marks.join(', ') || { en: 'no such mark', ja: 'その印がない' } };
      },
    },
    {
      id: 'lower',
      says: { en: 'The lower layer still has all three files', ja: '下の層には 3 つのファイルがすべて残っている' },
      check(look) {
        const there = ['gone', 'cache/a', 'cache/b'].filter((name) => statusOf(look.host, `/root/lower/${name}`) !== undefined);
        return { ok: there.length === 3, found: there.join(', ') };
      },
    },
  ],
});
