/** The way out: a default gateway, forwarding, and a source address that the world can answer. See ip-route(8), nft(8). */
import { defineExercise } from '../../../exercise.ts';
import { networksOf } from '../../../look/network.ts';
import { tryFrom } from '../reach.ts';
import { plantServer } from '../server.ts';

/** Addresses that RFC 5737 keeps for examples stand for the internet. */
const server = '203.0.113.1';
const uplink = '203.0.113.2';

export default defineExercise({
  needs: ['perl', 'ip', 'nft'],
  async setup(stage) {
    const word = await plantServer(stage);
    await stage.sh(`
      hako net forward off
      hako net add internet box
      hako net veth internet:eth0 uplink --address ${server}/24 --peer-address ${uplink}/24
      hako net bridge br0
      hako net veth box:eth0 port-box --bridge br0 --address 10.10.0.2/24
      nsenter --net=/run/netns/internet /root/serve 80 >/dev/null 2>&1 </dev/null &`);
    return { word };
  },
  conditions: [
    {
      id: 'gateway',
      says: { en: 'The default route of box leads to an address of the lab', ja: 'box のデフォルト経路が、ラボの持つアドレスに向いている' },
      check(look) {
        const networks = networksOf(look);
        const route = networks.named('box')?.defaultRoute;
        const own = networks.host?.addresses.map(({ address }) => address) ?? [];
        return {
          ok: route?.gateway !== undefined && own.includes(route.gateway),
          found: route
            ? {
                en: `default via ${route.gateway ?? '-'}; the lab has ${own.join(', ')}`,
                ja: `default via ${route.gateway ?? '-'}。ラボのアドレスは ${own.join(', ')}`,
              }
            : { en: 'box has no default route', ja: 'box にデフォルト経路がない' },
        };
      },
    },
    {
      id: 'forwarding',
      says: { en: 'The lab forwards packets from one interface to another', ja: 'ラボがインターフェース間でパケットを転送する' },
      check(look) {
        const forwards = networksOf(look).host?.forwards;
        return { ok: forwards === true, expected: 'net.ipv4.ip_forward = 1', found: `net.ipv4.ip_forward = ${forwards ? 1 : 0}` };
      },
    },
    {
      id: 'answered',
      says: { en: `From box, ${server}:80 answers with the word`, ja: `box から ${server}:80 に繋ぐと合言葉が返る` },
      async check(look) {
        const box = networksOf(look).named('box');
        if (!box) return { ok: false, found: { en: 'the namespace box is gone', ja: 'namespace box がなくなっている' } };
        return tryFrom(look, box, server, 80);
      },
    },
    {
      id: 'masqueraded',
      says: { en: "The server sees the lab's outer address, not that of box", ja: 'サーバーから見える相手は、box ではなくラボの外側のアドレスである' },
      async check(look) {
        const box = networksOf(look).named('box');
        const { from } = box ? await tryFrom(look, box, server, 80) : {};
        return { ok: from === uplink, expected: uplink, found: from ?? { en: 'no connection came to the end', ja: '接続が成立していない' } };
      },
    },
    {
      id: 'internet-untouched',
      says: { en: 'The internet still knows no way to the boxes', ja: 'インターネット側は、箱への経路を知らないままである' },
      check(look) {
        const routes = networksOf(look).named('internet')?.routes;
        return {
          ok: routes?.length === 1,
          found: routes?.map(({ destination, prefix, gateway }) => `${destination}/${prefix}${gateway ? ` via ${gateway}` : ''}`).join(', ') ?? {
            en: 'the namespace internet is gone',
            ja: 'namespace internet がなくなっている',
          },
        };
      },
    },
  ],
});
