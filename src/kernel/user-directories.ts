/**
 * Where an engine keeps its things unless it is told: the machine's directories for root, those of the XDG Base Directory Specification
 * for a user who runs one of his own. The client and the engine find the same ones.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the environment says: HAKO_ROOT, HAKO_RUN, XDG_DATA_HOME, XDG_RUNTIME_DIR, HOME. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What must survive a reboot. */
export function dataDirectory(environment: Environment, user = process.geteuid!()): string {
  if (environment['HAKO_ROOT']) return environment['HAKO_ROOT'];
  if (user === 0) return '/var/lib/hako';
  return join(absolute(environment['XDG_DATA_HOME']) ?? join(environment['HOME'] || homedir(), '.local/share'), 'hako');
}

/** What a reboot ends. A user without a runtime directory has one in /tmp, which is checked to be his own before it is used. */
export function runDirectory(environment: Environment, user = process.geteuid!()): string {
  if (environment['HAKO_RUN']) return environment['HAKO_RUN'];
  if (user === 0) return '/run/hako';
  const own = absolute(environment['XDG_RUNTIME_DIR']);
  return own === undefined ? `/tmp/hako-${user}` : join(own, 'hako');
}

/** The specification has relative paths ignored. */
const absolute = (path: string | undefined): string | undefined => (path?.startsWith('/') ? path : undefined);
