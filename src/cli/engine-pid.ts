/** Which process is the engine: the one that holds the socket it listens on, and no other that merely has its number. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { runDirectory, socketPath } from './engine-socket.ts';

/** The process that listens on the engine's socket, or `undefined` when there is none or it is not ours to look at. proc(5) */
export function enginePid(): number | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('hakod')) continue;
      const inode = listeningInode(readFileSync(`/proc/${pid}/net/unix`, 'utf8'));
      const descriptors = readdirSync(`/proc/${pid}/fd`);
      if (inode && descriptors.some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`)) return Number(pid);
    } catch {
      // it ended meanwhile, or is another user's
    }
  }
  return process.geteuid!() === 0 ? undefined : ownEnginePid();
}

/**
 * A user may not look into the engine, which no process of its containers is to trace; nor can anybody else have written its lock, where it
 * leaves its id.
 */
function ownEnginePid(): number | undefined {
  try {
    const pid = Number(readFileSync(`${runDirectory}/hakod.lock`, 'utf8'));
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('hakod') ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Flags with 0x10000 (SO_ACCEPTCON) mark a socket that listens. */
function listeningInode(table: string): string | undefined {
  for (const line of table.split('\n')) {
    const [, , , flags, , , inode, path] = line.trim().split(/\s+/);
    if (path === socketPath && flags === '00010000') return inode;
  }
  return undefined;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
