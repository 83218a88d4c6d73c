/** A published port, from outside, from the lab itself and from the boxes behind it: DNAT and what else it takes. See nft(8). */
import { defineExercise } from '../../../exercise.ts';
import { networksOf } from '../../../look/network.ts';
import { listening, tryFrom } from '../reach.ts';
import { plantServer } from '../server.ts';

const outside = '203.0.113.1';
const published = '203.0.113.2';
const port = 8080;

const gone = (name: string) => ({ ok: false, found: { en: `the namespace ${name} is gone`, ja: `namespace ${name} がなくなっている` } });

export default defineExercise({
  needs: ['perl', 'ip', 'nft'],
  async setup(stage) {
    const word = await plantServer(stage);
    // Where the machine has br_netfilter, packets from one port of a bridge to another would meet the packet filter, too.
    await stage.sh(`
      [ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables
      hako net add internet web client
      hako net veth internet:eth0 uplink --address ${outside}/24 --peer-address ${published}/24
      hako net bridge br0 --address 10.10.0.1/24
      hako net veth web:eth0 port-web --bridge br0 --address 10.10.0.2/24 --gateway 10.10.0.1
      hako net veth client:eth0 port-client --bridge br0 --address 10.10.0.3/24 --gateway 10.10.0.1
      hako net forward on
      nsenter --net=/run/netns/web /root/serve 80 >/dev/null 2>&1 </dev/null &`);
    return { word };
  },
  conditions: [
    {
      id: 'from-outside',
      says: { en: `From the internet, ${published}:${port} answers with the word`, ja: `インターネットから ${published}:${port} に繋ぐと合言葉が返る` },
      async check(look) {
        const internet = networksOf(look).named('internet');
        return internet ? tryFrom(look, internet, published, port) : gone('internet');
      },
    },
    {
      id: 'true-source',
      says: { en: "The server sees that caller's own address", ja: 'そのとき、サーバーから見える相手は本当の送信元アドレスである' },
      async check(look) {
        const internet = networksOf(look).named('internet');
        if (!internet) return gone('internet');
        const { from, found } = await tryFrom(look, internet, published, port);
        return { ok: from === outside, expected: outside, found: from ?? found };
      },
    },
    {
      id: 'from-sibling',
      says: {
        en: `From client, on the same bridge, ${published}:${port} answers with the word`,
        ja: `同じ bridge にいる client から ${published}:${port} に繋いでも合言葉が返る`,
      },
      async check(look) {
        const client = networksOf(look).named('client');
        return client ? tryFrom(look, client, published, port) : gone('client');
      },
    },
    {
      id: 'from-localhost',
      says: { en: `In the lab itself, 127.0.0.1:${port} answers with the word`, ja: `ラボ自身で 127.0.0.1:${port} に繋いでも合言葉が返る` },
      check: (look) => tryFrom(look, networksOf(look).host!, '127.0.0.1', port),
    },
    {
      id: 'no-proxy',
      says: {
        en: `No program listens on port ${port} in the lab: the packet filter alone does it`,
        ja: `ラボの ${port} 番で待ち受けるプログラムはない。すべてパケットフィルターの仕事である`,
      },
      async check(look) {
        const ports = await listening(look, networksOf(look).host!);
        return {
          ok: !ports.includes(port),
          found: ports.includes(port)
            ? { en: `somebody listens on port ${port}`, ja: `${port} 番で誰かが待ち受けている` }
            : { en: 'nobody listens there', ja: '待ち受けるプログラムはない' },
        };
      },
    },
  ],
});
