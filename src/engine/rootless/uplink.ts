/**
 * What connects the network namespace of a user's engine with the host's: a program that speaks for it with sockets of the user's own,
 * since only root can connect namespaces. slirp4netns(1) is taken first: it publishes single ports, on the address that is asked for.
 * pasta(1) carries what the containers begin. Neither is the engine's: without them containers have each other.
 */
import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { signals } from '../../kernel/flags.ts';
import { awaitEnd, identify, openProcess, signalProcess, type ProcessIdentity } from '../../kernel/process.ts';
import { closeFd } from '../../kernel/file-at.ts';
import type { UplinkRecord } from './namespaces-file.ts';
import { isInstalled } from '../../runtime/granted-ids.ts';

/** How long one of them may take to begin, in milliseconds. */
const patience = 15_000;

/**
 * Starts one that is installed, for the namespaces of a process.
 * @param run directory for its socket and notes
 * @returns a sentence instead, where there is none or it does not begin
 */
export async function startUplink(run: string, holder: ProcessIdentity): Promise<UplinkRecord | string> {
  const reasons: string[] = [];
  if (!mayOpen('/dev/net/tun')) return `${noUplink}: you may not open /dev/net/tun, or there is none (as root: modprobe tun && chmod 666 /dev/net/tun)`;
  for (const [program, start] of [
    ['slirp4netns', startSlirp],
    ['pasta', startPasta],
  ] as const) {
    if (!isInstalled(program)) continue;
    try {
      return await start(run, holder);
    } catch (error) {
      reasons.push(`${program} did not start (${(error as Error).message})`);
    }
  }
  return reasons.length > 0
    ? `${noUplink}: ${reasons.join('; ')}`
    : `${noUplink}: install slirp4netns (which publishes ports, too) or pasta (Debian's package passt)`;
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const noUplink = "containers reach each other, but not the network, and no ports of the host's";

async function startSlirp(run: string, { pid }: ProcessIdentity): Promise<UplinkRecord> {
  const socket = join(run, 'slirp4netns.sock');
  rmSync(socket, { force: true });
  const args = ['--configure', '--mtu=65520', '--disable-host-loopback', '--enable-sandbox', '--enable-seccomp', `--api-socket=${socket}`, '--ready-fd=3'];
  const log = openLog(run);
  const child = spawn('slirp4netns', [...args, String(pid), 'tap0'], { detached: true, cwd: '/', stdio: ['ignore', log, log, 'pipe'] });
  closeSync(log);
  const ready = (child.stdio[3] as Readable)[Symbol.asyncIterator]().next();
  const ended = once(child, 'exit').then(() => 'ended' as const);
  const timer = AbortSignal.timeout(patience);
  const first = await Promise.race([ready, ended, once(timer, 'abort').then(() => 'late' as const)]);
  if (typeof first === 'string' || first.done) {
    child.kill('SIGKILL');
    throw new Error(first === 'late' ? 'it is not ready after 15 seconds' : lastWords(run));
  }
  child.unref();
  return { program: 'slirp4netns', process: identify(child.pid!)!, nameServer: '10.0.2.3', socket };
}

/** pasta goes into the background when it is ready. Ports are not forwarded: it would do so on every address of the host. */
async function startPasta(run: string, { pid }: ProcessIdentity): Promise<UplinkRecord> {
  const pidFile = join(run, 'pasta.pid');
  rmSync(pidFile, { force: true });
  const none = ['-t', '-u', '-T', '-U'].flatMap((flag) => [flag, 'none']);
  // An address of its own: with the host's, which it would have by itself, the host could not be reached.
  const network = ['--ipv4-only', '--address', '10.0.2.100', '--netmask', '24', '--gateway', '10.0.2.2'];
  const args = ['--config-net', '--quiet', '--no-map-gw', ...network, '--dns-forward', pastaNameServer, '--pid', pidFile, ...none, String(pid)];
  const log = openLog(run);
  const child = spawn('pasta', args, { cwd: '/', stdio: ['ignore', log, log], timeout: patience });
  closeSync(log);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(lastWords(run) || `it ended with ${code}`);
  const process = identify(Number(readFileSync(pidFile, 'utf8')));
  if (!process) throw new Error('it has ended');
  return { program: 'pasta', process, nameServer: pastaNameServer };
}

/** An address for documentation, which nobody has. */
const pastaNameServer = '192.0.2.53';

/** What it says goes to a file: it goes on when nobody would read a pipe any more. */
const logIn = (run: string): string => join(run, 'uplink.log');
const openLog = (run: string): number => openSync(logIn(run), 'w', 0o600);
const lastWords = (run: string): string => readFileSync(logIn(run), 'utf8').trim().split('\n').at(-1) ?? '';

/** Ends a process and waits until it has; one that has ended already is no failure. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  const pidfd = openProcess(identity);
  if (pidfd === undefined) return;
  signalProcess(pidfd, signals.SIGKILL);
  await awaitEnd(pidfd, 1000);
  closeFd(pidfd);
}
