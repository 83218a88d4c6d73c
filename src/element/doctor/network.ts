/** What networks are built of, made in a network namespace that is thrown away: bridge, veth, packet filter, NAT. See rtnetlink(7), nft(8). */
import { call } from '../../kernel/call.ts';
import { describeCall } from '../../kernel/describe.ts';
import { cloneFlags } from '../../kernel/flags.ts';
import { addBaseChain, addRule, addTable, batch } from '../../kernel/netlink/nftables.ts';
import { masquerade } from '../../kernel/netlink/nft-expression.ts';
import { addBridge, addVeth } from '../../kernel/netlink/rtnetlink.ts';
import type { Message } from '../../kernel/netlink/message.ts';
import { NetlinkSocket, socketCall, type NetlinkFamily } from '../../kernel/netlink/socket.ts';
import { perform, performNow } from '../../kernel/perform.ts';
import { readSysctl } from '../../network/sysctl.ts';
import { apart, failureOf, leave, tried, type Check, type Failure, type Text } from './check.ts';

/** Sends requests to a new network namespace, which goes with its only socket. */
function ask(family: NetlinkFamily, messages: readonly Message[]): Failure | undefined {
  const opened = leave([...apart(cloneFlags.CLONE_NEWNET), socketCall(family)]);
  if (!Array.isArray(opened)) return opened;
  const fd = opened.at(-1)!;
  const socket = new NetlinkSocket(family, fd);
  const request = socket.call(messages);
  const returned = perform(request) as number;
  socket.close();
  performNow(call('close', [fd]));
  return failureOf(messages.find(({ name }) => !name.includes('BATCH'))?.name ?? describeCall(request), returned);
}

const table = 'hako_doctor';

/** Each with what is asked of the kernel for it. */
const parts: readonly {
  readonly id: string;
  readonly name: Text;
  readonly module: string;
  readonly family: NetlinkFamily;
  readonly messages: () => Message[];
}[] = [
  { id: 'bridge', name: { en: 'bridge', ja: 'ブリッジ' }, module: 'bridge', family: 'NETLINK_ROUTE', messages: () => [addBridge('hakodoctor0')] },
  {
    id: 'veth',
    name: { en: 'veth', ja: 'veth' },
    module: 'veth',
    family: 'NETLINK_ROUTE',
    messages: () => [addVeth('hakodoctor0', {}, { name: 'hakodoctor1' })],
  },
  {
    id: 'nf_tables',
    name: { en: 'nf_tables', ja: 'nf_tables' },
    module: 'nf_tables',
    family: 'NETLINK_NETFILTER',
    messages: () => batch([addTable(table), addBaseChain(table, 'forward', 'filter', 'forward', 'filter')]),
  },
  {
    id: 'nat',
    name: { en: 'NAT of nf_tables', ja: 'nf_tables の NAT' },
    module: 'nft_chain_nat, nft_masq',
    family: 'NETLINK_NETFILTER',
    messages: () => batch([addTable(table), addBaseChain(table, 'postrouting', 'nat', 'postrouting', 'srcnat'), addRule(table, 'postrouting', [masquerade()])]),
  },
];

/** One check a part. */
export const networkParts = (): Check[] =>
  parts.map(({ id, name, module, family, messages }) =>
    tried(
      { id, name, essential: true, found: { en: 'made in a network namespace of its own', ja: '専用のネットワーク名前空間に作れた' } },
      ask(family, messages()),
      {
        en: `load the kernel's module (as root: modprobe ${module.replace(', ', ' && modprobe ')}); without it: hako run --network host or none`,
        ja: `カーネルモジュールを読み込む (root で: modprobe ${module.replace(', ', ' && modprobe ')})。なしで済ませるなら hako run --network host か none`,
      },
    ),
  );

/** The engine turns it on with the first bridge. */
export function forwarding(): Check {
  const value = readSysctl(['net', 'ipv4', 'ip_forward']);
  const about = {
    id: 'ip_forward',
    name: { en: 'IPv4 forwarding', ja: 'IPv4 の転送' },
    essential: false,
    how: 'read',
    facts: { 'net.ipv4.ip_forward': value ?? null },
  } as const;
  if (value === '1') return { ...about, status: 'ok', found: { en: 'on', ja: '有効' } };
  return {
    ...about,
    status: 'limited',
    found: { en: 'off', ja: '無効' },
    reason: { en: 'packets of containers do not leave this machine', ja: 'コンテナのパケットがこのマシンから出ない' },
    remedy: {
      en: 'the engine turns it on for its bridge; by hand, as root: sysctl -w net.ipv4.ip_forward=1',
      ja: 'エンジンがブリッジを作るときに有効にする。手でするなら root で: sysctl -w net.ipv4.ip_forward=1',
    },
  };
}
