/** Copy-up: who writes one byte to a file of a lower layer has all of it copied. See overlayfs.rst, "Non-directories". */
import { defineExercise } from '../../../exercise.ts';
import { statusOf } from '../../../look/files.ts';
import { overlaysOf } from '../../../look/overlay.ts';
import type { Look } from '../../../look/look.ts';

const MiB = 2 ** 20;
const size = 100 * MiB;

/** The big file as it is in upper layers. */
const copies = (look: Look) => overlaysOf(look).flatMap(({ process, upper }) => (upper === undefined ? [] : (statusOf(process, `${upper}/big`) ?? [])));

export default defineExercise({
  async setup(stage) {
    await stage.sh(`mkdir -p /root/lower /root/upper /root/work /root/merged
      head -c ${size} /dev/urandom > /root/lower/big
      mount -t overlay overlay -o lowerdir=/root/lower,upperdir=/root/upper,workdir=/root/work,userxattr /root/merged`);
  },
  conditions: [
    {
      id: 'copied',
      says: { en: 'The upper layer holds all of the big file, byte for byte on the disk', ja: '上の層に、大きなファイルの全体が実際に場所を取って存在する' },
      check(look) {
        const most = Math.max(0, ...copies(look).map(({ allocated }) => allocated));
        return { ok: most >= size, expected: `${size / MiB} MiB`, found: `${Math.round(most / MiB)} MiB` };
      },
    },
    {
      id: 'little',
      says: { en: 'It differs from the lower one by a few bytes only', ja: '下の層のものとの違いは、数バイトだけである' },
      check(look) {
        const sizes = copies(look).map((status) => status.size);
        return { ok: sizes.some((n) => n >= size && n <= size + 1024), found: sizes.join(', ') || { en: 'not copied up', ja: 'コピーされていない' } };
      },
    },
    {
      id: 'lower',
      says: { en: 'The file in the lower layer is as it was', ja: '下の層のファイルは元のままである' },
      check(look) {
        const found = statusOf(look.host, '/root/lower/big')?.size;
        return { ok: found === size, expected: String(size), found: String(found ?? '-') };
      },
    },
    {
      id: 'answered',
      says: {
        en: 'Your answer is how many MiB the upper layer takes now (du -m /root/upper)',
        ja: '答えが、上の層がいま占めている MiB 数(du -m /root/upper)と一致する',
      },
      check(look) {
        const given = Number.parseInt(look.answer ?? '', 10);
        return { ok: Math.abs(given - size / MiB) <= 2 && copies(look).length > 0, found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } };
      },
    },
  ],
});
