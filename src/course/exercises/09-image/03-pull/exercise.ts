/** What a pull is on the wire: a refusal, a token, a manifest, a blob. See OCI distribution-spec "Pull", distribution "Token Authentication". */
import { defineExercise, type Text } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { exchangesOf, type Exchange } from '../../../look/registry.ts';
import { layoutLines, registryLines } from '../../../registry-lines.ts';

const nothing: Text = { en: 'not in the log of the registry', ja: 'レジストリーのログにない' };

/** The first exchange of a kind, as a finding. */
function logged(look: Look, holds: (exchange: Exchange) => boolean): { readonly ok: boolean; readonly found: Text | string } {
  const found = exchangesOf(look).find(holds);
  return { ok: found !== undefined, found: found ? `${found.method} ${found.path} ${found.status}` : nothing };
}

export default defineExercise({
  needs: ['curl'],
  async setup(stage) {
    const nonce = stage.nonce();
    const blob = await stage.sh(
      `mkdir -p /tmp/layout/tree/etc && cd /tmp/layout
       echo "$NONCE" > tree/etc/treasure; head -c 100000 /dev/urandom > tree/etc/ballast
       tar -C tree -cf layer . && rm -r tree
       sha256sum layer | cut -d' ' -f1; stat -c %s layer
       ${layoutLines}
       layout layer
       ${registryLines('shop/treasure:1=/tmp/layout')}
       rm -r /tmp/layout`,
      { NONCE: nonce },
    );
    const [digest = '', size = ''] = blob.trim().split('\n');
    return { nonce, digest, size };
  },
  conditions: [
    {
      id: 'challenge',
      says: { en: 'The registry has refused you, and said where a token is to be had', ja: 'レジストリーに断られ、トークンの入手先を告げられた' },
      check: (look) => logged(look, ({ path, status }) => path.startsWith('/v2/') && status === 401),
    },
    {
      id: 'token',
      says: { en: 'You got a token for shop/treasure', ja: 'shop/treasure 用のトークンを手に入れた' },
      check: (look) =>
        logged(look, ({ path, status }) => path.startsWith('/token?') && /repository(:|%3A)shop(\/|%2F)treasure(:|%3A)pull/i.test(path) && status === 200),
    },
    {
      id: 'manifest',
      says: { en: 'With it, the manifest', ja: 'それを使って manifest を取得した' },
      check: (look) => logged(look, ({ method, path, status }) => method === 'GET' && path.startsWith('/v2/shop/treasure/manifests/') && status === 200),
    },
    {
      id: 'blob',
      says: {
        en: 'The layer lies in a file beneath /root, and its SHA-256 is what the manifest says',
        ja: '層が /root 以下のファイルにあり、その SHA-256 が manifest の言うとおりである',
      },
      async check(look) {
        const { digest = '', size = '' } = look.facts;
        const { stdout } = await look.run(['find', '/root', '-xdev', '-type', 'f', '-size', `${size}c`, '-exec', 'sha256sum', '{}', '+']);
        const lines = stdout.split('\n').filter(Boolean);
        return {
          ok: lines.some((line) => line.startsWith(digest)),
          expected: `sha256:${digest.slice(0, 12)}…, ${size} bytes`,
          found: lines[0]?.slice(0, 60) ?? { en: 'no file of that size', ja: 'その大きさのファイルがない' },
        };
      },
    },
    {
      id: 'treasure',
      says: { en: 'Your answer is what the layer has in /etc/treasure', ja: '答えが、層の /etc/treasure の中身と一致する' },
      check: (look) => ({ ok: look.answer === look.facts['nonce'], found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } }),
    },
  ],
});
