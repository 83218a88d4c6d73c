/**
 * Names in a network: two files that a mount namespace shows, and a name server on an address of the box's own loopback, as Docker's
 * embedded one is. See hosts(5), resolv.conf(5), ip-netns(8).
 */
import { defineExercise } from '../../../exercise.ts';
import { networksOf, runIn } from '../../../look/network.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const nameServer = `#!/usr/bin/perl
# names ADDRESS: a name server at UDP port 53 of ADDRESS. It knows what /root/zone has: a name and an IPv4 address in each line.
use strict;
use Socket;
my $address = shift or die "usage: names ADDRESS\\n";
socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!\\n";
bind($socket, sockaddr_in(53, inet_aton($address))) or die "bind to $address port 53: $!\\n";
while (defined(my $peer = recv($socket, my $query, 512, 0))) {
  next if length $query < 17;
  my ($id, $flags) = unpack 'n2', $query;
  my ($at, @labels) = (12);
  while (my $length = ord substr $query, $at, 1) { push @labels, substr $query, $at + 1, $length; $at += $length + 1 }
  my ($type) = unpack 'n', substr $query, $at + 1, 2;
  my $question = substr $query, 12, $at + 5 - 12;
  open my $zone, '<', '/root/zone' or die "/root/zone: $!\\n";
  my %known = map { split } <$zone>;
  my $found = $known{lc join '.', @labels};
  my $answer = $found && $type == 1 ? pack('n3Nn', 0xc00c, 1, 1, 5, 4) . inet_aton($found) : '';
  send $socket, pack('n6', $id, 0x8580 | ($flags & 0x100) | ($found ? 0 : 3), 1, $answer ? 1 : 0, 0, 0) . $question . $answer, 0, $peer;
}
`;

/** The learner's processes in the network of client that have a mount namespace of their own. */
function residents(look: Look): LabProcess[] {
  const client = networksOf(look).named('client');
  return (client?.processes ?? []).filter((process) => process.has('mnt'));
}

/** The IPv4 addresses that a name has for a process; undefined where it is not resolved. */
async function resolved(look: Look, process: LabProcess | undefined, name: string): Promise<string | undefined> {
  const enter = process ? ['nsenter', `--target=${process.labPid}`, '--mount', '--net'] : [];
  const { code, stdout } = await look.run([...enter, 'timeout', '3', 'getent', 'ahostsv4', name], { timeout: 6000 });
  return code === 0 ? stdout.split(/\s/)[0] : undefined;
}

/** Whether one of the processes finds the address of a name. */
async function finds(look: Look, name: string, address: string) {
  const found: string[] = [];
  for (const process of residents(look)) {
    const got = await resolved(look, process, name);
    if (got === address) return { ok: true, expected: `${name} = ${address}`, found: `pid ${process.labPid} (${process.name}): ${got}` };
    found.push(`pid ${process.labPid} (${process.name}): ${got ?? '-'}`);
  }
  return {
    ok: false,
    expected: `${name} = ${address}`,
    found: found.join(', ') || { en: 'no process to ask in', ja: '調べるプロセスがない' },
  };
}

export default defineExercise({
  needs: ['perl', 'ip'],
  async setup(stage) {
    const db = `10.10.0.${100 + (parseInt(stage.nonce().slice(0, 2), 16) % 100)}`;
    await stage.sh(
      `printf %s "$SCRIPT" >/root/names && chmod 755 /root/names && echo "db $DB" >/root/zone
       hako net add web client
       hako net bridge br0 --address 10.10.0.1/24
       hako net veth web:eth0 port-web --bridge br0 --address 10.10.0.2/24
       hako net address --ns web eth0 "$DB/24"
       hako net veth client:eth0 port-client --bridge br0 --address 10.10.0.3/24`,
      { SCRIPT: nameServer, DB: db },
    );
    return { db };
  },
  conditions: [
    {
      id: 'own-files',
      says: {
        en: 'A process is in the network namespace client and in a mount namespace of its own',
        ja: '独自の mount namespace を持つプロセスが、network namespace client の中にいる',
      },
      check(look) {
        const found = residents(look);
        const inside = networksOf(look).named('client')?.processes ?? [];
        return {
          ok: found.length > 0,
          found:
            found.map(({ labPid, name }) => `pid ${labPid} (${name})`).join(', ') ||
            (inside.length > 0
              ? { en: "the processes in client have the lab's mounts", ja: 'client の中のプロセスは、ラボと同じ mount namespace にいる' }
              : { en: 'no process is in client', ja: 'client の中にプロセスがいない' }),
        };
      },
    },
    {
      id: 'web-resolves',
      says: { en: 'In it, the name web leads to 10.10.0.2', ja: 'その中では、web という名前が 10.10.0.2 になる' },
      check: (look) => finds(look, 'web', '10.10.0.2'),
    },
    {
      id: 'server-inside',
      says: {
        en: "A name server waits at 127.0.0.11, UDP port 53, of client's own loopback",
        ja: 'client 自身の lo の 127.0.0.11、UDP 53 番でネームサーバーが待っている',
      },
      async check(look) {
        const client = networksOf(look).named('client');
        const { stdout } = client ? await runIn(look, client, ['cat', '/proc/net/udp']) : { stdout: '' };
        const ok = /^\s*\d+: 0B00007F:0035 /m.test(stdout);
        return { ok, found: ok ? '127.0.0.11:53' : { en: 'nothing is bound to 127.0.0.11:53 there', ja: '127.0.0.11:53 を使うソケットがない' } };
      },
    },
    {
      id: 'db-resolves',
      says: { en: 'In it, the name db leads to the address that only the name server knows', ja: 'その中では、ネームサーバーだけが知る名前 db も引ける' },
      check: (look) => finds(look, 'db', look.facts['db']!),
    },
    {
      id: 'lab-unaware',
      says: { en: 'The lab itself knows neither name', ja: 'ラボ自身は、どちらの名前も知らない' },
      async check(look) {
        const [web, db] = await Promise.all([resolved(look, undefined, 'web'), resolved(look, undefined, 'db')]);
        return {
          ok: web === undefined && db === undefined,
          found: web === undefined && db === undefined ? { en: 'neither is resolved', ja: 'どちらも引けない' } : `web = ${web ?? '-'}, db = ${db ?? '-'}`,
        };
      },
    },
  ],
});
