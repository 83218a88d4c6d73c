/** An image by hand: a layer, a configuration, a manifest, an index, each named by its digest. See OCI image-spec. */
import { createHash } from 'node:crypto';
import { defineExercise } from '../../../exercise.ts';
import { textOf } from '../../../look/files.ts';
import type { Look } from '../../../look/look.ts';
import { hasOtherRoot } from '../../../look/root.ts';

interface Descriptor {
  readonly digest?: string;
  readonly size?: number;
}

const parse = (
  text: string | undefined,
): { readonly manifests?: readonly Descriptor[]; readonly config?: Descriptor; readonly layers?: readonly Descriptor[] } | undefined => {
  try {
    return JSON.parse(text ?? '') as ReturnType<typeof parse>;
  } catch {
    return undefined;
  }
};

const fileOf = ({ digest = '' }: Descriptor): string => `/root/image/blobs/${digest.replace(':', '/')}`;

/** A blob of JSON, if its name and size are what its content says. */
function verified(look: Look, descriptor: Descriptor | undefined): string | undefined {
  const text = descriptor && textOf(look.host, fileOf(descriptor));
  if (text === undefined) return undefined;
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  return digest === descriptor?.digest && Buffer.byteLength(text) === descriptor.size ? text : undefined;
}

export default defineExercise({
  needs: ['engine'],
  async setup(stage) {
    const nonce = stage.nonce();
    await stage.sh(
      `mkdir -p /root/tree/bin /root/tree/etc; echo "$NONCE" > /root/tree/etc/nonce
       for program in /bin/sh /bin/sleep; do
         cp "$program" /root/tree/bin/
         for file in $(ldd "$program" | grep -o '/[^ ]*'); do cp --parents "$file" /root/tree/; done
       done`,
      { NONCE: nonce },
    );
    return { nonce };
  },
  conditions: [
    {
      id: 'index',
      says: {
        en: 'The index in /root/image names a manifest that is there, by its digest and size',
        ja: '/root/image の index が、実在する manifest を正しいダイジェストと大きさで指している',
      },
      check(look) {
        const index = parse(textOf(look.host, '/root/image/index.json'));
        const [first] = index?.manifests ?? [];
        return {
          ok: verified(look, first) !== undefined && textOf(look.host, '/root/image/oci-layout')?.includes('imageLayoutVersion') === true,
          found: first?.digest?.slice(0, 19) ?? {
            en: index ? 'the index names none' : 'there is no index.json',
            ja: index ? 'index が何も指していない' : 'index.json がない',
          },
        };
      },
    },
    {
      id: 'manifest',
      says: {
        en: 'The manifest names a configuration and layers that are there, by their digests and sizes',
        ja: 'manifest が、実在する設定と層を正しいダイジェストと大きさで指している',
      },
      async check(look) {
        const manifest = parse(verified(look, parse(textOf(look.host, '/root/image/index.json'))?.manifests?.[0]));
        if (!manifest) return { ok: false, found: { en: 'no manifest', ja: 'manifest がない' } };
        const layers = manifest.layers ?? [];
        for (const layer of layers) {
          const { stdout } = await look.run(['sh', '-c', 'sha256sum < "$0" && stat -c %s "$0"', fileOf(layer)]);
          const [digest, size] = [stdout.split(/\s/)[0], stdout.trim().split('\n').at(-1)];
          if (`sha256:${digest}` !== layer.digest || size !== String(layer.size))
            return { ok: false, expected: layer.digest ?? '', found: `sha256:${digest} ${size}` };
        }
        return {
          ok: layers.length > 0 && verified(look, manifest.config) !== undefined,
          found: { en: `${layers.length} layers`, ja: `層は ${layers.length} 個` },
        };
      },
    },
    {
      id: 'runs',
      says: { en: 'A container of it runs: its /etc/nonce is that of /root/tree', ja: 'そのコンテナが動いている(/etc/nonce が /root/tree のものと同じ)' },
      check(look) {
        const rooted = look.others.filter((process) => process.has('mnt') && process.has('pid') && hasOtherRoot(look, process));
        const words = rooted.map((process) => textOf(process, '/etc/nonce')?.trim());
        return {
          ok: words.includes(look.facts['nonce']),
          found: rooted.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'no container runs', ja: '動いているコンテナがない' },
        };
      },
    },
  ],
});
