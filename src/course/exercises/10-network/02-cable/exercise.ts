/** A veth pair between two network namespaces: what goes in at one end comes out at the other. See veth(4). */
import { defineExercise } from '../../../exercise.ts';
import { networksOf, type LabLink } from '../../../look/network.ts';
import type { Look } from '../../../look/look.ts';
import { tryFrom } from '../reach.ts';
import { plantServer } from '../server.ts';

/** The cables whose ends are in two namespaces, neither of them the lab's own. */
function cables(look: Look): [LabLink, LabLink][] {
  const networks = networksOf(look);
  return networks.others().flatMap((network) =>
    network.wires.flatMap((link): [LabLink, LabLink][] => {
      const peer = networks.peerOf(link);
      return peer && !peer.namespace.isHost && peer.namespace.inode > network.inode ? [[link, peer]] : [];
    }),
  );
}

const text = ({ namespace, name, up, addresses }: LabLink): string =>
  `${namespace.label}:${name} ${up ? 'UP' : 'DOWN'} ${
    ipv4({ addresses })
      .map(({ address, prefix }) => `${address}/${prefix}`)
      .join(' ') || '-'
  }`;

const ipv4 = ({ addresses }: Pick<LabLink, 'addresses'>): LabLink['addresses'] => addresses.filter(({ address }) => !address.includes(':'));

const none = { en: 'no veth pair lies between two namespaces', ja: '2 つの namespace にまたがる veth がない' };

export default defineExercise({
  needs: ['perl', 'ip'],
  setup: async (stage) => ({ word: await plantServer(stage) }),
  conditions: [
    {
      id: 'cable',
      says: {
        en: "A veth pair has its ends in two namespaces, neither of them the lab's own",
        ja: 'veth の両端が、ラボ以外の 2 つの network namespace に入っている',
      },
      check(look) {
        const found = cables(look);
        return { ok: found.length > 0, found: found.map(([a, b]) => `${a.namespace.label}:${a.name} — ${b.namespace.label}:${b.name}`).join(', ') || none };
      },
    },
    {
      id: 'ready',
      says: { en: 'Both ends are up and have an address', ja: '両端とも up で、アドレスが付いている' },
      check(look) {
        const found = cables(look);
        return {
          ok: found.some((ends) => ends.every((end) => end.up && ipv4(end).length > 0)),
          found: found.map(([a, b]) => `${text(a)} — ${text(b)}`).join(', ') || none,
        };
      },
    },
    {
      id: 'passes',
      says: { en: 'From one end, port 8080 at the other answers with the word', ja: '一方の端から、もう一方の 8080 番ポートに繋ぐと合言葉が返る' },
      async check(look) {
        let found = none;
        for (const ends of cables(look))
          for (const [here, there] of [ends, ends.toReversed()] as [LabLink, LabLink][])
            for (const { address } of ipv4(there)) {
              const tried = await tryFrom(look, here.namespace, address, 8080);
              if (tried.ok) return tried;
              found = tried.found;
            }
        return { ok: false, found };
      },
    },
  ],
});
