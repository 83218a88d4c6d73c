/**
 * The schema of `linux.sysctl` in config.json: which kernel parameters a container may have of its own. Each belongs to a kind
 * of namespace, without one of which it would be the host's; all others are the machine's alone. See namespaces(7), runc's rules.
 */
import { statSync } from 'node:fs';
import type { LinuxSpec, NamespaceType } from '../../runtime/spec.ts';
import { map, quoted, type Reading, type Schema } from './schema.ts';
import { hasControl, lineOrEmpty } from './texts.ts';

const ofIpc = ['msgmax', 'msgmnb', 'msgmni', 'sem', 'shmall', 'shmmax', 'shmmni', 'shm_rmid_forced'];

/** The kind of namespace that a parameter belongs to; undefined for the machine's own. */
function namespaceOf(key: string): NamespaceType | undefined {
  if (ofIpc.some((name) => key === `kernel.${name}`) || key.startsWith('fs.mqueue.')) return 'ipc';
  if (key.startsWith('net.')) return 'network';
  return key === 'kernel.domainname' ? 'uts' : undefined;
}

/** A name's parts are told apart by dots, and a slash is a dot in one; or the other way round, when a slash comes first. */
const swapped = (name: string): string => (name.includes('/') ? name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : name.replaceAll('.', '/'));
/** The file of a parameter, below /proc/sys. */
const fileOf = (key: string): string => {
  const slash = key.indexOf('/');
  return slash >= 0 && slash === key.search(/[./]/) ? key : swapped(key);
};
/** As sysctl(8) writes it: `net.ipv4.conf.eth0/5.rp_filter`. */
const keyOf = (file: string): string => (file.includes('.') ? swapped(file) : file.replaceAll('/', '.'));

const keyCheck = (key: string): string | undefined => {
  const parts = fileOf(key).split('/');
  const bad = parts.length < 2 || parts.some((part) => part === '' || part === '.' || part === '..' || hasControl(part) || part.includes(' '));
  if (bad) return `is not the name of a kernel parameter: names are such as net.ipv4.ip_forward`;
  const name = keyOf(fileOf(key));
  if (name === 'kernel.hostname') return 'is not allowed: the property hostname is for that';
  return namespaceOf(name) ? undefined : 'is not allowed: it is in no namespace, and would change the machine';
};

const written = map(lineOrEmpty, keyCheck);

export const sysctlsSchema: Schema<Record<string, string>> = {
  ...written,
  read(value, reading) {
    const read = written.read(value, reading);
    return read && Object.fromEntries(Object.entries(read).map(([key, text]) => [keyOf(fileOf(key)), text]));
  },
};

/** Refuses parameters of namespaces that the container shares with the host. */
export function checkSysctls({ sysctl, namespaces }: LinuxSpec, reading: Reading): void {
  let network: boolean | undefined;
  for (const key of Object.keys(sysctl ?? {})) {
    const type = namespaceOf(key)!;
    const namespace = namespaces.find((each) => each.type === type);
    const own = namespace !== undefined && (type !== 'network' || namespace.path === undefined || (network ??= !isOwnNetwork(namespace.path)));
    if (!own) reading.problemAt(`.linux.sysctl[${quoted(key)}]`, `is not allowed in the host's ${type} namespace: it would change the machine`);
  }
}

/** Whether a namespace is the one that this process is in; one that is not there is told of when it is to be joined. */
function isOwnNetwork(path: string): boolean {
  try {
    const own = statSync('/proc/self/ns/net');
    const that = statSync(path);
    return own.dev === that.dev && own.ino === that.ino;
  } catch {
    return false;
  }
}
