/** Listens on a unix socket that only root, and the group `hako` where there is one, can open. */
import { chmodSync, chownSync, lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { EngineError } from '../../engine/engine.ts';

const groupName = 'hako';

/**
 * Begins to listen. A socket that a dead engine left is replaced, after nobody answered on it.
 * @throws EngineError 409 when somebody answers, or what is there is no socket; the system's error when it cannot be made
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  await removeStale(path);
  // Nobody may connect between bind(2) and chmod(2).
  const before = process.umask(0o177);
  try {
    const listening = Promise.withResolvers<void>();
    server.once('error', listening.reject);
    server.listen(path, listening.resolve);
    await listening.promise;
    server.off('error', listening.reject);
  } finally {
    process.umask(before);
  }
  const group = groupId();
  if (group !== undefined && process.geteuid?.() === 0) chownSync(path, 0, group);
  chmodSync(path, 0o660);
}

async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw new EngineError(409, `${path} is in the way: it is not a socket; move it, or choose another path.`);
  if (await answers(path)) throw new EngineError(409, `Another engine answers on ${path} already.`);
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}

/** group(5) */
function groupId(): number | undefined {
  let text: string;
  try {
    text = readFileSync('/etc/group', 'utf8');
  } catch {
    return undefined;
  }
  const id = text
    .split('\n')
    .find((line) => line.startsWith(`${groupName}:`))
    ?.split(':')[2];
  return id === undefined || !/^\d+$/.test(id) ? undefined : Number(id);
}
