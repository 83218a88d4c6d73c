/**
 * Five boxes whose way to one server is broken, each by another fault; which has which is drawn by lot. The learner names the faults and
 * mends them. The request is 1400 bytes in one segment, so that a link with a small MTU shows.
 */
import { defineExercise, type Condition } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';

const faults = ['mask', 'route', 'forward', 'chain', 'mtu'] as const;
const boxes = [1, 2, 3, 4, 5];
const server = '10.99.0.1';

const serverScript = `#!/usr/bin/perl
# Reads a line and answers with the word in /root/word. One process a caller, since some never finish their line.
use strict;
use Socket;
open my $file, '<', '/root/word' or die; chomp(my $word = <$file>);
$SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
socket(my $server, PF_INET, SOCK_STREAM, 0) or die;
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
bind($server, sockaddr_in(80, INADDR_ANY)) or die "bind: $!\\n";
listen($server, 64);
while (accept(my $client, $server)) {
  next if fork;
  alarm 10;
  <$client>;
  syswrite $client, "$word\\n";
  exit;
}
`;

/** What a box does: it sends a line of 1400 bytes and waits for the word. As `ask N` it is the learner's, too. */
const dialogue = `exec 3<>/dev/tcp/${server}/80 && printf '%1399s\\n' hello >&3 && cat <&3`;

const askScript = `#!/bin/bash
# ask N: send 1400 bytes from box N to the server and print what it answers.
[ $# = 1 ] || { echo 'usage: ask N' >&2; exit 2; }
nsenter --net="/run/netns/box$1" timeout 4 bash -c '${dialogue.replaceAll("'", "'\\''")}'
code=$?
[ $code != 124 ] || echo 'no answer within 4 seconds' >&2
exit $code
`;

const asked = new WeakMap<Look, Promise<ReadonlyMap<number, string>>>();

/** What each box is answered; all ask at once. */
function answers(look: Look): Promise<ReadonlyMap<number, string>> {
  const ask = async (): Promise<ReadonlyMap<number, string>> => {
    const lines = 'for n in 1 2 3 4 5; do (word=$(nsenter --net=/run/netns/box$n timeout 3 bash -c "$1" 2>/dev/null); echo "$n $word") & done; wait';
    const { stdout } = await look.run(['bash', '-c', lines, 'bash', dialogue], { timeout: 8000 });
    return new Map([...stdout.matchAll(/^(\d) (\S*)$/gm)].map(([, n, word]) => [Number(n), word!]));
  };
  const known = asked.get(look) ?? ask();
  asked.set(look, known);
  return known;
}

const answered = (n: number): Condition => ({
  id: `box${n}`,
  says: { en: `The server answers box${n}`, ja: `サーバーが box${n} に応答する` },
  async check(look) {
    const word = (await answers(look)).get(n);
    const ok = word === look.facts['word'];
    return {
      ok,
      found: ok
        ? { en: 'the word came', ja: '合言葉が届いた' }
        : word
          ? { en: `another answer, "${word}"`, ja: `別の応答「${word}」` }
          : { en: 'no answer', ja: '応答なし' },
    };
  },
});

/** Each fault as lines of sh(1); $n is the box, $i its number in addresses. */
const broken: Readonly<Record<(typeof faults)[number], string>> = {
  mask: 'hako net address --ns box$n --rm eth0 10.20.$n.2/24; hako net address --ns box$n eth0 10.20.$n.2/8; hako net route --ns box$n default --via 10.20.$n.1',
  route: 'hako net route --ns box$n --rm default',
  forward: 'echo 0 >/proc/sys/net/ipv4/conf/to-box$n/forwarding',
  chain: 'nft add rule ip guard input ip saddr 10.20.$n.0/24 accept',
  mtu: 'hako net link to-box$n --mtu 1200',
};

export default defineExercise({
  needs: ['perl', 'ip', 'nft'],
  async setup(stage) {
    const word = stage.nonce();
    const draw = faults.map((fault) => ({ fault, by: stage.nonce() })).toSorted((a, b) => (a.by < b.by ? -1 : 1));
    const order = draw.map(({ fault }) => fault);
    await stage.sh(
      `printf %s "$SERVER" >/root/server && printf %s "$ASK" >/root/ask && chmod 755 /root/server /root/ask && echo "$WORD" >/root/word
       hako net add server box1 box2 box3 box4 box5
       hako net forward on
       hako net veth server:eth0 to-server --address ${server}/24 --peer-address 10.99.0.254/24 --gateway 10.99.0.254
       for n in 1 2 3 4 5; do hako net veth box$n:eth0 to-box$n --address 10.20.$n.2/24 --peer-address 10.20.$n.1/24 --gateway 10.20.$n.1; done
       nft -f - <<RULES
table ip guard {
  chain input { type filter hook input priority filter; }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
${boxes.flatMap((n, at) => (order[at] === 'chain' ? [] : [`    ip saddr 10.20.${n}.0/24 accept`])).join('\n')}
  }
}
RULES
${order.map((fault, at) => `n=${boxes[at]}; ${broken[fault]}`).join('\n')}
       nsenter --net=/run/netns/server /root/server >/dev/null 2>&1 </dev/null &`,
      { SERVER: serverScript, ASK: askScript, WORD: word },
    );
    return { word, order: order.join(' ') };
  },
  conditions: [
    ...boxes.map(answered),
    {
      id: 'named',
      says: { en: 'The five faults are named, in the order of the boxes', ja: '5 つの原因が、箱の順番どおりに答えられている' },
      check(look) {
        const given = (look.answer ?? '').split(/[\s,]+/).filter(Boolean);
        const right = look.facts['order']!.split(' ').map((fault, at) => given[at]?.toLowerCase() === fault);
        const hits = right.filter(Boolean).length;
        return {
          ok: hits === faults.length && given.length === faults.length,
          expected: { en: `five of these words: ${faults.join(', ')}`, ja: `次の 5 語を並べる: ${faults.join(', ')}` },
          found:
            look.answer === undefined
              ? { en: 'no answer yet', ja: 'まだ答えがない' }
              : { en: `"${given.join(' ')}": ${hits} in the right place`, ja: `「${given.join(' ')}」: 正しい位置にあるのは ${hits} 個` },
        };
      },
    },
  ],
});
