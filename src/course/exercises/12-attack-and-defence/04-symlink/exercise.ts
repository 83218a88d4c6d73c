/**
 * A program of the host's that opens a path in a container's volume by name, and so follows the container's symbolic link in its own root.
 * See symlink(7), openat2(2) (RESOLVE_IN_ROOT), chroot(2).
 */
import { defineExercise } from '../../../exercise.ts';
import { plantSecret, secretTold } from '../secret.ts';

const collect = `#!/bin/sh
# collect VOLUME: prints the log that a container has written into its volume.
exec cat "$1/log.txt"
`;

/** Tries the program on a volume of its own, in a mount namespace that ends with it. Each line says what was asked for and what came. */
const trial = `
  mount -t tmpfs trial /mnt && mkdir -p /mnt/v/root && cd /mnt/v || exit 9
  echo plain >log.txt; echo "plain $(timeout 3 /root/collect /mnt/v 2>/dev/null)"
  echo inside >root/secret
  ln -sf /root/secret log.txt; echo "absolute $(timeout 3 /root/collect /mnt/v 2>/dev/null)"
  ln -sf ../../../../../root/secret log.txt; echo "upward $(timeout 3 /root/collect /mnt/v 2>/dev/null)"
  rm root/secret; echo "missing $(timeout 3 /root/collect /mnt/v 2>/dev/null)"
`;

const wanted: Readonly<Record<string, string>> = { plain: 'plain', absolute: 'inside', upward: 'inside', missing: '' };

export default defineExercise({
  needs: ['engine', 'perl'],
  async setup(stage) {
    const secret = await plantSecret(stage);
    await stage.sh(
      `printf %s "$COLLECT" >/root/collect && chmod 755 /root/collect && mkdir /srv/volume && echo 'the app has started' >/srv/volume/log.txt
       hako run -d --name app -v /srv/volume:/data base sleep infinity >/dev/null 2>&1`,
      { COLLECT: collect },
    );
    return { secret };
  },
  conditions: [
    secretTold,
    {
      id: 'trap',
      says: { en: 'The log in the volume is a symbolic link to /root/secret', ja: 'ボリュームのログが、/root/secret へのシンボリックリンクになっている' },
      async check(look) {
        const { stdout } = await look.run(['readlink', '/srv/volume/log.txt']);
        const target = stdout.trim();
        return {
          ok: /(^|\/)root\/secret$/.test(target),
          found: target === '' ? { en: 'it is a plain file, or there is none', ja: '普通のファイルか、存在しない' } : `log.txt -> ${target}`,
        };
      },
    },
    {
      id: 'mended',
      says: {
        en: '/root/collect finds in a volume what a process with that volume as its root would find',
        ja: '/root/collect が、そのボリュームをルートとするプロセスと同じものを見つける',
      },
      async check(look) {
        const { stdout } = await look.run(['unshare', '--mount', 'sh', '-c', trial], { timeout: 20_000 });
        const seen = new Map([...stdout.matchAll(/^(plain|absolute|upward|missing) ?(.*)$/gm)].map(([, what, came]) => [what!, came!]));
        const wrong = Object.entries(wanted).find(([what, right]) => seen.get(what) !== right);
        if (!wrong) return { ok: true, found: { en: 'it does, by every link that was tried', ja: '試したどのリンクでも、そうなった' } };
        const [what, right] = wrong;
        const leaked = seen.get(what) === look.facts['secret'];
        const links = {
          plain: { en: 'a plain log', ja: '普通のログ' },
          absolute: { en: 'a link to /root/secret, which the volume has too', ja: 'ボリュームの中にもある /root/secret へのリンク' },
          upward: { en: 'a link to ../../../../../root/secret, which the volume has too', ja: 'ボリュームの中にもある ../../../../../root/secret へのリンク' },
          missing: { en: 'a link to what the volume does not have', ja: 'ボリュームの中にないものへのリンク' },
        }[what]!;
        return {
          ok: false,
          expected: { en: `of ${links.en}: ${right === '' ? 'nothing' : `"${right}"`}`, ja: `${links.ja} → ${right === '' ? '何も出ない' : `「${right}」`}` },
          found: leaked ? { en: "the lab's own secret", ja: 'ラボの秘密が出た' } : seen.get(what) ? `"${seen.get(what)}"` : { en: 'nothing', ja: '何も出ない' },
        };
      },
    },
  ],
});
