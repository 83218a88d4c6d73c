/** The ids that a user is granted beside his own, by /etc/subuid and /etc/subgid; see subuid(5). newuidmap(1) holds who uses them to these files. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IdMapping } from './spec.ts';

/** The maps of a user's engine, and what they cannot do. */
export interface OwnMaps {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  readonly note?: string;
}

/** Lines `NAME:FIRST:COUNT`, or with the user's number. */
export function grantedRanges(text: string, name: string, id: number): IdMapping[] {
  const ranges: IdMapping[] = [];
  let containerID = 1;
  for (const line of text.split('\n')) {
    const [who, first, count] = line.trim().split(':');
    const [hostID, size] = [Number(first), Number(count)];
    if ((who !== name && who !== String(id)) || !Number.isSafeInteger(hostID) || !Number.isSafeInteger(size) || size < 1) continue;
    ranges.push({ containerID, hostID, size });
    containerID += size;
  }
  return ranges;
}

/**
 * The user's own id as root's, and those granted after it; without a grant, or the programs that make use of it, the own id alone.
 */
export function ownMaps(): OwnMaps {
  const user = { uid: process.geteuid!(), gid: process.getegid!() };
  const own = (hostID: number): IdMapping => ({ containerID: 0, hostID, size: 1 });
  const alone = { uidMappings: [own(user.uid)], gidMappings: [own(user.gid)] };
  const name = nameOf(user.uid);
  const users = grantedRanges(readIfThere('/etc/subuid'), name, user.uid);
  const groups = grantedRanges(readIfThere('/etc/subgid'), name, user.uid);
  const missing = ['newuidmap', 'newgidmap'].filter((program) => !isInstalled(program));
  const why =
    users.length === 0 || groups.length === 0
      ? `/etc/${users.length === 0 ? 'subuid' : 'subgid'} grants no ids to ${name} (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}, as root)`
      : missing.length > 0
        ? `${missing.join(' and ')} (on Debian: package uidmap) ${missing.length === 1 ? 'is' : 'are'} not installed`
        : undefined;
  if (why === undefined) return { uidMappings: [own(user.uid), ...users], gidMappings: [own(user.gid), ...groups] };
  return {
    ...alone,
    note: `only your own id is mapped, since ${why}: files of an image belong to root whoever they belong to there, and programs cannot become another user`,
  };
}

/** A user without an entry in passwd has his number for a name. */
function nameOf(uid: number): string {
  try {
    return process.getBuiltinModule('node:os').userInfo().username;
  } catch {
    return String(uid);
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Whether a program is in a directory of PATH. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
