/**
 * An inventory of the kernel's objects that belong to one engine: what the claim "nothing is left" means. Taken before and
 * after, the two must be equal. Each object is one line, such as `cgroup memory /hako-test-1/abc`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { findProgram } from './needs.ts';

/** Whose objects to list. */
export interface Scope {
  /** Holds HAKO_ROOT and HAKO_RUN. */
  readonly directory: string;
  readonly bridge: string;
  readonly cgroup: string;
  /**
   * A process in a network namespace that is the engine's alone: all of its network is listed. Absent: of this process's
   * network, the engine's bridge, what is attached to it, and the nftables table of its name.
   */
  readonly networkOf?: number | undefined;
}

/** Lists everything, sorted. */
export function inventory(scope: Scope): string[] {
  return [...mounts(scope), ...cgroups(scope), ...processes(scope), ...network(scope), ...files(scope)].toSorted();
}

/** Lines of `after` that `before` lacks (with `+`), and the other way round (with `-`); a line may occur several times. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  const minus = (a: readonly string[], b: readonly string[]): string[] => {
    const rest = [...b];
    return a.filter((line) => {
      const at = rest.indexOf(line);
      if (at >= 0) rest.splice(at, 1);
      return at < 0;
    });
  };
  return [...minus(after, before).map((line) => `+ ${line}`), ...minus(before, after).map((line) => `- ${line}`)];
}

/**
 * Leaves out the endpoints that the engine keeps ready, since their number and names change with its work: each is an interface
 * with its routes, and a descriptor of hakod's. One without the other is a leak, and stays as a line of its own.
 */
export function withoutReadyEndpoints(lines: readonly string[]): string[] {
  const interfaces = lines.filter((line) => line.startsWith('link veth')).length;
  const namespaces = lines.filter((line) => line === 'descriptor of hakod: net').length;
  return [
    ...lines.filter((line) => !/^(link|route|address) .*\bveth|^descriptor of hakod: net$/.test(line)).map((line) => line.replace(/ linkdown\b/, '')),
    // Not how many: as many are held ready as the last minutes asked for.
    ...(interfaces === namespaces ? [] : [`${interfaces - namespaces} more interfaces than namespaces that are held ready`]),
  ];
}

/** Reads what may vanish meanwhile: a process that ended, a cgroup that was removed. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

const processIds = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

/**
 * Mounts on, or of, the engine's directories: in this mount namespace and those of the engine's processes. Other namespaces don't
 * count: one that somebody else made just now began as a copy of this one, with all its mounts.
 */
export function mounts(scope: Pick<Scope, 'directory' | 'cgroup'>): string[] {
  const seen = new Set<string>();
  return ['self', ...processesOf(scope).map(({ pid }) => String(pid))].flatMap((pid) => {
    const namespace = attempt(() => readlinkSync(`/proc/${pid}/ns/mnt`), '');
    if (seen.has(namespace)) return [];
    seen.add(namespace);
    const lines = attempt(() => readFileSync(`/proc/${pid}/mountinfo`, 'utf8'), '').split('\n');
    const place = pid === 'self' ? 'mount' : 'mount in another namespace';
    return lines.filter((line) => line.includes(scope.directory)).map((line) => `${place} ${line.split(' ')[4]}`);
  });
}

/** Where each cgroup hierarchy is mounted: v1 controllers and v2. */
function hierarchies(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
  return lines.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4]!);
}

/** The engine's cgroup and all below, as directories, deepest first. */
export function cgroupDirectories(scope: Pick<Scope, 'cgroup'>): string[] {
  return hierarchies().flatMap((hierarchy) => {
    const top = join(hierarchy, scope.cgroup);
    if (!existsSync(top)) return [];
    const below = attempt(() => readdirSync(top, { recursive: true, withFileTypes: true }), []).filter((entry) => entry.isDirectory());
    return [top, ...below.map((entry) => join(entry.parentPath, entry.name))].toReversed();
  });
}

function cgroups(scope: Scope): string[] {
  return cgroupDirectories(scope).map((directory) => `cgroup ${directory}`);
}

