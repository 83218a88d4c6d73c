/** Two read-only layers and a writable one, stacked by hand. See overlayfs.rst. */
import { defineExercise } from '../../../exercise.ts';
import { namesIn, textOf } from '../../../look/files.ts';
import { overlaysOf, type Overlay } from '../../../look/overlay.ts';
import type { Look } from '../../../look/look.ts';

const layers = ['/root/layer1', '/root/layer2'];
const stacked = (look: Look): readonly Overlay[] =>
  overlaysOf(look).filter(({ lowers, upper }) => upper !== undefined && layers.every((layer) => lowers.includes(layer)));

export default defineExercise({
  async setup(stage) {
    const nonce = stage.nonce();
    await stage.sh(
      `mkdir -p /root/layer1/etc /root/layer2/etc /root/layer2/app
       echo 'name=base' > /root/layer1/etc/name; echo "$NONCE" > /root/layer1/etc/base-only
       echo 'name=app' > /root/layer2/etc/name; echo 'run me' > /root/layer2/app/main`,
      { NONCE: nonce },
    );
    return { nonce };
  },
  conditions: [
    {
      id: 'mounted',
      says: {
        en: 'An overlay has /root/layer1 and /root/layer2 as lower layers, and an upper one',
        ja: '/root/layer1 と /root/layer2 を下の層とし、上の層を持つ overlay がある',
      },
      check(look) {
        const all = overlaysOf(look).map(({ mountPoint, lowers, upper }) => `${mountPoint}: ${lowers.join(':')} + ${upper ?? '-'}`);
        return { ok: stacked(look).length > 0, found: all.join('; ') || { en: 'no overlay is mounted', ja: 'overlay がマウントされていない' } };
      },
    },
    {
      id: 'order',
      says: {
        en: 'Layer 2 is above layer 1: in the merged directory etc/name says "app"',
        ja: 'layer2 が layer1 より上にあり、重ねた結果の etc/name が「app」である',
      },
      check(look) {
        const names = stacked(look).map(({ process, mountPoint }) => textOf(process, `${mountPoint}/etc/name`)?.trim());
        return { ok: names.includes('name=app'), expected: 'name=app', found: names.join(', ') || '-' };
      },
    },
    {
      id: 'written',
      says: { en: 'A new file was written, and is in the upper layer only', ja: '新しく書いたファイルが、上の層だけにある' },
      check(look) {
        const found = stacked(look).map(({ process, upper }) => (namesIn(process, upper!) ?? []).join(' '));
        return {
          ok: found.some((names) => names !== ''),
          found: found.filter(Boolean).join('; ') || { en: 'the upper layer is empty', ja: '上の層は空である' },
        };
      },
    },
    {
      id: 'untouched',
      says: { en: 'The two lower layers are as they were', ja: '下の 2 つの層は元のままである' },
      check(look) {
        const names = layers.map((layer) => (namesIn(look.host, layer) ?? []).join(' '));
        const same =
          names[0] === 'etc' &&
          names[1] === 'app etc' &&
          textOf(look.host, '/root/layer1/etc/base-only')?.trim() === look.facts['nonce'] &&
          textOf(look.host, '/root/layer1/etc/name') === 'name=base\n';
        return { ok: same, found: names.join(' | ') };
      },
    },
  ],
});
