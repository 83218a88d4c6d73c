/** Why a socket could not be bound or connected: the port is low or taken, no route leads there, nobody listens. See ip(7), connect(2). */
import { cloneFlags } from '../../kernel/flags.ts';
import { readNamespacedFile } from '../../kernel/namespaced-file.ts';
import { listeners } from '../sockets.ts';
import { tryRead } from '../process-files.ts';
import { allProcesses, lackedGate } from './gate-capability.ts';
import { gate, type JudgedGate, type RefusedCall } from './refused-call.ts';
import { socketAddress, type SocketAddress } from './socket-address.ts';
import { isDenied, walk } from './walk.ts';
import { W } from './calls.ts';

/** Gates of bind, connect, listen, sendto. */
export function networkGates(call: RefusedCall): JudgedGate[] {
  const { thread, name, args, error } = call;
  const at = name === 'sendto' ? 4 : 1;
  if (!['bind', 'connect', 'sendto', 'listen'].includes(name)) return [];
  const address = name === 'listen' ? undefined : socketAddress(thread.bytes(args[at] ?? 0n, Math.min(Number(args[at + 1] ?? 0n), 128)));
  if (name === 'bind' && address && error === 'EACCES') return lowPort(call, address);
  if (error === 'EADDRINUSE') return [inUse(call, address)];
  if (!address) return [];
  const where = address.family === 'unix' ? address.address : `${address.address}:${address.port}`;
  const { networkMode } = call.context;
  switch (error) {
    case 'EADDRNOTAVAIL':
      return [
        gate(
          'address-not-here',
          [error],
          { address: address.address || where, mode: networkMode },
          addressLines(thread.tid),
          networkMode === 'none' ? { option: '--network bridge' } : {},
        ),
      ];
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return [
        gate(
          'network-unreachable',
          [error],
          { address: where, mode: networkMode },
          routeLines(thread.tid),
          networkMode === 'none' ? { option: '--network bridge' } : {},
        ),
      ];
    case 'ECONNREFUSED':
      return [gate('connection-refused', [error], { address: where }, [`the other end answered the attempt with a reset: nobody listens on ${where}`])];
    case 'ETIMEDOUT':
      return [gate('no-answer', [error], { address: where }, ['no answer came: the packets, or the answers, were dropped on the way'])];
    case 'EPERM':
      return [
        gate('packet-filter', [error], { address: where }, ['a packet filter (output hook) or an eBPF program of the cgroup drops what is sent'], {
          certain: false,
        }),
      ];
    case 'EACCES':
    case 'ENOENT':
      return address.family === 'unix' ? unixGates(call, address.address) : [];
    default:
      return [];
  }
}

function lowPort(call: RefusedCall, { family, port, address }: SocketAddress): JudgedGate[] {
  if (family === 'unix') return unixGates(call, address);
  // Of its network namespace: our own /proc, read there. What the container has at that path is the container's.
  const name = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
  const first = Number(readNamespacedFile(Number(call.thread.field('Tgid')), cloneFlags.CLONE_NEWNET, name) ?? 1024);
  if (port === 0 || port >= first) return [];
  const lacked = lackedGate(call, {
    capability: 'CAP_NET_BIND_SERVICE',
    place: 'net',
    errno: 'EACCES',
    man: 'ip(7)',
    when: `the port (${port}) is below ${first}`,
  });
  return lacked
    ? [
        {
          ...lacked,
          facts: { ...lacked.facts, port: String(port), first: String(first) },
          evidence: [`net.ipv4.ip_unprivileged_port_start = ${first}`, ...lacked.evidence],
        },
      ]
    : [];
}

function inUse({ thread, error }: RefusedCall, address: SocketAddress | undefined): JudgedGate {
  if (address?.family === 'unix')
    return gate('address-in-use', [error], { address: address.address, holder: '' }, [
      `${address.address} exists: a socket that was there before is not removed by itself`,
    ]);
  const port = address?.port ?? 0;
  const holders = listeners(thread.tid, allProcesses()).filter((l) => l.port === port);
  const text = holders.flatMap((l) => l.processes.map((p) => `${p.name} (process ${p.pid})`)).join(', ');
  return gate(
    'address-in-use',
    [error],
    { address: address ? `${address.address}:${port}` : 'the address', holder: text },
    holders.map(
      (l) => `/proc/${thread.tid}/net/${l.protocol}: ${l.address}:${l.port} listens: ${l.processes.map((p) => `${p.name} (${p.pid})`).join(', ') || 'unknown'}`,
    ),
  );
}

/** A socket's path is a file: to connect needs to write to it. */
function unixGates(call: RefusedCall, path: string): JudgedGate[] {
  if (path.startsWith('@')) return [];
  const way = walk(call.thread, 'cwd', path, true);
  if (way.missing)
    return [
      gate('missing', ['ENOENT'], { path: way.missing.path, directory: way.missing.in.path, why: 'no-entry', container: call.context.name }, [
        `${way.missing.in.path} has no such entry`,
      ]),
    ];
  const place = way.denied ?? (way.final && isDenied(call.thread, way.final, W) ? way.final : undefined);
  if (!place) return [];
  const { uid, gid, groups } = call.thread.credentials;
  const mode = (place.status.mode & 0o7777).toString(8).padStart(4, '0');
  const owner = `${place.status.uid}:${place.status.gid}`;
  return [
    gate(
      'permission',
      ['EACCES'],
      {
        path: place.path,
        needs: way.denied ? 'search' : 'write',
        mode,
        owner,
        as: 'other',
        uid,
        gid,
        groups: groups.join(',') || 'none',
        capability: 'CAP_DAC_OVERRIDE',
        known: 'yes',
      },
      [`${place.path} has mode ${mode}, owner ${owner}`],
    ),
  ];
}

const routeLines = (pid: number): string[] => {
  const routes = (tryRead(`/proc/${pid}/net/route`) ?? '').split('\n').slice(1).filter(Boolean);
  const hasDefault = routes.some((line) => line.split('\t')[1] === '00000000');
  return [`/proc/${pid}/net/route: ${routes.length} routes, ${hasDefault ? 'one of them' : 'none of them'} the default`];
};

const addressLines = (pid: number): string[] => {
  const local = (tryRead(`/proc/${pid}/net/fib_trie`) ?? '').match(/\|-- (\S+)\n\s+\/32 host LOCAL/g) ?? [];
  return [`/proc/${pid}/net/fib_trie: its own addresses are ${[...new Set(local.map((l) => /\|-- (\S+)/.exec(l)![1]!))].join(', ') || 'none'}`];
};
