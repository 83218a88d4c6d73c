/**
 * The name resolution files of a container: /etc/hosts, /etc/hostname and /etc/resolv.conf, with Docker's rules.
 * See hosts(5), resolv.conf(5).
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { NetworkError } from './error.ts';

export interface DnsOptions {
  /** `--dns`: name servers instead of the host's. */
  readonly servers?: readonly string[];
  /** `--dns-search`: search domains instead of the host's; a single `.` for none. */
  readonly search?: readonly string[];
  /** Where the host has only name servers that a container cannot reach; public ones unless given. */
  readonly fallback?: readonly string[] | undefined;
  /** `--dns-option`: options instead of the host's. */
  readonly options?: readonly string[];
}

/** Where a host has only loopback name servers, which a container cannot reach, and none is given (Docker's choice, too). */
const fallbackServers = ['8.8.8.8', '8.8.4.4'];
/** The address on which systemd-resolved serves the host alone. */
const resolvedStub = '127.0.0.53';

const isLoopback = (server: string): boolean => server.startsWith('127.') || server === '::1';
const isLocalIpv6 = (server: string): boolean => server.includes(':') && (/^fe[89ab]/i.test(server) || server.includes('%'));

/**
 * The host's resolv.conf as a container's is made from. Where the host asks systemd-resolved and nobody else, a container
 * on a bridge needs the servers behind it, which that keeps in a file of its own.
 * @param root of the host's file system; another one in tests
 */
export function hostResolvConf(network: 'bridge' | 'host', root = '/'): string {
  const own = readIfThere(`${root}/etc/resolv.conf`) ?? '';
  const servers = [...own.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((m) => m[1]);
  if (network === 'host' || servers.length === 0 || servers.some((s) => s !== resolvedStub)) return own;
  return readIfThere(`${root}/run/systemd/resolve/resolv.conf`) ?? own;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * /etc/resolv.conf of a container.
 * @param host the host's own file, from {@link hostResolvConf}
 * @param network with `host` the container shares the host's loopback and keeps its name servers; with `bridge` it cannot
 *   reach loopback and link-local ones
 */
export function resolvConf(host: string, network: 'bridge' | 'host', options: DnsOptions = {}): string {
  for (const server of options.servers ?? []) {
    if (!isIP(server)) throw new NetworkError(`"${server}" is not the address of a name server: --dns takes an IP address`);
  }
  for (const text of [...(options.search ?? []), ...(options.options ?? [])]) refuseControl(text, '--dns-search and --dns-option');
  const lines = host.split('\n').map((line) =>
    line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/),
  );
  const wordsOf = (keyword: string): string[] => lines.filter(([first]) => first === keyword).flatMap((words) => words.slice(1));
  const last = (keyword: string): string[] => lines.findLast(([first]) => first === keyword)?.slice(1) ?? [];

  const reachable = (server: string): boolean => network === 'host' || !(isLoopback(server) || isLocalIpv6(server));
  const inherited = lines
    .filter(([first]) => first === 'nameserver')
    .map((words) => words[1] ?? '')
    .filter((s) => s !== '' && reachable(s));
  const servers = options.servers?.length ? options.servers : inherited.length || network === 'host' ? inherited : (options.fallback ?? fallbackServers);
  const search = options.search?.length ? options.search.filter((s) => s !== '.') : last('search').length ? last('search') : last('domain').slice(0, 1);
  const resolverOptions = options.options?.length ? options.options : wordsOf('options');
  return [
    ...servers.map((s) => `nameserver ${s}`),
    ...(search.length ? [`search ${search.join(' ')}`] : []),
    ...(resolverOptions.length ? [`options ${resolverOptions.join(' ')}`] : []),
    '',
  ].join('\n');
}

export interface HostsOptions {
  readonly hostname: string;
  /** Domain name, appended to the host name for its full form. */
  readonly domainname?: string;
  /** The container's own address; absent where it has no interface but loopback. */
  readonly address?: string;
  /** `--add-host`, `NAME:IP` or `NAME=IP`; the IP may be `host-gateway`. */
  readonly extra?: readonly string[];
  /** What `host-gateway` stands for: the bridge's address. */
  readonly gateway?: string;
}

/**
 * /etc/hosts of a container that has its own network namespace.
 * @throws NetworkError when an extra host is malformed
 */
export function hostsFile(options: HostsOptions): string {
  const { hostname, domainname, address, extra = [], gateway } = options;
  const names = domainname ? `${hostname}.${domainname} ${hostname}` : hostname;
  return [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'ff00::\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...extra.map((text) => extraHost(text, gateway)),
    ...(address ? [`${address}\t${names}`] : []),
    '',
  ].join('\n');
}

/** /etc/hosts of a container in the host's network: the host's, and the extra hosts. */
export function sharedHostsFile(host: string, extra: readonly string[], gateway?: string): string {
  const base = host.endsWith('\n') || host === '' ? host : `${host}\n`;
  return base + extra.map((text) => `${extraHost(text, gateway)}\n`).join('');
}

/** /etc/hostname of a container. */
export const hostnameFile = (hostname: string): string => `${hostname}\n`;

function extraHost(text: string, gateway: string | undefined): string {
  const separator = /[=:]/.exec(text)?.index ?? -1;
  const name = text.slice(0, separator);
  const given = text.slice(separator + 1).replace(/^\[(.*)\]$/, '$1');
  const address = given === 'host-gateway' ? gateway : given;
  refuseControl(text, '--add-host');
  if (given === 'host-gateway' && !gateway) throw new NetworkError(`--add-host ${text}: host-gateway needs a bridge network`);
  if (separator < 1 || /\s/.test(name) || !isIP(address ?? ''))
    throw new NetworkError(`"${text}" is not a host for --add-host: write it as NAME:IP, the IP may be host-gateway`);
  return `${address}\t${name}`;
}

/** A line break would add lines of the caller's choice to a file that programs trust. */
function refuseControl(text: string, flags: string): void {
  if (/\p{Cc}/u.test(text)) throw new NetworkError(`${JSON.stringify(text)} has control characters, which ${flags} cannot take`);
}
