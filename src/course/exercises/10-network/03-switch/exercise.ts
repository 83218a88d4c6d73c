/** A bridge: a switch in software that learns behind which port each hardware address is. See bridge(8). */
import { defineExercise } from '../../../exercise.ts';
import { LabNetworks, networksOf, type LabLink, type LabNetwork } from '../../../look/network.ts';
import { tryFrom } from '../reach.ts';
import { plantServer } from '../server.ts';

/** A port of a bridge of the lab's, and the interface of a box that its cable leads to. */
interface Plugged {
  readonly bridge: LabLink;
  readonly port: LabLink;
  readonly end: LabLink;
}

/** The bridges of the lab's own namespace with what is plugged into each. */
function bridges(networks: LabNetworks): { bridge: LabLink; plugged: Plugged[] }[] {
  const host = networks.host;
  return (host?.links ?? [])
    .filter(({ kind }) => kind === 'bridge')
    .map((bridge) => ({
      bridge,
      plugged: host!.portsOf(bridge).flatMap((port) => {
        const end = networks.peerOf(port);
        return end && !end.namespace.isHost ? [{ bridge, port, end }] : [];
      }),
    }));
}

/** Two or more boxes at one bridge, each in a namespace of its own. */
const boxes = (plugged: readonly Plugged[]): LabNetwork[] => [...new Set(plugged.map(({ end }) => end.namespace))];

const none = { en: 'the lab has no bridge', ja: 'ラボに bridge がない' };

export default defineExercise({
  needs: ['perl', 'ip'],
  setup: async (stage) => ({ word: await plantServer(stage) }),
  conditions: [
    {
      id: 'plugged',
      says: { en: 'A bridge in the lab has the cables of two boxes plugged in', ja: 'ラボの bridge に、2 つの箱からのケーブルが挿さっている' },
      check(look) {
        const found = bridges(networksOf(look));
        return {
          ok: found.some(({ plugged }) => boxes(plugged).length >= 2),
          expected: { en: 'ports whose other ends are in two namespaces', ja: '2 つの namespace へ続くポート' },
          found:
            found
              .map(
                ({ bridge, plugged }) =>
                  `${bridge.name}: ${plugged.map(({ port, end }) => `${port.name} — ${end.namespace.label}:${end.name}`).join(', ') || '-'}`,
              )
              .join('; ') || none,
        };
      },
    },
    {
      id: 'all-up',
      says: { en: 'The bridge and both ends of both cables are up', ja: 'bridge も、2 本のケーブルの両端も up になっている' },
      check(look) {
        const found = bridges(networksOf(look));
        const down = found.flatMap(({ bridge, plugged }) => [bridge, ...plugged.flatMap(({ port, end }) => [port, end])]).filter(({ up }) => !up);
        return {
          ok: found.some(({ bridge, plugged }) => bridge.up && boxes(plugged.filter(({ port, end }) => port.up && end.up)).length >= 2),
          found:
            down.map(({ namespace, name }) => `${namespace.label}:${name} DOWN`).join(', ') ||
            (found.length > 0 ? { en: 'all are up', ja: 'すべて up' } : none),
        };
      },
    },
    {
      id: 'passes',
      says: { en: 'From one box, port 8080 of another one answers with the word', ja: '一方の箱から、もう一方の 8080 番ポートに繋ぐと合言葉が返る' },
      async check(look) {
        let found = { en: 'no two boxes with addresses hang on a bridge', ja: 'アドレスの付いた箱が 2 つ、bridge に繋がっていない' };
        for (const { plugged } of bridges(networksOf(look)))
          for (const here of plugged)
            for (const there of plugged.filter(({ end }) => end.namespace !== here.end.namespace))
              for (const { address } of there.end.addresses.filter((a) => !a.address.includes(':'))) {
                const tried = await tryFrom(look, here.end.namespace, address, 8080);
                if (tried.ok) return tried;
                found = tried.found;
              }
        return { ok: false, found };
      },
    },
    {
      id: 'learned',
      once: true,
      says: {
        en: 'The bridge has learned the hardware addresses of both boxes, each behind its port',
        ja: 'bridge が 2 つの箱の MAC アドレスを、それぞれのポートの先にあるものとして学習した',
      },
      check(look) {
        // Read anew: the connection that was just tried has taught it.
        const networks = new LabNetworks(look);
        const known = ({ port, end }: Plugged): boolean =>
          networks.host!.forwarding.some((entry) => entry.learned && entry.port === port.index && entry.mac === end.address);
        const learned = bridges(networks).map(({ plugged }) => plugged.filter(known));
        return {
          ok: learned.some((plugged) => boxes(plugged).length >= 2),
          found: learned
            .flat()
            .map(({ port, end }) => `${end.address} (${end.namespace.label}) → ${port.name}`)
            .join(', ') || { en: 'none learned', ja: 'まだ学習していない' },
        };
      },
    },
  ],
});
