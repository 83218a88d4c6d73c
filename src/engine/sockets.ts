/** Who listens in a network namespace: sockets from /proc/PID/net, and the processes that have them open. See proc_pid_net(5). */
import { readdirSync } from 'node:fs';
import type { Listener } from '../api/schema.ts';
import { processName, tryLink, tryRead } from './process-files.ts';

const LISTEN = '0A';
/** A UDP socket that no peer is set for; /proc has the same number for TCP's closed state. */
const UNCONNECTED = '07';

/**
 * The listening sockets.
 * @param pid a process in the namespace
 * @param owners processes to look for the sockets in
 */
export function listeners(pid: number, owners: readonly number[]): Listener[] {
  const holders = socketHolders(owners);
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((file) =>
    (tryRead(`/proc/${pid}/net/${file}`) ?? '')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
        const [address = '', port = ''] = local.split(':');
        const listens = file.startsWith('tcp') ? state === LISTEN : state === UNCONNECTED && /^0+:0000$/.test(remote);
        if (!listens) return [];
        const processes = (holders.get(inode) ?? []).map((id) => ({ pid: id, name: processName(id) }));
        return [{ protocol: file.slice(0, 3), address: addressText(address), port: parseInt(port, 16), processes }];
      }),
  );
}

/** Which processes have which socket open, by its inode. */
function socketHolders(pids: readonly number[]): Map<string, number[]> {
  const holders = new Map<string, number[]>();
  for (const pid of pids) {
    let fds: string[];
    try {
      fds = readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue; // it has ended
    }
    for (const fd of fds) {
      const inode = /^socket:\[(\d+)\]$/.exec(tryLink(`/proc/${pid}/fd/${fd}`) ?? '')?.[1];
      if (inode === undefined) continue;
      const known = holders.get(inode);
      if (!known) holders.set(inode, [pid]);
      else if (!known.includes(pid)) known.push(pid);
    }
  }
  return holders;
}

/** An address of /proc/net: 32-bit words in the machine's byte order. */
function addressText(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    word
      .match(/../g)!
      .toReversed()
      .map((b) => parseInt(b, 16)),
  );
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  if (groups.slice(0, 5).every((g) => g === '0') && groups[5] === 'ffff') return bytes.slice(12).join('.');
  return groups.join(':').replace(/(^|:)0(:0)+(:|$)/, '::');
}