/** Processes in the engine's cgroup, or with a file, an argument or a variable in the engine's directories: its hakod among them. */
export function processesOf(scope: Pick<Scope, 'directory' | 'cgroup'>): { readonly pid: number; readonly name: string }[] {
  return processIds()
    .filter((pid) => {
      if (Number(pid) === process.pid || waitsForInit(pid)) return false;
      const links = ['exe', 'cwd', 'root', ...attempt(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) => `fd/${fd}`)];
      const texts = ['cgroup', 'cmdline', 'environ'].map((file) => attempt(() => readFileSync(`/proc/${pid}/${file}`, 'latin1'), ''));
      const paths = links.map((link) => attempt(() => readlinkSync(`/proc/${pid}/${link}`), ''));
      return texts[0]!.includes(`/${scope.cgroup}`) || [...texts, ...paths].some((text) => text.includes(scope.directory));
    })
    .map((pid) => ({ pid: Number(pid), name: attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), '') }))
    .filter(({ name }) => name !== '');
}

/** Has ended, and the machine's first process, not we, has yet to reap it. */
function waitsForInit(pid: string): boolean {
  return / Z 1 /.test(attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'), '').replace(/^.*\)/s, ''));
}

/** Processes by name; and by kind what the engine's holds open: a descriptor of a namespace or a process keeps a kernel object. */
function processes(scope: Scope): string[] {
  return processesOf(scope).flatMap(({ pid, name }) => {
    const open = attempt(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''));
    const kept = open.filter((target) => /^(net|mnt|pid|user|ipc|uts|cgroup|time):|pidfd|memfd:/.test(target));
    return [`process ${name}`, ...kept.map((target) => `descriptor of ${name}: ${target.replace(/[:[].*/, '')}`)];
  });
}

interface Link {
  readonly ifname: string;
  readonly master?: string;
  readonly link?: string;
}

/** Interfaces, addresses, routes, neighbours, packet filter rules and forwarding. */
function network(scope: Scope): string[] {
  const all = scope.networkOf !== undefined;
  const enter = (program: string, ...args: string[]): string =>
    all
      ? execFileSync('nsenter', [`--net=/proc/${scope.networkOf}/ns/net`, '--', program, ...args], { encoding: 'utf8' })
      : execFileSync(program, args, { encoding: 'utf8' });
  const links = (JSON.parse(enter('ip', '-j', 'link') || '[]') as Link[]).filter((l) => all || l.ifname === scope.bridge || l.master === scope.bridge);
  const names = new Set(links.map((link) => link.ifname));
  const ours = (what: string, lines: string): string[] =>
    lines
      .split('\n')
      .filter((line) => line !== '' && (all || [...names].some((name) => line.split(' ').includes(name))))
      .map((line) => `${what} ${line.trim().replaceAll(/\s+/g, ' ')}`);
  return [
    ...links.map((link) => `link ${link.ifname}${link.master ? ` in ${link.master}` : ''}`),
    ...ours('address', enter('ip', '-oneline', 'address').replaceAll(/^\d+: |\\.*| (valid|preferred)_lft \w+/gm, '')),
    ...ours('route', enter('ip', 'route', 'show', 'table', 'all')),
    ...ours('rule', all ? enter('ip', 'rule') : ''),
    ...ours('neighbour', enter('ip', 'neighbour', 'show', 'nud', 'permanent')),
    ...packetFilter(scope, enter),
    ...(all ? [`ip_forward ${enter('cat', '/proc/sys/net/ipv4/ip_forward').trim()}`] : []),
  ];
}

/** The nftables ruleset, where nft is installed to print it; without counters and timeouts, which change by themselves. */
function packetFilter(scope: Scope, enter: (program: string, ...args: string[]) => string): string[] {
  if (!findProgram('nft')) return [];
  const tables = enter('nft', '--stateless', 'list', 'ruleset').split(/(?=^table )/m);
  return tables
    .filter((table) => scope.networkOf !== undefined || table.split(/\s+/)[2] === scope.bridge)
    .flatMap((table) => table.split('\n').filter((line) => line.trim() !== ''))
    .map((line) => `nftables ${line}`);
}

function files(scope: Scope): string[] {
  return filesBelow(scope.directory).map((path) => `file ${relative(scope.directory, path)}`);
}

/** Not by `recursive` of readdir(3)'s: that follows links, and an image's lead anywhere. */
function filesBelow(directory: string): string[] {
  return attempt(() => readdirSync(directory, { withFileTypes: true }), []).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [path, ...filesBelow(path)] : [path];
  });
}
