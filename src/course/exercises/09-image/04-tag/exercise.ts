/** A tag is a name that can be moved; a digest is the thing. See OCI distribution-spec "Push", "Pulling manifests". */
import { defineExercise } from '../../../exercise.ts';
import { textOf } from '../../../look/files.ts';
import type { Look } from '../../../look/look.ts';
import { exchangesOf, type Exchange } from '../../../look/registry.ts';
import { hasOtherRoot } from '../../../look/root.ts';
import { layoutLines, registryLines } from '../../../registry-lines.ts';

const short = (digest: string | undefined): string => digest?.slice(0, 19) ?? '';

/** Each time that a manifest was put under the tag, in order. */
const tagged = (exchanges: readonly Exchange[]): readonly Exchange[] =>
  exchanges.filter(({ method, path, status }) => method === 'PUT' && path === '/v2/shop/app/manifests/latest' && status === 201);

/** What was asked of the registry after the tag was moved from the first image to the second; undefined before. */
function afterMove(look: Look): readonly Exchange[] | undefined {
  const exchanges = exchangesOf(look);
  const moves = tagged(exchanges);
  const first = moves.findIndex(({ digest }) => digest === look.facts['one']);
  const last = moves.at(-1);
  return first >= 0 && last && last.digest === look.facts['two'] ? exchanges.slice(exchanges.indexOf(last) + 1) : undefined;
}

export default defineExercise({
  needs: ['curl', 'engine'],
  async setup(stage) {
    const [first, second] = [stage.nonce(), stage.nonce()];
    const digests = await stage.sh(
      `mkdir -p /tmp/tree/bin && cd /tmp
       for program in /bin/sh /bin/sleep /bin/cat; do
         cp "$program" tree/bin/
         for file in $(ldd "$program" | grep -o '/[^ ]*'); do cp --parents "$file" tree/; done
       done
       ${layoutLines}
       for which in one two; do
         mkdir -p "/root/$which/tree/etc" && cd "/root/$which"
         case $which in one) echo "$FIRST" ;; two) echo "$SECOND" ;; esac > tree/etc/version
         tar -C /tmp/tree -cf base . && tar -C tree -cf version . && rm -r tree
         layout base version
         echo "$digest"
       done
       rm -r /tmp/tree
       ${registryLines()}`,
      { FIRST: first, SECOND: second },
    );
    const [one, two] = digests.trim().split('\n');
    return { first, second, one: `sha256:${one}`, two: `sha256:${two}` };
  },
  conditions: [
    {
      id: 'pushed',
      says: { en: 'The image of /root/one was pushed as shop/app:latest', ja: '/root/one のイメージが shop/app:latest として push された' },
      check(look) {
        const moves = tagged(exchangesOf(look));
        return {
          ok: moves.some(({ digest }) => digest === look.facts['one']),
          expected: short(look.facts['one']),
          found: moves.map(({ digest }) => short(digest)).join(', ') || {
            en: 'nothing was pushed under that tag',
            ja: 'そのタグではまだ何も push されていない',
          },
        };
      },
    },
    {
      id: 'moved',
      says: { en: 'Then the tag was moved: it names the image of /root/two', ja: 'その後タグが動かされ、/root/two のイメージを指している' },
      check(look) {
        const last = tagged(exchangesOf(look)).at(-1);
        return {
          ok: afterMove(look) !== undefined,
          expected: short(look.facts['two']),
          found: last ? short(last.digest) : { en: 'no tag yet', ja: 'タグがまだない' },
        };
      },
    },
    {
      id: 'by-digest',
      says: {
        en: 'After that, the first image was asked for by its digest, and was there',
        ja: 'その後、最初のイメージがダイジェストで求められ、応答があった',
      },
      check(look) {
        const asked = (afterMove(look) ?? []).filter(({ method, path }) => method === 'GET' && path.startsWith('/v2/shop/app/manifests/'));
        return {
          ok: asked.some(({ path, status }) => path.endsWith(`/${look.facts['one']}`) && status === 200),
          found: asked.map(({ path, status }) => `${path.slice('/v2/shop/app/manifests/'.length).slice(0, 19)} ${status}`).join(', ') || {
            en: 'no manifest was asked for since',
            ja: '以後、manifest は求められていない',
          },
        };
      },
    },
    {
      id: 'runs',
      says: {
        en: 'A container of the first image runs: its /etc/version is of /root/one',
        ja: '最初のイメージのコンテナが動いている(/etc/version が /root/one のもの)',
      },
      check(look) {
        const rooted = look.others.filter((process) => process.has('mnt') && process.has('pid') && hasOtherRoot(look, process));
        const versions = rooted.map((process) => textOf(process, '/etc/version')?.trim());
        return {
          ok: versions.includes(look.facts['first']),
          expected: look.facts['first'] ?? '',
          found: versions.filter((version) => version !== undefined).join(', ') || { en: 'no container of either runs', ja: 'どちらのコンテナも動いていない' },
        };
      },
    },
  ],
});
